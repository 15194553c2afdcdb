"""The product's own rules, explored exhaustively: every history of two copies, retries, redrives, crashes, a zombie."""

from __future__ import annotations

import os

import pytest
from ledger_model import Faults, Model
from ledger_mutants import RULES, WORKERS, Mutant

LONG = pytest.mark.skipif(
    os.environ.get("FARANDOLE_LONG") != "1", reason="a quarter of a minute of pure reckoning; FARANDOLE_LONG=1 runs it"
)


@pytest.mark.parametrize(
    ("faults", "at_least"),
    [
        (Faults(), 200),
        (Faults(crashes=3), 16_000),
        (Faults(crashes=1, zombie=True), 90_000),
    ],
    ids=["no fault", "three crashes", "a crash and a zombie"],
)
def test_no_history_loses_or_doubles_the_event(faults: Faults, at_least: int):
    found = Model(faults=faults).explore()
    assert found.broken == {}
    assert found.states > at_least, "the exploration ended early"


@LONG
def test_no_history_with_three_crashes_and_a_zombie_loses_the_event():
    found = Model(faults=Faults(crashes=3, zombie=True)).explore()
    assert found.broken == {}
    assert found.states > 300_000, "the exploration ended early"


@LONG
def test_no_history_with_a_wipe_a_zombie_and_a_crash_loses_the_event():
    found = Model(faults=Faults(crashes=1, zombie=True, wipes=1, redrives=0), longest_log=2).explore()
    assert found.broken == {}
    assert found.states > 250_000, "the exploration ended early"


@pytest.mark.parametrize("mutant", [m for m in (*RULES, *WORKERS) if m.breaks], ids=str)
def test_every_mutant_breaks_a_property(mutant: Mutant):
    assert mutant.breaks is not None
    assert mutant.breaks in mutant.model.explore(until=mutant.breaks).broken
