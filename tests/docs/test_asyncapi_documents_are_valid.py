"""AsyncAPI's own command line calls every document valid, and a broken one not.

`farandole topology --asyncapi` writes a document a service and one of the mesh. The validator is the official
`@asyncapi/cli`, installed by npm for this run: a gigabyte and a half, so it runs on request. `FARANDOLE_ASYNCAPI` names
one that is there already.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from farandole.cli.topology import topology

CLI = "@asyncapi/cli@4.1.1"

pytestmark = [
    pytest.mark.skipif(
        os.environ.get("FARANDOLE_LONG") != "1" and "FARANDOLE_ASYNCAPI" not in os.environ,
        reason="AsyncAPI's validator is large; FARANDOLE_LONG=1 installs it, FARANDOLE_ASYNCAPI names one",
    ),
    pytest.mark.slow,
    pytest.mark.timeout(1_200),
]


@pytest.fixture(scope="module")
def validator(tmp_path_factory) -> str:
    if named := os.environ.get("FARANDOLE_ASYNCAPI"):
        return named
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here to install the validator with")
    folder = tmp_path_factory.mktemp("asyncapi")
    subprocess.run([npm, "install", "--silent", "--prefix", str(folder), CLI], check=True, timeout=900)
    return str(folder / "node_modules" / ".bin" / "asyncapi")


def validated(validator: str, file: Path) -> tuple[int, str]:
    run = subprocess.run(
        [validator, "validate", str(file), "--fail-severity=error"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "ASYNCAPI_METRICS": "false"},
    )
    return run.returncode, run.stdout + run.stderr


def test_every_document_is_valid(tmp_path, validator):
    topology(asyncapi=True, out=tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) > 5
    for file in files:
        code, told = validated(validator, file)
        assert code == 0, f"{file.name}: {told}"


def test_a_document_that_breaks_the_rules_is_not(tmp_path, validator):
    topology(asyncapi=True, out=tmp_path)
    file = tmp_path / "crm.asyncapi.json"
    document = json.loads(file.read_text())
    del next(iter(document["operations"].values()))["channel"]
    file.write_text(json.dumps(document))
    code, told = validated(validator, file)
    assert code != 0
    assert "channel" in told
