"""The reference pages are generated from the source, so they can be held to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_says_what_the_source_says():
    said = subprocess.run(
        [sys.executable, "-m", "docs.reference.generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
