"""``farandole topics``: the topics that the mesh wants, planned against what the brokers have, and created."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cyclopts import App

from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json
from farandole.cli.mesh import Context, mesh
from farandole.cli.output import print_json, print_table, say
from farandole.kafka.topics import Topic, create, missing
from farandole.mesh_topics import installed_topics

app = App(name="topics", help="Plan and create the topics of the mesh.", result_action="return_value")


@app.command
def plan(*, context: Context = "", home: Home = None, json: Json = False) -> int:
    """Show the topics that are missing; exits with 3 where there are some."""
    lacking = asyncio.run(missing(mesh(context, home).connection, installed_topics()))
    _show(lacking, as_json=json)
    return ExitCode.CHANGES if lacking else ExitCode.OK


@app.command
def apply(*, context: Context = "", home: Home = None, json: Json = False) -> int:
    """Create the topics that are missing; those that are there are left as they are."""
    target = mesh(context, home)
    target.demand_operator("create topics")
    connection = target.connection
    lacking = asyncio.run(missing(connection, installed_topics()))
    asyncio.run(create(connection, lacking))
    _show(lacking, as_json=json)
    return ExitCode.OK


def _show(topics: Sequence[Topic], *, as_json: bool) -> None:
    if as_json:
        print_json({"missing": topics})
    elif not topics:
        say("every topic is there")
    else:
        rows = [(one.name, str(one.partitions), ", ".join(f"{k}={v}" for k, v in one.config.items())) for one in topics]
        print_table("missing topics", ("topic", "partitions", "settings"), rows)
