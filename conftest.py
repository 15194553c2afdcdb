"""Every test may ask for a real Kafka and a real Redis; the run says which it uses."""

from __future__ import annotations

pytest_plugins = ["farandole.testing.plugin"]
