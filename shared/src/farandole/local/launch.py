"""Runs a service, its imports done while the broker starts: ``python -m farandole.local.launch GATE MODULE PRELOAD``.

Importing takes a service a second of CPU, and the broker needs two to start: so both happen at once. The service itself
runs when the file GATE exists, which is when the topics do; a restart later finds it there and does not wait.
"""

from __future__ import annotations

import contextlib
import importlib
import runpy
import sys
import time
from pathlib import Path

_POLL_SECONDS = 0.02


def main() -> None:
    """Import PRELOAD, wait for GATE, run MODULE as ``python -m MODULE`` would."""
    gate, module, preload = sys.argv[1:]
    sys.argv = [module]
    if preload:
        # A module that cannot be imported says so when it runs, with its own traceback.
        with contextlib.suppress(Exception):
            importlib.import_module(preload)
    while not Path(gate).exists():
        time.sleep(_POLL_SECONDS)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
