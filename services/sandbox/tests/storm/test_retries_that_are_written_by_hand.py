"""The two ways to try again that people write by hand, with a gateway that fails a number of times."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random

from farandole.retry import Backoff
from farandole_sandbox.storm.by_hand.gateway import Answer, NoAnswer
from farandole_sandbox.storm.by_hand.patience import back_off, insist

YES = Answer(authorised=True, fields={})
SOON = Backoff(first=timedelta(milliseconds=1), factor=2, attempts=3)


class Failing:
    """A gateway that fails so many times before it answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0
        self.called = asyncio.Event()

    async def __call__(self) -> Answer | NoAnswer:
        self.calls += 1
        self.called.set()
        await asyncio.sleep(0)
        return YES if self.calls > self.failures else NoAnswer()


async def test_one_insists_until_there_is_an_answer():
    gateway = Failing(50)
    assert await insist(gateway, asyncio.Semaphore(1)) is YES
    assert gateway.calls == 51


async def test_one_who_insists_keeps_the_slot():
    slots, gateway, behind = asyncio.Semaphore(1), Failing(5), Failing(0)
    order = asyncio.gather(insist(gateway, slots), insist(behind, slots))
    while gateway.calls < 5:
        assert behind.calls == 0
        await asyncio.sleep(0)
    await order


async def test_one_who_backs_off_gives_up_after_as_many_attempts_as_the_policy_has():
    gateway = Failing(99)
    assert await back_off(gateway, asyncio.Semaphore(1), backoff=SOON, random=Random(1)) is None
    assert gateway.calls == SOON.attempts


async def test_one_who_backs_off_lets_others_go_first_meanwhile():
    slots, waiting, behind = asyncio.Semaphore(1), Failing(1), Failing(0)
    patient = Backoff(first=timedelta(seconds=60), factor=1, attempts=2)
    order = asyncio.create_task(back_off(waiting, slots, backoff=patient, random=Random(1)))
    await waiting.called.wait()
    async with asyncio.timeout(30):
        assert await insist(behind, slots) is YES
    assert waiting.calls == 1
    order.cancel()


async def test_what_the_gateway_asks_for_is_heeded():
    async def never_now() -> NoAnswer:
        return NoAnswer(retry_after=3600)

    task = asyncio.create_task(back_off(never_now, asyncio.Semaphore(1), backoff=SOON, random=Random(1)))
    done, _ = await asyncio.wait({task}, timeout=0.05)
    task.cancel()
    assert not done, "it asked again before the hour was over"
