"""Orders as analytics hears them."""

from __future__ import annotations

import sys
from pathlib import Path

# pytest's importlib mode puts no folder on the path, and the tests here share two modules.
sys.path.insert(0, str(Path(__file__).parent))
