"""Selection: which records of some topics are meant: by time or offset, key, type, flow, id, fields and number.

One language for all that reads history: replays, dead letters, ``tail`` and ``events find``.
"""

from farandole.selection.bound import Bound, Moment, Offset, parse_bound
from farandole.selection.frozen import Frozen, freeze
from farandole.selection.reading import Reading
from farandole.selection.request import Request, resolve
from farandole.selection.scan import follow, scan
from farandole.selection.selected import Selected
from farandole.selection.selection import Selection
from farandole.selection.tally import Tally
from farandole.selection.where import Where

__all__ = [
    "Bound",
    "Frozen",
    "Moment",
    "Offset",
    "Reading",
    "Request",
    "Selected",
    "Selection",
    "Tally",
    "Where",
    "follow",
    "freeze",
    "parse_bound",
    "resolve",
    "scan",
]
