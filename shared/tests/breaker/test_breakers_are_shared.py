"""One breaker for a whole fleet: many workers change its state in one Redis at once, and no word of theirs is lost.

Every change is computed in Python from what was read and set only if that is still there; whoever was too late computes
again. So counts are exact however many report at once, and of many who ask for the one probe one is given it.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from farandole import Dependency
from farandole.breaker import Kind, Outcome, Phase, RedisBreakers, Wants
from farandole.breaker.turn import taken
from farandole.cli.breakers import breakers
from farandole.cli.exit_code import ExitCode, exit_code_of
from farandole.errors import BreakersUnavailableError, LocalMeshError, StartError
from redis.asyncio import Redis

GATEWAY = Dependency("gateway", first_rate=0.001, ramp=timedelta(hours=1))
NOTHING = Wants()
AGES_AGO = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


@pytest.fixture
def cluster() -> str:
    return f"c-{uuid.uuid4().hex[:8]}"


@pytest_asyncio.fixture
async def fleet(backend, cluster: str) -> AsyncIterator[list[RedisBreakers]]:
    workers = [RedisBreakers(backend.redis_url, cluster=cluster, timeout=timedelta(seconds=20)) for _ in range(8)]
    yield workers
    for one in workers:
        await one.close()


async def report(worker: RedisBreakers, kind: Kind, count: int = 1, *, began: datetime = AGES_AGO):
    def change(kept, now):
        outcomes = [Outcome(kind=kind, began=began, ended=now, reason="away")] * count
        return taken(kept, now, dependency=GATEWAY, outcomes=outcomes, wants=NOTHING)

    return await worker.change("gateway", change)


async def ask(worker: RedisBreakers, wants: Wants, *, later: timedelta = timedelta(0)):
    def change(kept, now):
        return taken(kept, now + later, dependency=GATEWAY, outcomes=[], wants=wants)

    return (await worker.change("gateway", change)).granted


async def test_nothing_that_many_report_at_once_is_lost(fleet: list[RedisBreakers]):
    async def report_often(worker: RedisBreakers) -> None:
        for _ in range(20):
            await report(worker, Kind.SUCCESS)

    await asyncio.gather(*(report_often(worker) for worker in fleet))
    assert (await fleet[0].states())["gateway"].successes == 160


async def test_failures_of_different_workers_open_one_breaker_once(fleet: list[RedisBreakers]):
    turns = await asyncio.gather(*(report(worker, Kind.FAILURE, 2) for worker in fleet))
    assert [turn.state.phase for turn in turns].count(Phase.OPEN) == 4
    transitions = [turn for turn in turns if turn.state.transitions != turn.before.transitions]
    assert len(transitions) == 1
    assert (await fleet[3].states())["gateway"].transitions == 1


async def test_of_many_that_ask_for_the_probe_one_is_given_it(fleet: list[RedisBreakers]):
    await report(fleet[0], Kind.FAILURE, 10)
    later = GATEWAY.probe_interval
    granted = await asyncio.gather(
        *(ask(worker, Wants(probe=f"w-{number}"), later=later) for number, worker in enumerate(fleet))
    )
    assert sum(one.probe for one in granted) == 1


async def test_the_rate_of_a_ramp_is_one_for_all(fleet: list[RedisBreakers]):
    await report(fleet[0], Kind.FAILURE, 10)
    await report(fleet[0], Kind.HEALTHY, began=datetime.max.replace(tzinfo=AGES_AGO.tzinfo))
    granted = await asyncio.gather(*(ask(worker, Wants(first=10, room=16)) for worker in fleet for _ in range(3)))
    assert sum(one.first for one in granted) == 1


async def test_dependencies_and_clusters_do_not_touch_one_another(backend, fleet: list[RedisBreakers]):
    await report(fleet[0], Kind.FAILURE, 10)
    other = RedisBreakers(backend.redis_url, cluster="another")
    assert await other.states() == {}
    await other.close()
    await fleet[0].change(
        "carriers", lambda kept, now: taken(kept, now, dependency=GATEWAY, outcomes=[], wants=NOTHING)
    )
    states = await fleet[0].states()
    assert {name: state.phase for name, state in states.items()} == {"carriers": Phase.CLOSED, "gateway": Phase.OPEN}


async def test_what_a_wiped_redis_forgot_a_worker_that_knows_it_tells_again(backend, cluster, fleet):
    known = (await report(fleet[0], Kind.FAILURE, 10)).state
    async with Redis.from_url(backend.redis_url) as redis:
        await redis.delete(f"farandole:{{{cluster}}}:breakers")
    turn = await fleet[0].change(
        "gateway", lambda kept, now: taken(kept, now, dependency=GATEWAY, outcomes=[], wants=NOTHING, known=known)
    )
    assert turn.state.phase is Phase.OPEN
    assert (await fleet[1].states())["gateway"].phase is Phase.OPEN


async def test_a_redis_that_is_not_there_is_an_error_that_says_so():
    nowhere = RedisBreakers("redis://127.0.0.1:1/0", cluster="x")
    with pytest.raises(BreakersUnavailableError, match="E307"):
        await nowhere.states()
    with pytest.raises(BreakersUnavailableError, match="E307"):
        await report(nowhere, Kind.SUCCESS)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(StartError, match="E129"):
        RedisBreakers("http://127.0.0.1", cluster="x")


def test_the_command_shows_what_the_fleet_knows(backend, cluster, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FARANDOLE_CLUSTER", cluster)
    monkeypatch.setenv("FARANDOLE_REDIS_URL", backend.redis_url)

    async def open_it() -> None:
        worker = RedisBreakers(backend.redis_url, cluster=cluster)
        await worker.change("crm", lambda kept, now: taken(kept, now, dependency=GATEWAY, outcomes=[], wants=NOTHING))
        await report(worker, Kind.FAILURE, 10)
        await worker.close()

    assert breakers(home=tmp_path) == ExitCode.OK
    asyncio.run(open_it())
    capsys.readouterr()
    assert breakers(home=tmp_path, json=True) == ExitCode.CHECK_FAILED
    crm, gateway = json.loads(capsys.readouterr().out)["breakers"]
    assert (crm["state"], crm["calls_per_second"]) == ("closed", None)
    assert (gateway["state"], gateway["calls_per_second"], gateway["transitions"]) == ("open", 0.0, 1)
    assert gateway["reason"] == "10 of the last 10 calls failed; the last: away"
    assert breakers(home=tmp_path) == ExitCode.CHECK_FAILED
    assert "10 of the last 10 calls failed" in capsys.readouterr().out


def test_the_command_says_when_there_is_no_mesh(monkeypatch, tmp_path):
    monkeypatch.delenv("FARANDOLE_CLUSTER", raising=False)
    with pytest.raises(LocalMeshError, match="E412") as refused:
        breakers(home=tmp_path)
    assert exit_code_of(refused.value) is ExitCode.UNREACHABLE
