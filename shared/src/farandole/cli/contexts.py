"""``farandole contexts``: the meshes that the operator has given names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Json
from farandole.cli.output import print_json, print_table, say
from farandole.contexts import Context, contexts_file, read_contexts


def contexts(*, json: Json = False) -> int:
    """Show the contexts: their brokers, what one may do there, and where their secrets are, never the secrets."""
    file = contexts_file()
    found = read_contexts(file)
    if json:
        print_json({"file": str(file), "contexts": [_document(name, one) for name, one in found.items()]})
    elif not found:
        say(f"there are none in {file}: docs/howto/work-on-a-remote-mesh.md shows how to add one")
    else:
        rows = [_row(name, one) for name, one in found.items()]
        print_table(f"contexts in {file}", ("context", "brokers", "role", "", "secrets", "databases"), rows)
    return ExitCode.OK


def _document(name: str, one: Context) -> dict[str, Any]:
    return {
        "context": name,
        "brokers": one.brokers,
        "security_protocol": one.security_protocol,
        "cluster": one.cluster or None,
        "role": one.role.value,
        "production": one.production,
        "secrets": dict(one.kept),
        "databases": sorted(one.databases),
    }


def _row(name: str, one: Context) -> tuple[str, ...]:
    return (
        name,
        one.brokers,
        one.role.value,
        "production" if one.production else "",
        _listed(f"{what}: {where}" for what, where in one.kept),
        _listed(sorted(one.databases)),
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "-"
