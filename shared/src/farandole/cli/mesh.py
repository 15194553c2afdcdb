"""Which mesh a command is about: ``--context``, ``--home``, FARANDOLE_CONTEXT, the mesh at home, the environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from farandole.cli.home import Home, default_home
from farandole.contexts import Target, target_of
from farandole.contexts.target import VARIABLE
from farandole.errors import UsageError
from farandole.service import Service

Context = Annotated[str, Parameter(name="--context", help="Which mesh: the name of a context (farandole contexts).")]


def mesh(context: str, home: Home, services: Sequence[Service] = ()) -> Target:
    """Return the mesh that is meant, with the databases of these services.

    What the command line says outranks FARANDOLE_CONTEXT; without either it is the mesh that runs in the default home
    and, where none does, the one that the environment names. Raises UsageError.
    """
    return target_of(home or default_home(), services, context=named(context, home))


def named(context: str, home: Home) -> str:
    """Return the name of the context that is meant; empty for none. Raises UsageError where both are given."""
    if context and home is not None:
        raise UsageError("--context and --home name two meshes", do="give one of them", code="E514")
    return context or (os.environ.get(VARIABLE, "") if home is None else "")
