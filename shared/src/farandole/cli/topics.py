"""``farandole topics``: the topics that the mesh wants, planned against what the brokers have, and created."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cyclopts import App

from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json, default_home
from farandole.cli.output import print_json, print_table, say
from farandole.kafka.connection import Connection
from farandole.kafka.topics import Topic, create, missing
from farandole.local import status
from farandole.mesh_topics import installed_topics
from farandole.runner import connection_of
from farandole.settings import Settings

app = App(name="topics", help="Plan and create the topics of the mesh.", result_action="return_value")


@app.command
def plan(*, home: Home = None, json: Json = False) -> int:
    """Show the topics that are missing; exits with 3 where there are some."""
    lacking = asyncio.run(missing(_connection(home), installed_topics()))
    _show(lacking, as_json=json)
    return ExitCode.CHANGES if lacking else ExitCode.OK


@app.command
def apply(*, home: Home = None, json: Json = False) -> int:
    """Create the topics that are missing; those that are there are left as they are."""
    connection = _connection(home)
    lacking = asyncio.run(missing(connection, installed_topics()))
    asyncio.run(create(connection, lacking))
    _show(lacking, as_json=json)
    return ExitCode.OK


def _connection(home: Home) -> Connection:
    """Return the connection to the mesh in the home, if one runs there, or to what the environment names."""
    mesh = status.running(home or default_home())
    if mesh is not None:
        return Connection(bootstrap=mesh.bootstrap, client_id="farandole-topics")
    return connection_of(Settings(), client="farandole-topics")


def _show(topics: Sequence[Topic], *, as_json: bool) -> None:
    if as_json:
        print_json({"missing": topics})
    elif not topics:
        say("every topic is there")
    else:
        rows = [(one.name, str(one.partitions), ", ".join(f"{k}={v}" for k, v in one.config.items())) for one in topics]
        print_table("missing topics", ("topic", "partitions", "settings"), rows)
