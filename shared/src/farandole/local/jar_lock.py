"""The lock of Kafka's jars: which files make the embedded broker, byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath

KAFKA_VERSION = "4.3.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Jar:
    """One locked jar: its ``path`` in a Maven repository, ``size`` in bytes, and ``sha256`` in hex."""

    path: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name, unique within the lock."""
        return PurePosixPath(self.path).name

    @property
    def coordinates(self) -> tuple[str, str, str]:
        """Group, artifact and version, as the path says them."""
        *group, artifact, version, _ = PurePosixPath(self.path).parts
        return ".".join(group), artifact, version

    @property
    def kind(self) -> tuple[str, str]:
        """Classifier (empty for none) and type, as the file's name says them."""
        _, artifact, version = self.coordinates
        rest = self.name.removeprefix(f"{artifact}-{version}")
        classifier, _, kind = rest.partition(".")
        return classifier.removeprefix("-"), kind

    def matches(self, file: Path) -> bool:
        """Tell whether ``file`` holds exactly this jar."""
        if file.stat().st_size != self.size:
            return False
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256


def parse(text: str) -> tuple[Jar, ...]:
    """Read a lock: a jar a line (sha256, size, path), ``#`` starts a comment."""
    rows = (line.split() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return tuple(Jar(sha256=sha256, size=int(size), path=path) for sha256, size, path in rows)


def shipped() -> tuple[Jar, ...]:
    """Return the lock that this version of the library ships."""
    return parse((resources.files("farandole.local") / "data" / f"kafka-{KAFKA_VERSION}.lock").read_text("utf-8"))
