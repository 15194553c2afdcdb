"""What the outside systems counted themselves, read from the sandbox's own database."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path


def calls_of(home: Path, system: str) -> Counter[int]:
    """Return how many calls a system answered with each status; 0 stands for an answer that was lost."""
    with closing(sqlite3.connect(f"file:{home / 'stores' / 'sandbox.db'}?mode=ro", uri=True)) as books:
        rows = books.execute("SELECT status, SUM(count) FROM calls WHERE system = ? GROUP BY status", (system,))
        return Counter(dict(rows.fetchall()))
