"""Recording: an operation is in the audit topic before it begins, and again when it ends, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from farandole.errors import FarandoleError
from farandole.operations.audit_record import Began, Ended, Result
from farandole.operations.audit_topic import AuditTopic
from farandole.operations.operation import MOST_WORDS, Operation


@dataclass(kw_only=True, slots=True)
class Receipt:
    """What is told of an operation when it ends. Fill it on the way."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    result: Result = "done"
    why: str = ""


@asynccontextmanager
async def recorded(
    topic: AuditTopic,
    operation: Operation,
    *,
    marks: Mapping[int, int] | None = None,
    details: Mapping[str, Any] | None = None,
    resumes: bool = False,
) -> AsyncGenerator[Receipt]:
    """Record that an operation begins, run the block, and record how it ended.

    Nothing of the block runs before the brokers have the first record. A block that raises ends as failed, and an
    interrupted one (Ctrl-C, a cancelled task) does not end: it can be taken up again, with ``resumes``, which records
    no beginning (append `Resumed` for that). Raises what `AuditTopic.append` does, and what the block does.
    """
    if not resumes:
        began = Began(
            operation=operation.id,
            at=operation.at,
            begun=operation,
            marks=dict(marks or {}),
            details=dict(details or {}),
        )
        await topic.append(began)
    receipt = Receipt()
    try:
        yield receipt
    except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
        raise
    except Exception as error:
        what = error.what if isinstance(error, FarandoleError) else f"{type(error).__name__}: {error}"
        with suppress(FarandoleError):  # what went wrong first is what is to be told
            await topic.append(_ended(operation, receipt, result="failed", why=what))
        raise
    await topic.append(_ended(operation, receipt, result=receipt.result, why=receipt.why))


def _ended(operation: Operation, receipt: Receipt, *, result: Result, why: str) -> Ended:
    return Ended(
        operation=operation.id,
        at=datetime.now(UTC),
        result=result,
        counts=receipt.counts,
        why=why[:MOST_WORDS],
        details=receipt.details,
    )
