"""What the torture run is made of lies beside its tests, as a program of its own: ``python tests/faults``.

The books to break are those that the demo's audit is tested with.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "services/sandbox/tests/demo")]
