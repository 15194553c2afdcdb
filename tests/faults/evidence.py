"""Evidence: what a run that failed leaves behind, for whoever looks into it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from farandole_sandbox.demo.books import Books
from timeline import Fault


class Evidence:
    """The folder of one seed: the mesh's home below it (databases, logs), the timeline, the topics, the outcome."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def home(self) -> Path:
        """Where the mesh lives."""
        return self.folder / "mesh"

    def begin(self, faults: Sequence[Fault]) -> None:
        """Make the folder anew and write the timeline into it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        with (self.folder / "timeline.txt").open("w", encoding="utf-8") as file:
            file.writelines(f"{fault.at.total_seconds():7.1f} s  {fault}\n" for fault in faults)

    def keep(self, document: dict[str, Any], books: Books | None) -> None:
        """Write down what came of the run, and every record of every topic."""
        (self.folder / "outcome.json").write_text(json.dumps(document, indent=2) + "\n", "utf-8")
        if books is None:
            return
        kept = {"topics": books.records, "retries": books.retries, "dead": [record for _, record in books.dead]}
        for name, records in kept.items():
            with (self.folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(record), default=str) + "\n" for record in records)

    def drop(self) -> None:
        """Throw everything away: nobody needs it."""
        shutil.rmtree(self.folder, ignore_errors=True)
