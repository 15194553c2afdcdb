"""Failing: with what status somebody is answered whose action, or question, could not be done."""

from __future__ import annotations

from farandole.errors import FarandoleError, NotPermittedError, OperationError, UnavailableError, UsageError


def status_of(error: FarandoleError) -> int:
    """Return the status of an answer, as exit codes tell failures apart."""
    match error:
        case UsageError():
            return 400
        case NotPermittedError():
            return 403
        case OperationError():
            return 409
        case UnavailableError():
            return 503
        case _:
            return 500
