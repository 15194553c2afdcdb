"""Maven, where the machine has it: its local repository, and mvn to fetch into a folder of ours."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from farandole.local.jar_lock import Jar
from farandole.local.progress import Progress, Report

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_LONGEST = timedelta(minutes=10)
_STEP = "Kafka by mvn"
_DEPENDENCY = (
    "<dependency><groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version>{3}"
    "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>"
)
_POM = (
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    "<groupId>farandole</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>"
    "<dependencies>{0}</dependencies></project>"
)


def local_repository() -> Path:
    """Return Maven's local repository: ``FARANDOLE_M2``, else ``~/.m2/repository``. It may not exist."""
    chosen = os.environ.get("FARANDOLE_M2")
    return Path(chosen) if chosen else Path.home() / ".m2" / "repository"


def pom(wanted: Sequence[Jar]) -> str:
    """Write a project that depends on exactly these jars, not on what they need themselves: the lock is complete."""
    return _POM.format("".join(_DEPENDENCY.format(*jar.coordinates, _kind(jar)) for jar in wanted))


def _kind(jar: Jar) -> str:
    classifier, kind = jar.kind
    said = f"<classifier>{classifier}</classifier>" if classifier else ""
    return said if kind == "jar" else f"{said}<type>{kind}</type>"


def copy(mvn: str, wanted: Sequence[Jar], target: Path, *, report: Report) -> bool:
    """Let ``mvn`` fetch the jars into ``target``, laid out as a repository; tell whether it said that it did.

    The caller checks the bytes. mvn keeps its own settings, mirrors and credentials: nothing of them is read here.
    """
    with tempfile.TemporaryDirectory(prefix="farandole-mvn-") as folder:
        (Path(folder) / "pom.xml").write_text(pom(wanted), "utf-8")
        command = [mvn, "-B", "-q", _PLUGIN, "-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={target}"]
        process = subprocess.Popen(  # noqa: S603 - mvn as the PATH has it, arguments of our own
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return _wait(process, target, len(wanted), report)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], target: Path, total: int, report: Report) -> bool:
    deadline = time.monotonic() + _LONGEST.total_seconds()
    while time.monotonic() < deadline:
        try:
            code = process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            code = None
        report(Progress(step=_STEP, done=sum(1 for _ in target.rglob("*.jar")), total=total, unit="jars"))
        if code is not None:
            return code == 0
    return False
