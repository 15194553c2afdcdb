"""Outcomes: how deliveries ended that left no record behind, as workers tell it to whoever wants to see flows."""

from farandole.outcomes.delivery_outcome import DeliveryOutcome, Kind, outcome_of
from farandole.outcomes.outcome_batch import MOST_OUTCOMES, OutcomeBatch, decode, encode

__all__ = ["MOST_OUTCOMES", "DeliveryOutcome", "Kind", "OutcomeBatch", "decode", "encode", "outcome_of"]
