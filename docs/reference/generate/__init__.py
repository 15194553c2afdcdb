"""Writes the reference pages that the source itself can tell: ``python -m docs.reference.generate``."""
