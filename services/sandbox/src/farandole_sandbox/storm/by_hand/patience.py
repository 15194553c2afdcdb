"""Patience: the two ways to try again that are written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeAlias

from farandole.retry import Backoff

from farandole_sandbox.storm.by_hand.gateway import Answer, NoAnswer

Ask: TypeAlias = Callable[[], Awaitable[Answer | NoAnswer]]


async def insist(ask: Ask, slots: asyncio.Semaphore) -> Answer:
    """Ask again at once until there is an answer. The order keeps its slot."""
    async with slots:
        while isinstance(answer := await ask(), NoAnswer):
            pass
    return answer


async def back_off(ask: Ask, slots: asyncio.Semaphore, *, backoff: Backoff, random: Random) -> Answer | None:
    """Ask again after exponentially growing delays with full jitter; None when the attempts are used up.

    An order that waits gives its slot to another one, as it does with retry topics or a task queue: delays of minutes
    in the consumer's own loop would have Kafka take its partitions away. What the gateway asks for is heeded.
    """
    for attempt in range(backoff.attempts):
        async with slots:
            answer = await ask()
        if isinstance(answer, Answer):
            return answer
        if not backoff.exhausted(attempt):
            delay = backoff.delay(attempt, random).total_seconds()
            await asyncio.sleep(max(delay, answer.retry_after))
    return None
