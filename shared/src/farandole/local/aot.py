"""The ahead-of-time cache of the broker's classes, which halves the start: where it is, how it is used (Java 25 on)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from farandole.local import cache, kafka_settings
from farandole.local.java import Java


def file_for(argv: tuple[str, ...], java: Java) -> Path:
    """Return where the cache for this command lies. It may not exist.

    The name holds what a cache depends on: the runtime, the flags and the class path. The JVM checks the rest itself
    and goes on without a cache that does not fit.
    """
    release = java.path.parent.parent / "release"
    build = release.read_text("utf-8") if release.exists() else ""
    flags = " ".join(each for each in argv if each.startswith(("-X", "--")))
    key = hashlib.sha256(f"{java.path}\n{build}\n{flags}\n{_class_path(argv)}".encode()).hexdigest()[:16]
    return cache.folder() / f"kafka-{kafka_settings.version()}" / f"broker-{key}.aot"


def used(argv: tuple[str, ...], java: Java) -> tuple[str, ...]:
    """Return the command with the cache, where there is one; else as it came."""
    if not kafka_settings.takes_aot_cache(java):
        return argv
    file = file_for(argv, java)
    return (argv[0], f"-XX:AOTCache={file}", *argv[1:]) if file.is_file() else argv


def recording(argv: tuple[str, ...], output: Path) -> tuple[str, ...]:
    """Return the command that writes a cache to ``output`` when it ends, at the lowest priority."""
    return ("nice", "-n", "19", argv[0], f"-XX:AOTCacheOutput={output}", *argv[1:])


def _class_path(argv: tuple[str, ...]) -> str:
    return argv[argv.index("-cp") + 1]
