"""The tables of the books."""

from __future__ import annotations

from typing import Final

# effects: everything that a system really did, once each row, with the idempotency key that asked for it.
#   once: the business key that should have one effect; two rows that share it are a double, plain to see.
# answers: what was answered to each idempotency key, so that the same question gets the same answer.
# webhooks: what is owed to the services, kept before the answer that promised it is given.
# calls: how many calls came, a system, a status and a second, so that a storm shows.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS effects (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  order_id TEXT,
  parent TEXT,
  once TEXT NOT NULL,
  key TEXT NOT NULL,
  amount_cents INTEGER,
  currency TEXT,
  at TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS effects_by_order ON effects (order_id);
CREATE INDEX IF NOT EXISTS effects_by_parent ON effects (parent) WHERE parent IS NOT NULL;
CREATE TABLE IF NOT EXISTS answers (
  path TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  status INTEGER NOT NULL,
  body BLOB NOT NULL,
  replays INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (path, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS webhooks (
  id TEXT PRIMARY KEY,
  receiver TEXT NOT NULL,
  order_id TEXT,
  effect TEXT NOT NULL,
  body BLOB NOT NULL,
  due TEXT NOT NULL,
  wanted INTEGER NOT NULL DEFAULT 1,
  attempts INTEGER NOT NULL DEFAULT 0,
  acknowledged INTEGER NOT NULL DEFAULT 0,
  last_outcome TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhooks_by_order ON webhooks (order_id);
CREATE INDEX IF NOT EXISTS webhooks_owed ON webhooks (id) WHERE acknowledged < wanted;
CREATE TABLE IF NOT EXISTS calls (
  second INTEGER NOT NULL,
  system TEXT NOT NULL,
  status INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (second, system, status)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS faults (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  body BLOB NOT NULL,
  hits INTEGER NOT NULL DEFAULT 0
);
"""
