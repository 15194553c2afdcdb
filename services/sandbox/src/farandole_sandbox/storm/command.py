"""``farandole demo storm``: an outage with orders queued, lived through in three ways, side by side."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json, default_home
from farandole.cli.output import print_json

from farandole_sandbox.storm.way import Way

INTERRUPTED = 130


def storm(
    *,
    orders: Annotated[int, Parameter(help="How many orders are queued when the gateway goes away.")] = 10_000,
    outage: Annotated[timedelta, Parameter(help="How long it is away, such as 60s or 2m.")] = timedelta(seconds=60),
    rate: Annotated[int, Parameter(help="How many calls a second it takes when it is back.")] = 100,
    only: Annotated[
        tuple[Way, ...] | None, Parameter(negative="", help="Leave the other ways out; may be given more than once.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Queue orders, take the payment gateway away and give it back slowly: by hand, with backoff, with the mesh.

    Three runs one after another, each on a fresh Kafka, Redis and gateway below the home: a consumer that tries again
    at once, one that backs off, and the payments service. Ends with 1 when the mesh calls a gateway that is away, calls
    it faster than it takes, or gives up, loses or doubles an order.
    """
    from farandole_sandbox.demo.host import Interrupted  # noqa: PLC0415 - only who runs it imports what it needs
    from farandole_sandbox.storm.forecast import Forecast  # noqa: PLC0415
    from farandole_sandbox.storm.plan import planned  # noqa: PLC0415
    from farandole_sandbox.storm.running import live_through  # noqa: PLC0415

    plan = planned(orders=orders, outage=outage, rate=rate)
    ways = [way for way in Way if not only or way in only]
    try:
        outcome = asyncio.run(
            live_through(plan, ways, home=(home or default_home()) / "storm", forecast=Forecast(plan, ways))
        )
    except Interrupted:
        return INTERRUPTED
    if json:
        print_json(outcome.document())
    else:
        outcome.show()
    return ExitCode.OK if outcome.is_good else ExitCode.FAILED
