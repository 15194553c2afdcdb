"""Puts this folder on the path: importlib mode does not, and the tests here share what they make up."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
