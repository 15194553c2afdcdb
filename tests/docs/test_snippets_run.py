"""The Python of every page runs: its blocks make one module, and its test functions are run.

Blocks with a ``title=`` are files of the tutorial, which has a test of its own.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest
from doc_pages import fences, name_of, pages

WITH_PYTHON = [page for page in pages() if any(not one.title for one in fences(page, "python"))]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
async def test_the_python_of_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    module = ModuleType("page_" + "".join(c if c.isalnum() else "_" for c in name_of(page)))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    for block in fences(page, "python"):
        if not block.title:
            # Padded, so that a traceback names the line of the page.
            code = compile("\n" * (block.line - 1) + block.text, str(page), "exec", dont_inherit=True)
            exec(code, module.__dict__)
    for name, function in list(vars(module).items()):
        if name.startswith("test_"):
            outcome = function()
            if inspect.isawaitable(outcome):
                await outcome


def test_the_readme_has_an_example_and_a_test_of_it():
    blocks = [block.text for block in fences(pages()[0], "python")]
    assert len(blocks) == 2
    assert "async def test_" in blocks[1]
