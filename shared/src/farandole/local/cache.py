"""Where downloaded and derived files are kept between runs, for every mesh of this user."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """Return ``FARANDOLE_CACHE``, else ``farandole`` in the user's cache folder. It may not exist yet."""
    chosen = os.environ.get("FARANDOLE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "farandole"
