"""``farandole demo``: the Northwind orders through every service, and an audit from outside; and what goes wrong."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import App, Parameter
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json, default_home
from farandole.cli.output import print_json
from farandole.errors import UsageError

INTERRUPTED = 130

demo = App(
    name="demo",
    help="""Send the Northwind orders through every service, then audit that nothing was lost or doubled.

    Uses the mesh that runs in the home, or brings one up (what an earlier one left there is deleted) and ends it.
    """,
    result_action="return_value",
)
demo.command("farandole_sandbox.chaos.command:chaos", name="chaos", help="Kill every process while the demo runs.")
demo.command(
    "farandole_sandbox.storm.command:storm", name="storm", help="Take a system away and compare ways to live with it."
)


@demo.default
def northwind(
    *,
    orders: Annotated[int, Parameter(help="How many orders; beyond 830 the file begins again.")] = 830,
    home: Home = None,
    json: Json = False,
) -> int:
    """Send the Northwind orders through every service, then audit that nothing was lost or doubled.

    Uses the mesh that runs in the home, or brings one up (what an earlier one left there is deleted) and ends it.
    """
    # The outside systems are a service of this package, too: only who runs the demo imports what it needs.
    from farandole_sandbox.demo.host import Interrupted, on_a_mesh  # noqa: PLC0415
    from farandole_sandbox.demo.progress import Progress  # noqa: PLC0415
    from farandole_sandbox.demo.running import work_of  # noqa: PLC0415

    if orders < 1:
        raise UsageError(f"{orders} orders cannot be placed", do="give --orders a number from 1", code="E510")
    try:
        with Progress(wanted=orders) as progress:
            outcome = asyncio.run(on_a_mesh(home or default_home(), work_of(orders, progress), tell=progress.tell))
    except Interrupted:
        return INTERRUPTED
    if json:
        print_json(outcome.document())
    else:
        outcome.show()
    return ExitCode.OK if outcome.is_good else ExitCode.FAILED
