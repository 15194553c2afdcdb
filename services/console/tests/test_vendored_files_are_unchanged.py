"""The files that others wrote are those that their packages hold: each has the sum that the README beside them says."""

from __future__ import annotations

import re
from hashlib import sha256
from importlib import resources

VENDOR = resources.files("farandole_console") / "static" / "vendor"


def test_each_vendored_file_has_the_sum_that_is_written_down() -> None:
    told = dict(re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE))
    there = {
        one.name: sha256(one.read_bytes()).hexdigest() for one in VENDOR.iterdir() if one.name.endswith((".js", ".css"))
    }
    assert there == told
