"""Audit: whether every event that a service was given is done, on its way, or dead, and which are not."""

from farandole.audit.audit import audit
from farandole.audit.finding import Finding
from farandole.audit.report import Balance, Report
from farandole.audit.standing import Standing

__all__ = ["Balance", "Finding", "Report", "Standing", "audit"]
