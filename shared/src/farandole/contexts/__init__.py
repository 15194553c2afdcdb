"""Contexts: which mesh a command is about, and what one may do there."""

from farandole.contexts.context import Context, Role
from farandole.contexts.contexts_file import contexts_file, read_contexts
from farandole.contexts.target import Target, Windows, target_of

__all__ = ["Context", "Role", "Target", "Windows", "contexts_file", "read_contexts", "target_of"]
