"""Harness tests: the tests that a new service begins with."""

from __future__ import annotations

from farandole.contracts import SchemaFile
from farandole.scaffold.blueprint import Blueprint
from farandole.scaffold.sample import constructor, sample
from farandole.scaffold.sources import imported, system_class


def files(made: Blueprint, heard: SchemaFile) -> dict[str, str]:
    """Return the test of a service that hears ``heard``, by its path below the tests."""
    begun = sample(heard.avsc)
    library = ["from farandole.testing import Harness"]
    heads = ["from __future__ import annotations", ""]
    heads += ["from datetime import UTC, datetime", ""] if begun.moments else []
    events = {made.hears, *begun.values} | ({made.emits} if made.emits else set())
    own = [f"from {made.package}.service import service"]
    if made.depends_on:
        own.append(f"from {made.package}.{made.depends_on.replace('-', '_')} import {system_class(made)}")
    lines = [*library, *own, imported("farandole_events", events)]
    heads += sorted(lines, key=lambda one: one.split()[1])
    constants = ["", "NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)"] if begun.moments else [""]
    constants += [f"EVENT = {constructor(made.hears, begun.fields)}", "", "", ""]
    story = (
        f'"""The service {made.name} takes each {made.hears} once, however often it arrives.\n\n'
        'These run the real engine on a broker and a ledger in memory: change them as the service grows.\n"""\n\n'
    )
    text = story + "\n".join([*heads, *constants]) + _fake(made) + _tests(made)
    return {f"test_{made.module}_answers.py": text}


def _fake(made: Blueprint) -> str:
    if not made.depends_on:
        return ""
    return f'''class Fake{system_class(made)}:
    """Answers as the outside system does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, str] = {{}}

    async def ask(self, about: str, *, idempotency_key: str) -> str:
        return self.asked.setdefault(idempotency_key, f"r-{{about}}")


'''


def _tests(made: Blueprint) -> str:
    begin, given, asked = "", "service", ""
    if made.depends_on:
        begin = f"    system = Fake{system_class(made)}()\n"
        given = f"service, provide={{{system_class(made)}: system}}"
        asked = "    assert len(system.asked) == 1\n"
    expected = ""
    if made.emits:
        fields = {made.key: '"k-1"'} | ({"reference": '"r-k-1"'} if made.depends_on else {})
        call = constructor(made.emits, fields).replace("\n", "\n        ")
        expected = f"        expected = {call}\n        assert harness.events({made.emits}) == [expected]\n"
    return f"""async def test_an_event_is_answered() -> None:
{begin}    async with Harness({given}) as harness:
        await harness.deliver(EVENT)
        assert harness.dead_letters == []
{expected}

async def test_an_event_that_arrives_twice_is_answered_once() -> None:
{begin}    async with Harness({given}) as harness:
        await harness.deliver(EVENT, event_id="e-1")
        await harness.deliver(EVENT, event_id="e-1")
        assert len(harness.published) == {1 if made.emits else 0}
{asked}"""
