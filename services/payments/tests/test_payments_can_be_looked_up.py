"""The pages that audits read."""

from __future__ import annotations

