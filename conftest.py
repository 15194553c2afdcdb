"""Every test may ask for a real Kafka and a real Redis; the run says which it uses."""

from __future__ import annotations

import signal

pytest_plugins = ["farandole.testing.plugin"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background deaf to SIGINT, and every process of a test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
