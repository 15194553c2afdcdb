"""Which errors of a database mean that it is away, and which are the statement's own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from sqlite3 import Error as SQLiteError
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from farandole.errors import FarandoleError, StoreUnavailableError

# PERM, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB. Everything else
# (no such table, a syntax error, a constraint) is the statement's own fault and passes through.
_SQLITE_AWAY: Final = frozenset({3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 26})

# Connection, resources (disk full), operator intervention, system error, lock not available, deadlock and
# serialisation, read-only after a failover, a transaction that idled too long, wrong password, no such database.
_POSTGRESQL_AWAY: Final = ("08", "53", "57", "58", "55P03", "40", "25006", "25P03", "28", "3D")


def means_away(error: DBAPIError | SQLiteError) -> bool:
    """Tell whether the database, rather than the statement, is at fault: the same work may succeed later."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    sqlite_code = getattr(orig, "sqlite_errorcode", None)
    if isinstance(sqlite_code, int):
        return sqlite_code & 0xFF in _SQLITE_AWAY
    if isinstance(error, DBAPIError) and (error.connection_invalidated or isinstance(error, InterfaceError)):
        return True
    sqlstate = getattr(orig, "sqlstate", None)
    if isinstance(sqlstate, str):
        return sqlstate.startswith(_POSTGRESQL_AWAY)
    # A server that cannot be reached reports no state at all.
    return isinstance(error, OperationalError)


def unavailable(service: str, cause: BaseException | str) -> StoreUnavailableError:
    """Say that the database of ``service`` is away; the statement's parameters are left out, they are not for logs."""
    orig = cause.orig if isinstance(cause, DBAPIError) else cause
    return StoreUnavailableError(
        f"the database of {service} does not answer",
        why=" ".join(str(orig).split()) or type(orig).__name__,
        do="nothing was committed, the work waits and is tried again; farandole doctor   shows what is away",
    )


def too_slow(service: str, limit: timedelta) -> FarandoleError:
    """Say that a statement took too long on a database that answers others: a failure, which waiting does not mend."""
    return FarandoleError(
        f"a statement of {service} took longer than {limit.total_seconds():g} s and was given up",
        why="the database answers others at once, so it is the statement, or the rows that it waits for",
        do="page what reads many rows, and look for what holds the locks; it was rolled back, or never answered",
        code="E308",
    )


def spent(cause: BaseException) -> FarandoleError:
    """Say that a unit of work goes on after one of its statements failed."""
    return FarandoleError(
        "the unit of work has failed and was rolled back",
        why=f"an earlier statement raised {type(cause).__name__}, and nothing after it can commit",
        do="let the error pass, or write what may already be there with work.insert(table).on_conflict_do_nothing()",
        code="E305",
    )


@contextmanager
def translated(service: str) -> Generator[None]:
    """Turn errors that mean "database away, locked or full" into StoreUnavailableError; others pass as they are."""
    try:
        yield
    except (DBAPIError, SQLiteError) as error:
        if means_away(error):
            raise unavailable(service, error) from error
        raise
    except (PoolTimeoutError, OSError) as error:
        raise unavailable(service, error) from error
