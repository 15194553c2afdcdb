"""Lint: every rule of the choreography, over a topology and the schema files with their marks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from farandole.choreography import pairs, rules
from farandole.choreography.cycles import cycles
from farandole.choreography.marks import read_marks
from farandole.choreography.score import Score
from farandole.contracts import Problem, SchemaFile
from farandole.topology import Topology


def lint(topology: Topology, files: Sequence[SchemaFile]) -> list[Problem]:
    """Return what is wrong with a choreography, in order of file and line.

    Schema files are named by their path below the schema folder, code as an editor opens it. Observers hear everything
    and count for nobody.
    """
    read = {file.fullname: read_marks(file) for file in files}
    score = Score(
        topology=topology,
        files={file.fullname: file for file in files},
        marks={name: marks for name, (marks, _) in read.items()},
    )
    problems = [problem for _, faults in read.values() for problem in faults]
    for rule in (rules.orphans, rules.unfed, rules.unused, rules.writers, rules.stale, cycles, pairs.missing):
        problems += rule(score)
    return sorted(problems, key=lambda one: (one.file, one.line, one.code, one.what))
