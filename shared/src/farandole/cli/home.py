"""Where the embedded mesh keeps its state: ``--home``, ``FARANDOLE_HOME``, or ``.farandole`` in this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from farandole.local.home import default_home

Home = Annotated[Path | None, Parameter(name="--home", help="The folder of the mesh's state (default .farandole).")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON document on one line on stdout.")]

__all__ = ["Home", "Json", "default_home"]
