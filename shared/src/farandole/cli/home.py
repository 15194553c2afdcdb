"""Where the embedded mesh keeps its state: ``--home``, ``FARANDOLE_HOME``, or ``.farandole`` in this folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def default_home() -> Path:
    """Return the home that is meant when none is named."""
    return Path(os.environ.get("FARANDOLE_HOME") or ".farandole")


Home = Annotated[Path | None, Parameter(name="--home", help="The folder of the mesh's state (default .farandole).")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON document on one line on stdout.")]
