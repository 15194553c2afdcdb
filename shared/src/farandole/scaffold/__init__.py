"""Scaffold: a new service of a workspace, written so that it passes the checks of the workspace as it stands."""

from farandole.scaffold.blueprint import Blueprint, blueprint
from farandole.scaffold.plan import Plan, plan
from farandole.scaffold.workspace import Workspace, find_workspace
from farandole.scaffold.writing import write

__all__ = ["Blueprint", "Plan", "Workspace", "blueprint", "find_workspace", "plan", "write"]
