"""Contracts: the schema folder, its lock, the classes generated from it, and what may change."""

from farandole.contracts.generate import Generated, generate
from farandole.contracts.problem import Problem

__all__ = ["Generated", "Problem", "generate"]
