"""Rebuild: makes a new generation of a read model's store from history, and switches its service over to it."""

from farandole.rebuild.mesh import Mesh
from farandole.rebuild.plan import Plan
from farandole.rebuild.rebuilding import Actor, Rebuilding
from farandole.rebuild.standing import Standing
from farandole.rebuild.subject import Subject, demand_read_model, subject_of

__all__ = ["Actor", "Mesh", "Plan", "Rebuilding", "Standing", "Subject", "demand_read_model", "subject_of"]
