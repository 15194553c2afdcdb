"""A service that `farandole new service` wrote passes the checks as it stands.

The workspace's own files are copied into a folder, a service is written into the copy, and formatter, linter, type
checker, contracts check and the new tests are run there with this environment, as far as that goes without installing
the package. The long test clones the workspace, installs it and runs `make check`, the new tests and those of the docs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import ROOT, fences
from farandole import contracts
from farandole.cli.main import build
from farandole.errors import OperationError, UsageError

BIN = Path(sys.executable).parent
PAGE = ROOT / "docs/tutorial/your-own-service-in-ten-minutes.md"
LONG = pytest.mark.skipif(os.environ.get("FARANDOLE_LONG") != "1", reason="minutes; FARANDOLE_LONG=1 runs it")
NAMES = {
    "loyalty": ("--hears", "OrderCompleted", "--emits", "PointsAwarded"),
    "gift-cards": ("--hears", "OrderPlaced", "--store"),
    "postcards": ("--hears", "PaymentCaptured", "--depends-on", "card-printer"),
    "listener": ("--hears", "GoodsReceived", "--silent"),
    "alone": (),
    "very-long-name-of-servic": (
        *("--hears", "CancellationRequested", "--emits", "Avery345678901234567890123456789Bcdefghi"),
        *("--depends-on", "very-long-name-of-system"),
    ),
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """What a new service touches and needs of the workspace, copied."""
    folder = tmp_path / "workspace"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "schemas", folder / "schemas", ignore=ignored)
    shutil.copytree(ROOT / "services/crm", folder / "services/crm", ignore=ignored)
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def run(folder: Path, *command: str | Path, **more: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"} | more
    done = subprocess.run(
        [str(one) for one in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1000,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def new(folder: Path, *arguments: str) -> int:
    """Run the command in this process: a process of its own costs two seconds."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return build()(["new", "service", *arguments, "--no-install"], exit_on_error=False)
    finally:
        os.chdir(before)


def everything(folder: Path) -> dict[str, bytes]:
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_it_passes_format_lint_types_contracts_and_its_own_tests(workspace: Path):
    for name, options in NAMES.items():
        new(workspace, name, *options)
    folders = [f"services/{name.replace('-', '_')}" for name in NAMES]
    sources = [f"{one}/src" for one in folders]
    paths = os.pathsep.join(str(workspace / one) for one in ("schemas/src", *sources))
    run(workspace, BIN / "ruff", "format", "--check", *folders)
    run(workspace, BIN / "ruff", "check", *folders)
    run(workspace, BIN / "mypy", "--cache-dir", ROOT / ".mypy_cache", "schemas/src", *sources)
    said = run(
        workspace,
        *(sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-o", "asyncio_mode=auto"),
        *("--import-mode=importlib", "-p", "no:cacheprovider"),
        *folders,
        PYTHONPATH=paths,
    )
    assert f"{2 * len(NAMES)} passed" in said
    assert contracts.check(workspace / "schemas") == []


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("crm",), "E586", "services/crm"),
        (("Crm2",), "E585", "Crm2"),
        (("../crm",), "E585", "../crm"),
        (("class",), "E585", "class"),
        (("x", "--hears", "OrderPlacd"), "E588", "did you mean OrderPlaced?"),
        (("x", "--emits", "OrderPlaced"), "E586", "orders/OrderPlaced.avsc"),
        (("x", "--topic", "orders"), "E586", "one writer"),
        (("x", "--depends-on", "bank", "--no-store"), "E590", "bank"),
        (("x", "--silent", "--emits", "XDone"), "E585", "--silent"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(workspace: Path, arguments, code: str, named: str):
    before = everything(workspace)
    with pytest.raises(UsageError) as refused:
        new(workspace, *arguments)
    assert refused.value.code == code
    assert named in str(refused.value)
    assert everything(workspace) == before


def test_outside_a_workspace_it_says_so(tmp_path: Path):
    with pytest.raises(UsageError, match="in no workspace") as refused:
        new(tmp_path, "loyalty")
    assert refused.value.code == "E587"


def test_a_dry_run_tells_the_files_and_writes_none(workspace: Path, capsys: pytest.CaptureFixture[str]):
    before = everything(workspace)
    assert new(workspace, "loyalty", "--dry-run", "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert everything(workspace) == before
    new(workspace, "loyalty")
    after = everything(workspace)
    assert sorted(set(after) - set(before)) == told["created"]
    assert sorted(path for path in before if after[path] != before[path]) == told["changed"]


def test_where_a_file_cannot_be_written_all_are_as_they_were(workspace: Path):
    (workspace / "schemas/.ids.lock.new").mkdir()
    before = everything(workspace)
    with pytest.raises(OperationError) as failed:
        new(workspace, "loyalty")
    assert failed.value.code == "E592"
    assert everything(workspace) == before
    assert not (workspace / "services/loyalty").exists()


def test_the_tutorial_of_ten_minutes_works(workspace: Path, capsys: pytest.CaptureFixture[str]):
    (shown,) = fences(PAGE, "text")
    (first, *_) = fences(PAGE, "sh")
    command = first.text.split()
    assert command[:3] == [".venv/bin/farandole", "new", "service"]
    new(workspace, *command[3:])
    assert capsys.readouterr().err.splitlines()[:-1] == shown.text.splitlines()[:-1]
    assert shown.text.splitlines()[-1].startswith("next: make check")
    test = workspace / "services/loyalty/tests/test_loyalty_answers.py"
    paths = os.pathsep.join(str(workspace / one) for one in ("schemas/src", "services/loyalty/src"))
    tests = (
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-c",
        os.devnull,
        "-o",
        "asyncio_mode=auto",
        "--import-mode=importlib",
    )
    for block in fences(PAGE, "json", "python"):
        (workspace / block.title).write_text(block.text, "utf-8")
    contracts.generate(workspace / "schemas")
    assert contracts.check(workspace / "schemas") == []
    raised = test.read_text("utf-8").replace("total_cents=1,", "total_cents=44099,")
    test.write_text(
        raised.replace('PointsAwarded(\n            order_id="k-1",', 'PointsAwarded(order_id="k-1", points=440,')
    )
    assert "2 passed" in run(workspace, *tests, "services/loyalty", PYTHONPATH=paths)


@LONG
@pytest.mark.timeout(1200)
def test_a_clone_with_a_new_service_passes_make_check_and_its_tests(tmp_path: Path):
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", ROOT, clone)
    run(clone, "make", "setup")
    farandole = clone / ".venv/bin/farandole"
    run(clone, farandole, "new", "service", "loyalty", "--hears", "OrderCompleted", "--emits", "PointsAwarded")
    run(clone, clone / ".venv/bin/uv", "lock", "--check")
    run(clone, "make", "check")
    run(clone, clone / ".venv/bin/pytest", "-q", "services/loyalty", "tests/docs", "shared/tests/contracts")
