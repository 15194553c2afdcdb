"""Effect: one thing that an outside system really did, as it is written into the books."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One thing done. ``once`` is the business key that should have one such effect; the books do not enforce it.

    ``parent`` is the effect that this one belongs to: the hold of a capture, the package of its cancellation.
    ``key`` is the idempotency key of the call that asked for it; ``at`` is ISO 8601 in UTC.
    """

    id: str
    kind: str
    once: str
    key: str
    at: str
    order_id: str | None = None
    parent: str | None = None
    amount_cents: int | None = None
    currency: str | None = None
    detail: dict[str, Any]

    def record(self, connection: sqlite3.Connection) -> None:
        """Write the effect into the books."""
        connection.execute(
            "INSERT INTO effects (id, kind, order_id, parent, once, key, amount_cents, currency, at, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.id,
                self.kind,
                self.order_id,
                self.parent,
                self.once,
                self.key,
                self.amount_cents,
                self.currency,
                self.at,
                msgspec.json.encode(self.detail).decode(),
            ),
        )


_COLUMNS = "id, kind, once, key, at, order_id, parent, amount_cents, currency, detail"


def _effect(row: tuple[Any, ...]) -> Effect:
    effect_id, kind, once, key, at, order_id, parent, amount_cents, currency, detail = row
    return Effect(
        id=effect_id,
        kind=kind,
        once=once,
        key=key,
        at=at,
        order_id=order_id,
        parent=parent,
        amount_cents=amount_cents,
        currency=currency,
        detail=msgspec.json.decode(detail),
    )


def find(connection: sqlite3.Connection, effect_id: str, kind: str) -> Effect | None:
    """Return the effect of this id if it is of this kind."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM effects WHERE id = ? AND kind = ?",  # noqa: S608 - constants only
        (effect_id, kind),
    ).fetchone()
    return None if row is None else _effect(row)


def children(connection: sqlite3.Connection, parent: str) -> tuple[Effect, ...]:
    """Return the effects that belong to this one, oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM effects WHERE parent = ? ORDER BY seq",  # noqa: S608 - constants only
        (parent,),
    )
    return tuple(_effect(row) for row in rows)
