"""Each rule of the protocol has a test that goes red when the engine breaks it.

A mutant is today's engine but for a few words. The test that is named for it must fail with an assertion, and must
hold for the engine as it is: that is asked here as well, in the same way, so that a mutant is never caught by this
file's own doing. On the harness, but where only a real Kafka shows the fault.
"""

from __future__ import annotations

import importlib.util
import inspect
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from engine_mutants import MUTANTS, Catching, Mutant, MutantDoesNotApplyError
from farandole import Service
from group import Group
from things import things
from world import WITHIN, MemoryWorld

ROOT = Path(__file__).resolve().parents[3]
IN_VAIN = 0.5
"""What a mutant keeps from happening is not waited for any longer: giving up is what catches it."""


class Given:
    """What a catching test may ask for: the fixtures by these names, and what is given in its own module."""

    def __init__(
        self, request: pytest.FixtureRequest, stack: AsyncExitStack, module: ModuleType, *, within: float
    ) -> None:
        self._request = request
        self._within = within
        self._stack = stack
        self._module = module

    async def arguments(self, catching: Catching, test: Callable[..., Any]) -> dict[str, Any]:
        return {name: await self._value(name, catching) for name in inspect.signature(test).parameters}

    async def _value(self, name: str, catching: Catching) -> Any:
        if name in catching.given:
            return getattr(self._module, catching.given[name])
        match name:
            case "mine":
                return things(f"m{uuid.uuid4().hex[:8]}")
            case "run":
                return self._run
            case "tmp_path":
                return self._request.getfixturevalue("tmp_path")
            case "group":
                return await self._stack.enter_async_context(Group(self._request.getfixturevalue("backend").bootstrap))
            case _:
                raise LookupError(f"{catching.test} asks for {name}, which is not given here")

    def _run(self, service: Service) -> MemoryWorld:
        world = MemoryWorld(service, self._request.getfixturevalue("tmp_path"), within=self._within)
        self._stack.push_async_callback(world.crash)
        return world


async def play(catching: Catching, request: pytest.FixtureRequest, *, within: float = WITHIN) -> None:
    """Run the test, whose world waits for a condition for so many seconds. Raises what it raises."""
    module = loaded(catching.file)
    test = getattr(module, catching.test)
    async with AsyncExitStack() as stack:
        outcome = test(**await Given(request, stack, module, within=within).arguments(catching, test))
        if inspect.isawaitable(outcome):
            await outcome


def loaded(file: str) -> ModuleType:
    """Load a test module as pytest does, under a name of its own."""
    name = f"catching_{Path(file).stem}"
    spec = importlib.util.spec_from_file_location(name, ROOT / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
async def test_a_mutant_of_the_engine_is_caught_by_the_test_that_is_named_for_it(
    mutant: Mutant, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant.apply(monkeypatch)
    with pytest.raises(AssertionError):
        await play(mutant.caught_by, request, within=IN_VAIN)


CATCHING = {(one.caught_by.test, *one.caught_by.given.values()): one.caught_by for one in MUTANTS}


@pytest.mark.parametrize("catching", CATCHING.values(), ids=["-".join(key) for key in CATCHING])
async def test_the_engine_as_it_is_passes_that_test(catching: Catching, request: pytest.FixtureRequest) -> None:
    await play(catching, request)


def test_a_mutant_whose_words_are_gone_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    (first, *_) = MUTANTS
    gone = Mutant(name="gone", target=first.target, old="words that are not there", new="", caught_by=first.caught_by)
    with pytest.raises(MutantDoesNotApplyError):
        gone.apply(monkeypatch)


def test_no_two_mutants_are_alike_and_all_change_something() -> None:
    assert len({(one.target, one.new) for one in MUTANTS}) == len({one.name for one in MUTANTS}) == len(MUTANTS)
    assert all(one.old != one.new for one in MUTANTS)
