"""Contracts: the schema folder, its lock, the classes generated from it, and what may change."""

from farandole.contracts.check import check
from farandole.contracts.compatibility import compatible
from farandole.contracts.folder import SchemaFile, read_folder
from farandole.contracts.generate import Generated, generate
from farandole.contracts.lint import lint
from farandole.contracts.lock import LockLine, read_lock
from farandole.contracts.problem import Problem

__all__ = [
    "Generated",
    "LockLine",
    "Problem",
    "SchemaFile",
    "check",
    "compatible",
    "generate",
    "lint",
    "read_folder",
    "read_lock",
]
