"""Script: grants as commands that a shell runs, ``kafka-acls.sh`` and ``valkey-cli``, and those that take them back.

No password stands in it, nor is one printed when it runs: the shell hashes it from an environment variable.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from farandole.topology.access.grants import Grants
from farandole.topology.access.permission import Permission
from farandole.topology.access.redis_user import CLUSTER

_PROLOGUE: Final = """\
#!/bin/sh
# KAFKA_ACLS: how to call it, as in "kafka-acls.sh --bootstrap-server kafka:9093 --command-config admin.properties"
# VALKEY_CLI: likewise, as in "valkey-cli -h redis --user admin"; its password is that of REDISCLI_AUTH
set -eu
: "${KAFKA_ACLS:=kafka-acls.sh --bootstrap-server ${FARANDOLE_BROKERS:-127.0.0.1:9092}}"
: "${VALKEY_CLI:=valkey-cli -e}"
"""
_NEEDS_CLUSTER: Final = (
    ': "${FARANDOLE_CLUSTER:?is the id of the Kafka cluster: give farandole topology a --context}"\n'
)
_HASHED: Final = """\
hashed() { printf %s "$1" | sha256sum | cut -d " " -f 1; }
"""


def granting(grants: Grants) -> str:
    """Return the script that gives everybody what they need. Run again, it changes nothing."""
    lines = [*_kafka(grants.permissions, "--add")]
    for one in grants.redis:
        rules = " ".join(map(_quoted, one.rules))
        secret = f'"${password_variable(one.name)}"'
        # Within a substitution a missing one would end that, and not the script.
        lines.append(f': "${{{password_variable(one.name)}:?}}"')
        lines.append(f'$VALKEY_CLI ACL SETUSER {shlex.quote(one.name)} reset on "#$(hashed {secret})" {rules}')
    prologue = _PROLOGUE
    if any(CLUSTER in rule for one in grants.redis for rule in one.rules):
        prologue += _NEEDS_CLUSTER
    if grants.redis:
        prologue += _HASHED
    return prologue + "\n".join(lines) + "\n"


def removing(grants: Grants) -> str:
    """Return the script that takes back exactly what `granting` gives."""
    lines = [*_kafka(grants.permissions, "--remove --force")]
    lines += [f"$VALKEY_CLI ACL DELUSER {shlex.quote(one.name)}" for one in grants.redis]
    return _PROLOGUE + "\n".join(lines) + "\n"


def password_variable(user: str) -> str:
    """Return the variable of which the script takes a user's password in Redis: ``REDIS_PASSWORD_PAYMENTS``."""
    return "REDIS_PASSWORD_" + "".join(one if one.isalnum() else "_" for one in user.upper())


def _kafka(permissions: Sequence[Permission], how: str) -> Iterator[str]:
    """Yield a command for all topics, or groups, with which a user may do the same: each starts a virtual machine."""
    acts: dict[tuple[str, str, str, str], list[str]] = {}
    for one in permissions:
        acts.setdefault((one.user, one.resource, one.pattern, one.name), []).append(one.act)
    alike = sorted((user, kind, pattern, tuple(found), name) for (user, kind, pattern, name), found in acts.items())
    for (user, kind, pattern, found), several in groupby(alike, key=lambda one: one[:4]):
        operations = _each("--operation", found)
        names = _each(f"--{kind}", (one[4] for one in several))
        principal = shlex.quote(f"User:{user}")
        yield f"$KAFKA_ACLS {how} --allow-principal {principal} {operations} {names} --resource-pattern-type {pattern}"


def _each(option: str, words: Iterable[str]) -> str:
    return " ".join(f"{option} {shlex.quote(word)}" for word in words)


def _quoted(word: str) -> str:
    """Quote a word for a shell, but for the cluster id where that is not known yet."""
    return f'"{CLUSTER}"'.join(shlex.quote(part) for part in word.split(CLUSTER))
