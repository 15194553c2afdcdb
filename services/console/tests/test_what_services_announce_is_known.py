"""A console that has nothing else installed beside it knows the mesh by what its services announce.

What they announce is their word, and counts more than what is installed here: another release may run. Nobody is
believed blindly: an expectation that could never be kept is left out.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from farandole import Service
from farandole.errors import BrokerUnavailableError
from farandole.kafka.connection import Connection
from farandole.kafka.log_reader import LogReader
from farandole.kafka.topics import create, service_topic
from farandole.topology import announced_topology, topology_of
from farandole.topology.announcing import announce, announcements
from farandole_console.live.declared import Declarations, Learning, both
from farandole_events import OrderPlaced, PaymentAuthorised

PLACED, AUTHORISED = OrderPlaced.avro.fullname, PaymentAuthorised.avro.fullname


def stranger() -> Service:
    service = Service("stranger")

    @service.on(OrderPlaced, depends_on="gateway")
    def authorise(order: OrderPlaced) -> PaymentAuthorised: ...

    service.expects(OrderPlaced, then=PaymentAuthorised, within=timedelta(minutes=5))
    return service


async def test_a_service_that_runs_elsewhere_is_known_by_its_announcement(own_backend) -> None:
    connection = Connection(bootstrap=own_backend.bootstrap, client_id="test")
    await create(connection, [service_topic()])
    await asyncio.to_thread(announce(stranger(), connection, version="7").join, 60)
    declarations = Declarations(is_complete=False)
    learner = Learning(declarations, lambda: announced_topology(announcements(LogReader(connection))))
    await learner.again()
    (known,) = declarations.services
    (handler,) = known.handlers
    assert (handler.event, handler.topic, list(handler.depends_on)) == ("OrderPlaced", "orders", ["gateway"])
    assert handler.function.startswith("stranger.<locals>.authorise (test_what_services_announce_is_known.py:")
    assert list(declarations.hears(PLACED)) == ["stranger"]
    (expectation,) = declarations.expectations
    assert declarations.expected.leading[expectation.key] == {("stranger", PLACED)}
    assert "stranger.retry.1" in declarations.expected.private["stranger"]
    assert "stranger.redelivery" in declarations.expected.private["stranger"]
    assert declarations.is_complete


def test_a_service_s_own_word_counts_more_than_its_code_here() -> None:
    installed = topology_of([stranger(), Service("other")], ())
    announced = replace(installed, services=(replace(installed.services[1], handlers=(), version="8"),))
    found = both(announced, installed)
    told = [(one.name, one.version, len(one.handlers)) for one in found.services]
    assert told == [("other", "", 0), ("stranger", "8", 0)]


@pytest.mark.parametrize("broken", [{"then": ()}, {"within": timedelta(0)}, {"within": timedelta(seconds=-1)}])
def test_an_expectation_that_could_never_be_kept_is_left_out(broken) -> None:
    mesh = topology_of([stranger()], ())
    sheet = mesh.services[0]
    spoilt = replace(sheet, expectations=tuple(replace(one, **broken) for one in sheet.expectations))
    assert Declarations(replace(mesh, services=(spoilt,))).expectations == ()


async def test_while_the_brokers_are_away_what_was_known_stays() -> None:
    def away():
        raise BrokerUnavailableError("the brokers do not answer", why="", do="wait")

    declarations = Declarations(topology_of([stranger()], ()), is_complete=False)
    await Learning(declarations, away).again()
    assert not declarations.is_complete
    assert [one.name for one in declarations.services] == ["stranger"]
