"""The page about bad input says of each kind of it what the conformance suite holds both worlds to."""

from __future__ import annotations

import sys

from doc_pages import ROOT

sys.path.insert(0, str(ROOT / "tests/conformance/engine"))

from bad_records import bad_records
from things import things

PAGE = ROOT / "docs/explanation/bad-input.md"


def test_the_table_is_that_of_the_catalogue() -> None:
    rows = dict.fromkeys(one.row for one in bad_records(things("docs")))
    table = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "---" not in line]
    assert table[1:] == [f"| {row.what} | {row.becomes} |" for row in rows]
