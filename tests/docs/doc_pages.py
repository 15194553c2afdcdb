"""The pages of the documentation, and the fenced blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """A fenced block: its language, the file that it is (``title=``), its text, and the line that it begins on."""

    language: str
    title: str
    text: str
    line: int


def pages() -> list[Path]:
    """Return every page that users read, the services' own READMEs apart."""
    own = [
        ROOT / name for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "changes/README.md", "shared/README.md")
    ]
    return [*own, *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def fences(page: Path, *languages: str) -> Iterator[Fence]:
    """Yield the fenced blocks of a page in these languages, in their order."""
    text = page.read_text("utf-8")
    for found in FENCE.finditer(text):
        language, _, rest = found["info"].strip().partition(" ")
        if language in languages:
            title = rest.removeprefix("title=") if rest.startswith("title=") else ""
            line = text.count("\n", 0, found.start("text")) + 1
            yield Fence(language=language, title=title, text=found["text"], line=line)
