"""The contexts that a page shows are contexts, and what it says of each setting is all that there is."""

from __future__ import annotations

import re

from doc_pages import ROOT, fences
from farandole.contexts import Context, read_contexts

PAGE = ROOT / "docs" / "howto" / "work-on-a-remote-mesh.md"


def test_they_can_be_read(tmp_path):
    (shown,) = fences(PAGE, "toml")
    file = tmp_path / "contexts.toml"
    file.write_text(shown.text)
    file.chmod(0o644)
    found = read_contexts(file)
    assert set(found) == {"staging", "live"}
    assert set(found["staging"].databases) == {"payments", "crm"}


def test_every_setting_is_in_the_table():
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    told = {name for line in rows for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert set(Context.__struct_fields__) <= told
