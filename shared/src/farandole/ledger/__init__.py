"""Ledger: the Redis record of which delivery of an event counts (Idempotent Receiver)."""

from farandole.ledger.claim import Claim, Verdict
from farandole.ledger.entry import Entry, State
from farandole.ledger.key import event_key
from farandole.ledger.ledger import Answers, Ledger
from farandole.ledger.memory import MemoryLedger
from farandole.ledger.redis_ledger import RedisLedger
from farandole.ledger.settle import Settle

__all__ = [
    "Answers",
    "Claim",
    "Entry",
    "Ledger",
    "MemoryLedger",
    "RedisLedger",
    "Settle",
    "State",
    "Verdict",
    "event_key",
]
