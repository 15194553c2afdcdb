"""The command says what it cannot do, why, and what to do instead, and ends as the other commands do."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import pytest
from farandole.cli.main import main


@pytest.fixture
def rebuild(monkeypatch, tmp_path, capsys):
    """Run ``farandole replay rebuild`` here, and return its exit status and what it said on stdout and stderr."""
    monkeypatch.setenv("FARANDOLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FARANDOLE_DATABASE_URL_CONSOLE", f"sqlite:///{tmp_path / 'console.db'}")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["farandole", "replay", "rebuild", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("--service", "nobody"), "E501", "there is no service nobody"),
        (("--service", "orders"), "E570", "orders cannot be rebuilt"),
        (("--service", "console", "--from", "2026-11-23T14:00:00"), "E520", "does not say its zone"),
        (("--service", "console", "--from", "4711"), "E571", "--from takes a time"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(rebuild, words, code, what) -> None:
    status, _, said = rebuild(*words)
    assert status == 2
    assert code in said
    assert what in said
    assert "do:" in said


@pytest.mark.mesh
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--service", "console"), "E513"),
        (("cancel", "--service", "console", "--reason", "a test", "--yes"), "E573"),
        (("undo", "--service", "console", "--reason", "a test", "--yes"), "E574"),
        (("--service", "console", "--reason", "a test"), "E515"),
    ],
)
def test_what_there_is_not_cannot_be_ended_or_undone(rebuild, monkeypatch, backend, words, code) -> None:
    monkeypatch.setenv("FARANDOLE_BROKERS", backend.bootstrap)
    status, _, said = rebuild(*words)
    assert (status, code in said) == (2, True), said


@pytest.mark.mesh
def test_a_dry_run_shows_the_plan_and_does_nothing(rebuild, monkeypatch, backend) -> None:
    monkeypatch.setenv("FARANDOLE_BROKERS", backend.bootstrap)
    status, out, _ = rebuild("--service", "console", "--dry-run", "--json")
    assert status == 3
    plan = json.loads(out)["plan"]
    assert (plan["service"], plan["current"], plan["generation"]) == ("console", 1, 2)
    assert json.loads(rebuild("status", "--service", "console", "--json")[1])["building"] is None
    status, out, _ = rebuild("status", "--service", "console")
    assert (status, out.splitlines()[-1].split()) == (0, ["1", "-", "-", "-", "-", "-"])


def test_a_mesh_that_is_away_is_told_as_such(rebuild, monkeypatch) -> None:
    monkeypatch.setenv("FARANDOLE_BROKERS", "127.0.0.1:1")
    monkeypatch.setenv("FARANDOLE_CLUSTER", "c")
    monkeypatch.setattr("farandole.generations.log._WITHIN", timedelta(seconds=1))
    assert rebuild("status", "--service", "console")[0] == 5
