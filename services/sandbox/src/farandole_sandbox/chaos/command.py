"""``farandole demo chaos``: the demo while everything around it breaks."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter
from farandole.cli.exit_code import ExitCode
from farandole.cli.home import Home, Json, default_home
from farandole.cli.output import print_json
from farandole.errors import UsageError

INTERRUPTED = 130


def chaos(
    *,
    orders: Annotated[int, Parameter(help="How many orders; beyond 830 the file begins again.")] = 830,
    seed: Annotated[int, Parameter(help="Decides in which order the processes die.")] = 0,
    home: Home = None,
    json: Json = False,
) -> int:
    """Run the demo, kill -9 each of its processes once, and let every outside system misbehave; then audit.

    Kafka, Redis and the sandbox die, too. The audit is that of the demo: nothing lost, doubled or unexplained, every
    order ended, no dead letter.
    """
    from farandole_sandbox.chaos.running import chaos_of  # noqa: PLC0415 - only who runs it imports what it needs
    from farandole_sandbox.demo.host import Interrupted, on_a_mesh  # noqa: PLC0415
    from farandole_sandbox.demo.progress import Progress  # noqa: PLC0415

    if orders < 1:
        raise UsageError(f"{orders} orders cannot be placed", do="give --orders a number from 1", code="E510")
    try:
        with Progress(wanted=orders) as progress:
            work = chaos_of(orders, seed=seed, progress=progress)
            outcome, deeds = asyncio.run(on_a_mesh(home or default_home(), work, tell=progress.tell))
    except Interrupted:
        return INTERRUPTED
    if json:
        print_json({**outcome.document(), "seed": seed, "mischief": [str(deed) for deed in deeds]})
    else:
        outcome.show()
    return ExitCode.OK if outcome.is_good else ExitCode.FAILED
