"""Breaker: the state of one dependency (closed, open, half-open), shared by all replicas of all services."""

from farandole.breaker.breakers import Breakers, Change
from farandole.breaker.dependency import Dependency
from farandole.breaker.evidence import is_poison, is_trouble, kind_of
from farandole.breaker.memory import MemoryBreakers
from farandole.breaker.outcome import Kind, Outcome
from farandole.breaker.permits import Granted, Wants, ask, permits_anything
from farandole.breaker.redis_breakers import RedisBreakers
from farandole.breaker.rules import report
from farandole.breaker.state import BreakerState, Phase, begun, not_closed
from farandole.breaker.turn import Turn, taken

__all__ = [
    "BreakerState",
    "Breakers",
    "Change",
    "Dependency",
    "Granted",
    "Kind",
    "MemoryBreakers",
    "Outcome",
    "Phase",
    "RedisBreakers",
    "Turn",
    "Wants",
    "ask",
    "begun",
    "is_poison",
    "is_trouble",
    "kind_of",
    "not_closed",
    "permits_anything",
    "report",
    "taken",
]
