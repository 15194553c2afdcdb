"""Choreography: what must hold of who hears and who emits what, told with the line and the services concerned."""

from farandole.choreography.lint import lint
from farandole.choreography.marks import Marks, read_marks

__all__ = ["Marks", "lint", "read_marks"]
