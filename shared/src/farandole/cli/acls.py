"""``farandole topology --acls``: the least that each user needs on Kafka and in Redis, to read or to run."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from farandole.cli.home import Home
from farandole.cli.mesh import mesh, named
from farandole.cli.output import print_json, print_table
from farandole.errors import UsageError
from farandole.topology import installed_topology
from farandole.topology.access import CLUSTER, Grants, granting, grants_of, removing
from farandole.topology.access.grants import OPERATOR, READER

PLACE: Final = "<cluster>"
"""What people read where the cluster's id is not known."""


def show_acls(
    *, user: str, context: str, home: Home, operator: str, reader: str, as_json: bool, commands: bool, remove: bool
) -> None:
    """Show what one user is given, or, where it is empty, everybody.

    Of what is installed here, also for a mesh elsewhere: of that only the cluster's id is asked. Raises UsageError.
    """
    if as_json + commands + remove > 1:
        raise UsageError("--json, --commands and --remove are ways to show it", do="give one of them", code="E622")
    cluster = _cluster(context, home)
    grants = grants_of(installed_topology(), cluster=cluster, operator=operator or OPERATOR, reader=reader or READER)
    if user and user not in grants.users:
        raise UsageError(
            f"there is no user {user}",
            why=f"there are {', '.join(grants.users)}",
            do="name one of them: --service, --operator, --reader",
            code="E623",
        )
    wanted = grants.of(user) if user else grants
    if as_json:
        print_json(
            {"cluster": "" if cluster == CLUSTER else cluster, "kafka": wanted.permissions, "redis": wanted.redis}
        )
    elif commands or remove:
        sys.stdout.write(removing(wanted) if remove else granting(wanted))
    else:
        _show(wanted)


def _cluster(context: str, home: Home) -> str:
    if not named(context, home) and home is None:
        return CLUSTER
    return asyncio.run(mesh(context, home).cluster_id())


def _show(grants: Grants) -> None:
    acts: dict[tuple[str, str, str], list[str]] = {}
    for one in grants.permissions:
        name = f"{one.name}*" if one.prefix else one.name
        acts.setdefault((one.user, one.resource, name), []).append(one.act.name.replace("_", " ").lower())
    rows = [(user, kind, name, ", ".join(found)) for (user, kind, name), found in acts.items()]
    print_table("Kafka", ("user", "of", "name", "may"), rows)
    sys.stdout.write("\n")
    readable = ((one.name, " ".join(one.rules).replace(CLUSTER, PLACE)) for one in grants.redis)
    print_table("Redis", ("user", "rules of ACL SETUSER, after the password"), readable)
