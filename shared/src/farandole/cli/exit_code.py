"""ExitCode: what a command's exit status means, the same for every command."""

from __future__ import annotations

from enum import IntEnum

from farandole.errors import FarandoleError, LocalMeshError, StalePlanError, UnavailableError, UsageError


class ExitCode(IntEnum):
    """The exit statuses of ``farandole``."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CHANGES = 3
    CHECK_FAILED = 4
    UNREACHABLE = 5


NO_MESH = "E412"


def exit_code_of(error: FarandoleError) -> ExitCode:
    """Return the exit status for an error."""
    if isinstance(error, UsageError):
        return ExitCode.USAGE
    if isinstance(error, UnavailableError) or (isinstance(error, LocalMeshError) and error.code == NO_MESH):
        return ExitCode.UNREACHABLE
    if isinstance(error, StalePlanError):
        return ExitCode.CHECK_FAILED
    return ExitCode.FAILED
