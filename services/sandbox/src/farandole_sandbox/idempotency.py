"""Idempotency: the same key and the same body get the same answer, and the work is done once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from farandole_sandbox.answer import Answer, Call, refused

Work = Callable[[sqlite3.Connection, Call], Answer]


def once(connection: sqlite3.Connection, call: Call, work: Work) -> Answer:
    """Answer from memory, or do the work and remember the answer, both in the caller's transaction.

    A key belongs to a path: one event id may ask for a void at one path and for a refund at another.
    """
    row = connection.execute(
        "SELECT fingerprint, status, body FROM answers WHERE path = ? AND key = ?", (call.path, call.key)
    ).fetchone()
    if row is None:
        return _first(connection, call, work)
    fingerprint, status, body = row
    if fingerprint != call.fingerprint:
        return refused(422, "key_reused", "this Idempotency-Key came before with another body", final=False)
    connection.execute("UPDATE answers SET replays = replays + 1 WHERE path = ? AND key = ?", (call.path, call.key))
    return Answer(status=status, body=body, replayed=True)


def _first(connection: sqlite3.Connection, call: Call, work: Work) -> Answer:
    answer = work(connection, call)
    if answer.final:
        connection.execute(
            "INSERT INTO answers (path, key, fingerprint, status, body) VALUES (?, ?, ?, ?, ?)",
            (call.path, call.key, call.fingerprint, answer.status, answer.body),
        )
    connection.executemany(
        "INSERT INTO webhooks (id, receiver, order_id, effect, body, due, wanted) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(w.id, w.receiver, w.order_id, w.effect, w.body, w.due.isoformat(), w.wanted) for w in answer.webhooks],
    )
    return answer
