"""Audit: what the books say, read a page at a time."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import Any, Final

import msgspec

PLURALS: Final = {
    "hold": "holds",
    "capture": "captures",
    "void": "voids",
    "refund": "refunds",
    "sales_order": "sales_orders",
    "posting": "postings",
    "notification": "notifications",
    "package": "packages",
    "package_cancellation": "package_cancellations",
    "shipment": "shipments",
    "purchase_order": "purchase_orders",
}
_EFFECT: Final = "seq, id, kind, once, key, at, order_id, parent, amount_cents, currency, detail"
_WEBHOOK: Final = "id, order_id, effect, receiver, due, wanted, attempts, acknowledged, last_outcome, body"
# An effect that was undone does not count: a hold after a voided hold is no double.
_DOUBLES: Final = """
SELECT once, min(kind), count(*), group_concat(id, ' ') FROM effects AS e
WHERE NOT EXISTS (SELECT 1 FROM effects AS u WHERE u.parent = e.id AND u.kind IN ('void', 'package_cancellation'))
GROUP BY once HAVING count(*) > 1 ORDER BY once
"""


def orders(connection: sqlite3.Connection, *, after: str, limit: int) -> dict[str, Any]:
    """Return everything about the next ``limit`` orders in the order of their ids, and where the page after begins."""
    ids = connection.execute(
        "SELECT order_id FROM effects WHERE order_id > ? GROUP BY order_id ORDER BY order_id LIMIT ?", (after, limit)
    ).fetchall()
    if not ids:
        return {"orders": [], "next": None}
    last = ids[-1][0]
    return {"orders": _between(connection, after, last), "next": last if len(ids) == limit else None}


def order(connection: sqlite3.Connection, order_id: str) -> dict[str, Any] | None:
    """Return everything about one order, or None when the books do not know it."""
    effects = connection.execute(
        f"SELECT {_EFFECT} FROM effects WHERE order_id = ? ORDER BY seq",  # noqa: S608 - constants only
        (order_id,),
    ).fetchall()
    webhooks = connection.execute(
        f"SELECT {_WEBHOOK} FROM webhooks WHERE order_id = ? ORDER BY due",  # noqa: S608 - constants only
        (order_id,),
    ).fetchall()
    return _assembled(effects, webhooks)[order_id] if effects else None


def effects(connection: sqlite3.Connection, *, after: int, limit: int, kind: str | None) -> dict[str, Any]:
    """Return the next ``limit`` effects, oldest first, of one kind or of all; ``next`` is the last one's number."""
    rows = connection.execute(
        f"SELECT {_EFFECT} FROM effects WHERE seq > ? AND (? IS NULL OR kind = ?) ORDER BY seq LIMIT ?",  # noqa: S608
        (after, kind, kind, limit),
    ).fetchall()
    return {"effects": [_effect(row) for row in rows], "next": rows[-1][0] if len(rows) == limit else None}


def webhooks(connection: sqlite3.Connection, *, after: str, limit: int) -> dict[str, Any]:
    """Return the next ``limit`` webhooks in the order of their ids."""
    rows = connection.execute(
        f"SELECT {_WEBHOOK} FROM webhooks WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 - constants only
        (after, limit),
    ).fetchall()
    return {"webhooks": [_webhook(row) for row in rows], "next": rows[-1][0] if len(rows) == limit else None}


def calls(connection: sqlite3.Connection, *, after: int, limit: int) -> dict[str, Any]:
    """Return the calls of the seconds after ``after``, a system and a status; status 0 is an answer that was lost."""
    rows = connection.execute(
        "SELECT second, system, status, count FROM calls WHERE second > ? ORDER BY second, system, status LIMIT ?",
        (after, limit),
    ).fetchall()
    return {"calls": [{"second": s, "system": y, "status": t, "count": c} for s, y, t, c in rows]}


def doubles(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return every business key that has more than one effect which was not undone."""
    return [
        {"once": once, "kind": kind, "count": count, "ids": ids.split()}
        for once, kind, count, ids in connection.execute(_DOUBLES)
    ]


def summary(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the counts: effects, money, webhooks, calls, replays, doubles."""
    counts: dict[str, int] = dict.fromkeys(PLURALS.values(), 0)
    money: dict[str, dict[str, int]] = defaultdict(dict)
    for kind, currency, count, cents in connection.execute(
        "SELECT kind, currency, count(*), sum(amount_cents) FROM effects GROUP BY kind, currency"
    ):
        counts[PLURALS[kind]] += count
        if currency is not None:
            money[currency][PLURALS[kind]] = cents
    (order_count,) = connection.execute("SELECT count(DISTINCT order_id) FROM effects").fetchone()
    (replays,) = connection.execute("SELECT coalesce(sum(replays), 0) FROM answers").fetchone()
    found = doubles(connection)
    return {
        "orders": order_count,
        "counts": counts,
        "cents": money,
        "webhooks": _webhook_counts(connection),
        "calls": _call_counts(connection),
        "idempotent_replays": replays,
        "doubles": {name: sum(PLURALS[one["kind"]] == name for one in found) for name in PLURALS.values()},
    }


def _webhook_counts(connection: sqlite3.Connection) -> dict[str, int]:
    row = connection.execute(
        "SELECT count(*), coalesce(sum(acknowledged > 0), 0), coalesce(sum(acknowledged < wanted), 0),"
        " coalesce(sum(attempts), 0), coalesce(sum(acknowledged), 0) FROM webhooks"
    ).fetchone()
    return dict(zip(("owed", "delivered", "pending", "attempts", "acknowledgements"), row, strict=True))


def _call_counts(connection: sqlite3.Connection) -> dict[str, Any]:
    by_system: dict[str, Any] = {}
    for system, status, count in connection.execute("SELECT system, status, sum(count) FROM calls GROUP BY 1, 2"):
        by_system.setdefault(system, {"by_status": {}})["by_status"][str(status)] = count
    peaks = connection.execute(
        "SELECT system, max(n) FROM (SELECT system, sum(count) AS n FROM calls GROUP BY system, second) GROUP BY system"
    )
    for system, peak in peaks:
        by_system[system]["peak_per_second"] = peak
    return by_system


def _between(connection: sqlite3.Connection, after: str, last: str) -> list[dict[str, Any]]:
    effects = connection.execute(
        f"SELECT {_EFFECT} FROM effects WHERE order_id > ? AND order_id <= ? ORDER BY order_id, seq",  # noqa: S608
        (after, last),
    )
    webhooks = connection.execute(
        f"SELECT {_WEBHOOK} FROM webhooks WHERE order_id > ? AND order_id <= ? ORDER BY due",  # noqa: S608
        (after, last),
    )
    return list(_assembled(effects.fetchall(), webhooks.fetchall()).values())


def _assembled(effects: list[Any], webhooks: list[Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in effects:
        order_id = row[6]
        if order_id not in found:
            found[order_id] = {"order_id": order_id, **{name: [] for name in PLURALS.values()}, "webhooks": []}
        found[order_id][PLURALS[row[2]]].append(_effect(row))
    for row in webhooks:
        found[row[1]]["webhooks"].append(_webhook(row))
    return found


def _effect(row: Any) -> dict[str, Any]:
    seq, effect_id, kind, once, key, at, order_id, parent, amount_cents, currency, detail = row
    shown = {"id": effect_id, "kind": kind, "seq": seq, "once": once, "idempotency_key": key, "at": at}
    some = {"order_id": order_id, "parent": parent, "amount_cents": amount_cents, "currency": currency}
    shown.update({name: value for name, value in some.items() if value is not None})
    return {**shown, "detail": msgspec.Raw(detail.encode())}


def _webhook(row: Any) -> dict[str, Any]:
    webhook_id, order_id, effect, receiver, due, wanted, attempts, acknowledged, last_outcome, body = row
    return {
        "id": webhook_id,
        "order_id": order_id,
        "effect": effect,
        "receiver": receiver,
        "due": due,
        "wanted": wanted,
        "attempts": attempts,
        "acknowledged": acknowledged,
        "last_outcome": last_outcome,
        "body": msgspec.Raw(body),
    }
