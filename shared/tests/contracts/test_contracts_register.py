"""``farandole contracts register`` as a deployment calls it: what it says, what it writes, and how it exits."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from farandole.cli.main import main
from farandole.registry import IdMap
from farandole.testing.fake_registry import FakeRegistry, Scripted
from farandole_events import CATALOGUE

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"

pytestmark = pytest.mark.filterwarnings("ignore:Cyclopts application invoked without tokens")

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run the command in an empty folder; return its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["farandole", "contracts", "register", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return called


def test_it_registers_everything_and_writes_the_map(fake: FakeRegistry, call: Call, tmp_path: Path) -> None:
    status, out, _ = call("--registry", fake.url, "--schemas", str(SCHEMAS), "--json")
    assert status == 0
    told = json.loads(out)
    read = IdMap.read(tmp_path / told["ids"])
    assert len(read.ids) == len(told["schemas"]) == len(CATALOGUE.versions) == len(fake.schemas)
    assert all(one["new"] for one in told["schemas"])
    assert {fake.levels[schema.fullname] for schema in CATALOGUE} == {"FULL_TRANSITIVE"}


def test_a_second_time_it_writes_the_same_map(fake: FakeRegistry, call: Call, tmp_path: Path) -> None:
    call("--registry", fake.url, "--schemas", str(SCHEMAS), "--ids", "one.json")
    status, _, said = call("--registry", fake.url, "--schemas", str(SCHEMAS), "--ids", "two.json")
    assert status == 0
    assert "0 of" in said
    assert (tmp_path / "one.json").read_text() == (tmp_path / "two.json").read_text()


def test_a_dry_run_tells_what_is_lacking_and_touches_nothing(fake: FakeRegistry, call: Call, tmp_path: Path) -> None:
    arguments = ("--registry", fake.url, "--schemas", str(SCHEMAS), "--dry-run")
    status, _, _ = call(*arguments)
    assert status == 3
    assert not fake.schemas
    assert not fake.levels
    assert not list(tmp_path.iterdir())
    call("--registry", fake.url, "--schemas", str(SCHEMAS))
    assert call(*arguments)[0] == 0


def test_the_address_and_the_password_come_from_the_environment_too(
    fake: FakeRegistry, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARANDOLE_REGISTRY_URL", fake.url)
    monkeypatch.setenv("FARANDOLE_REGISTRY_USERNAME", "mesh")
    monkeypatch.setenv("FARANDOLE_REGISTRY_PASSWORD", "hush-hush")
    status, out, said = call("--schemas", str(SCHEMAS))
    assert status == 0
    assert fake.authorised
    assert "hush" not in out + said


def test_without_a_registry_it_is_a_mistake_of_usage(call: Call) -> None:
    assert call("--schemas", str(SCHEMAS))[0] == 2
    assert call("--schemas", str(SCHEMAS), "--registry", "http://a:hush@127.0.0.1:1")[0] == 2


def test_a_registry_that_is_away_is_unreachable_and_no_map_is_written(
    fake: FakeRegistry, call: Call, tmp_path: Path
) -> None:
    fake.instead = Scripted(status=503)
    assert call("--registry", fake.url, "--schemas", str(SCHEMAS))[0] == 5
    assert call("--registry", "http://127.0.0.1:1", "--schemas", str(SCHEMAS))[0] == 5
    assert not list(tmp_path.iterdir())


def test_what_the_registry_refuses_fails_the_check_and_no_map_is_written(
    fake: FakeRegistry, call: Call, tmp_path: Path
) -> None:
    schema = CATALOGUE["farandole.orders.OrderCancelled"]
    other = {**schema.avsc, "fields": [*schema.avsc["fields"], {"name": "mood", "type": "string"}]}
    fake.answer("POST", f"subjects/{schema.fullname}/versions", json.dumps({"schema": json.dumps(other)}).encode())
    status, out, said = call("--registry", fake.url, "--schemas", str(SCHEMAS), "--json")
    assert (status, out) == (4, "")
    assert json.loads(said.splitlines()[-1])["error"]["code"] == "E261"
    assert schema.fullname in said
    assert not list(tmp_path.iterdir())


class Forgetful(FakeRegistry):
    """A registry that keeps no docs."""

    def _add(self, text: str) -> int:
        schema = json.loads(text)
        schema.pop("doc", None)
        return super()._add(json.dumps(schema))


def test_a_registry_that_changes_what_it_is_given_is_found_out(call: Call, tmp_path: Path) -> None:
    with Forgetful() as fake:
        status, _, said = call("--registry", fake.url, "--schemas", str(SCHEMAS))
    assert status == 4
    assert "E262" in said
    assert not list(tmp_path.iterdir())


def test_schemas_that_are_newer_than_the_lock_are_not_registered(
    fake: FakeRegistry, call: Call, tmp_path: Path
) -> None:
    folder = tmp_path / "schemas"
    (folder / "orders").mkdir(parents=True)
    text = (SCHEMAS / "orders" / "OrderCancelled.avsc").read_text("utf-8")
    (folder / "orders" / "OrderCancelled.avsc").write_text(text)
    (folder / "ids.lock").write_text((SCHEMAS / "ids.lock").read_text("utf-8"))
    assert call("--registry", fake.url, "--schemas", str(folder), "--dry-run")[0] == 3
    (folder / "orders" / "OrderCancelled.avsc").write_text(text.replace('"doc": "', '"doc": "New: ', 1))
    status, _, said = call("--registry", fake.url, "--schemas", str(folder))
    assert status == 4
    assert "E250" in said
    assert not fake.schemas
