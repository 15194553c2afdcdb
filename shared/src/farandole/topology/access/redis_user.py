"""RedisUser: what one user may do in Redis or Valkey 7 and newer: with which keys, by which commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CLUSTER: Final = "$FARANDOLE_CLUSTER"
"""Stands in keys for Kafka's cluster id where that is not known yet."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class RedisUser:
    """A user, its keys (``~`` to read and write, ``%R~`` to read) and its commands, as ``ACL SETUSER`` takes them."""

    name: str
    keys: tuple[str, ...]
    commands: tuple[str, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules, all but the password; given again, they replace those of before."""
        return (*self.keys, *self.commands)


# A client names its library when it connects, and knows whether the server is there.
_CONNECTING: Final = ("client|setinfo", "ping")
_SCRIPTS: Final = ("eval", "evalsha")
_READING_SCRIPTS: Final = ("eval_ro", "evalsha_ro")
# What the ledger's scripts call, and what looks at the server's fitness: keep in step with farandole/ledger/*.lua.
_LEDGER: Final = ("hdel", "hget", "hmget", "hset", "hsetnx", "info", "pexpire", "time", "unlink")
_BREAKER: Final = ("hget", "hset", "time")
_LOOKING_AT_LEDGERS: Final = ("hget", "hgetall", "hmget", "hscan")
_LEASE: Final = ("del", "get", "pexpire", "set")


def ledger_user(name: str, *, cluster: str, service: str, breakers: bool) -> RedisUser:
    """Return the user of a service that keeps a ledger and, where it depends on outside systems, breakers."""
    keys = [f"~{key}" for key in _ledger_keys(cluster, service)]
    commands = {*_SCRIPTS, *_READING_SCRIPTS, *_LEDGER}
    if breakers:
        keys.append(f"~{_breakers(cluster)}")
        commands.update(_BREAKER)
    return _user(name, keys, commands)


def breaker_viewer(name: str, *, cluster: str) -> RedisUser:
    """Return the user of somebody who sees the breakers."""
    return _user(name, [f"%R~{_breakers(cluster)}"], {"hgetall"})


def ledger_operator(name: str, *, cluster: str, services: Iterable[str]) -> RedisUser:
    """Return the user of somebody who sees ledgers and breakers, and takes the lease of an operation on a service."""
    several = tuple(services)
    seen = [f"%R~{key}" for service in several for key in _ledger_keys(cluster, service)]
    taken = [f"~farandole:{{{cluster}:{service}}}:operation" for service in several]
    commands = {"hgetall", *_SCRIPTS, *_READING_SCRIPTS, *_LOOKING_AT_LEDGERS, *_LEASE}
    return _user(name, [*seen, *taken, f"%R~{_breakers(cluster)}"], commands)


def merged(users: Iterable[RedisUser]) -> tuple[RedisUser, ...]:
    """Return one user of each name, who may do what all of that name may; sorted."""
    found: dict[str, RedisUser] = {}
    for one in users:
        known = found.get(one.name)
        found[one.name] = one if known is None else _both(known, one)
    return tuple(sorted(found.values()))


def _both(one: RedisUser, other: RedisUser) -> RedisUser:
    return RedisUser(
        name=one.name,
        keys=tuple(sorted({*one.keys, *other.keys})),
        commands=tuple(sorted({*one.commands, *other.commands})),
    )


def _ledger_keys(cluster: str, service: str) -> tuple[str, ...]:
    prefix = f"farandole:{{{cluster}:{service}}}"
    # Not all that begins so: the lease of an operation on the service is its operators'.
    return (f"{prefix}:epoch", f"{prefix}:open", f"{prefix}:topics", f"{prefix}:done:*")


def _breakers(cluster: str) -> str:
    return f"farandole:{{{cluster}}}:breakers"


def _user(name: str, keys: Iterable[str], commands: Iterable[str]) -> RedisUser:
    words = {f"+{one}" for one in (*commands, *_CONNECTING)}
    return RedisUser(name=name, keys=tuple(sorted(keys)), commands=tuple(sorted(words)))
