"""Every ``farandole …`` and ``make …`` in the pages is a command that there is, with options that it has."""

from __future__ import annotations

import re
import shlex
from io import StringIO
from pathlib import Path

import pytest
from cyclopts import App
from doc_pages import ROOT, fences, name_of, pages
from farandole.cli.main import build
from rich.console import Console

IN_CODE = re.compile(r"`((?:\.venv/bin/)?(?:farandole|make) [^`\n]*)`")
AT_A_PROMPT = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?(?:farandole|make) .*$", re.MULTILINE)
# The error codes quote what the source says, commands of a later day among it.
QUOTING = {"docs/reference/errors.md", "docs/reference/cli.md"}


def commands(page: Path) -> list[str]:
    found = IN_CODE.findall(page.read_text("utf-8"))
    for fence in fences(page, "sh", "console"):
        found += AT_A_PROMPT.findall(fence.text)
    return [one.removeprefix("$ ").removeprefix(".venv/bin/").partition("  #")[0].strip() for one in found]


@pytest.mark.parametrize("page", [page for page in pages() if name_of(page) not in QUOTING], ids=name_of)
def test_the_commands_of_a_page_exist(page: Path):
    app = build()
    unknown = [one for one in commands(page) if not exists(app, shlex.split(one))]
    assert not unknown


def exists(app: App, words: list[str]) -> bool:
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
        return all(word in targets or "=" in word or word.startswith("-") for word in words[1:])
    path: list[str] = []
    for word in words[1:]:
        if word.startswith("-") or word not in app:
            break
        app = app[word]
        path.append(word)
    options = {word.partition("=")[0] for word in words[1:] if word.startswith("--")}
    return bool(path) and all(option in help_of(path) for option in options)


def help_of(path: list[str]) -> str:
    out = StringIO()
    build().help_print(path, console=Console(file=out, width=200, color_system=None))
    return out.getvalue()


@pytest.mark.parametrize(
    "invented", ["farandole dance", "farandole up --quickly", "farandole topics", "make merry", "farandole topics plan"]
)
def test_a_command_that_is_not_there_is_noticed(invented: str):
    assert exists(build(), invented.split()) == (invented in {"farandole topics", "farandole topics plan"})
