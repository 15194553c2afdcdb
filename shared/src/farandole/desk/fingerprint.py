"""Fingerprint: which dead letters have failed alike: the same error, at the same place, of the same event type.

The place is the first frame of the author's own, seen from where the error was raised: file and function, no line. So
it stays the same over the versions of a service as long as nobody moves the function, and wherever it is installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Final

_FRAME: Final = re.compile(r'^\s*File "(?P<file>[^"\n]+)", line \d+, in (?P<function>.+?)\s*$', re.MULTILINE)
_PACKAGES: Final = re.compile(r"/(?:site|dist)-packages/")
_STANDARD: Final = re.compile(r"/lib/python3[^/]*/(?!(?:site|dist)-packages/)|^<frozen ")
_SOURCES: Final = "/src/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A frame of a stack: the path of its file, with ``/``, and the function."""

    file: str
    function: str

    def __str__(self) -> str:
        return f"{_tail(self.file)}:{self.function}"


def fingerprint(*, error_class: str, stack: str, event_type: str) -> str:
    """Return the eight hex digits that dead letters which failed alike have in common."""
    frame = own_frame(stack)
    parts = (error_class, str(frame) if frame else "", event_type)
    return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=4, person=b"farandole-dead").hexdigest()


def own_frame(stack: str) -> Frame | None:
    """Return the author's own frame that lies nearest to the error; None where the stack has no frame at all."""
    frames = [Frame(file=one["file"].replace("\\", "/"), function=one["function"]) for one in _FRAME.finditer(stack)]
    if not frames:
        return None
    # The engine calls the handler, so the outermost frame is the author's. A service is installed like any library:
    # what lies in the handler's package is its author's, as is what lies in no package of an installation.
    home = _package(frames[0].file)
    own = [one for one in frames if not _is_foreign(one.file, home)]
    return (own or frames)[-1]


def _is_foreign(file: str, home: str) -> bool:
    if _STANDARD.search(file):
        return True
    return _PACKAGES.search(file) is not None and _package(file) != home


def _package(file: str) -> str:
    """Return the top package of an installed file, or nothing."""
    inside = _PACKAGES.split(file)
    return inside[-1].partition("/")[0] if len(inside) > 1 else ""


def _tail(file: str) -> str:
    """Return the part of a path that is the same wherever the package is installed."""
    if _PACKAGES.search(file):
        return _PACKAGES.split(file)[-1]
    if _SOURCES in file:
        return file.rpartition(_SOURCES)[2]
    return "/".join(PurePosixPath(file).parts[-2:])
