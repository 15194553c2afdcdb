"""``make faults``: tortures a whole mesh of real processes, and says what broke: ``python tests/faults --help``."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Literal

from cyclopts import App, Parameter
from evidence import Evidence
from farandole.cli.exit_code import ExitCode, exit_code_of
from farandole.cli.output import error_line, print_json, print_table, say
from farandole.errors import FarandoleError
from farandole_sandbox.demo.command import INTERRUPTED
from farandole_sandbox.demo.host import Interrupted
from farandole_sandbox.demo.progress import Progress
from profiles import PROFILES
from run import Asked, Ended, torture

MOST_SHOWN = 30
app = App(name="faults", help=__doc__, version_flags=(), result_action="return_value")


@app.default
def faults(
    *,
    profile: Annotated[Literal["short", "pr", "long"], Parameter(help="How large a run.")] = "short",
    seed: Annotated[int | None, Parameter(help="What the faults are drawn from; the same seed repeats them.")] = None,
    stretch: Annotated[float, Parameter(help="Spread load and faults over so many times the time.")] = 1,
    lag_within: Annotated[float, Parameter(help="Seconds after the last fault until nobody may be behind.")] = 60,
    artefacts: Annotated[Path, Parameter(help="Where the runs' folders are.")] = Path("artefacts/faults"),
    keep: Annotated[bool, Parameter(negative="", help="Keep the run's folder also when nothing broke.")] = False,
    json: Annotated[bool, Parameter(negative="", help="One JSON document on one line on stdout.")] = False,
) -> int:
    """Torture a mesh. Exits with 4 when an invariant is broken."""
    drawn = SystemRandom().randrange(1_000_000) if seed is None else seed
    chosen = PROFILES[profile]
    stretched = replace(chosen, window=chosen.window * stretch)
    asked = Asked(profile=stretched, seed=drawn, caught_up_within=timedelta(seconds=lag_within))
    kept = Evidence((artefacts / str(drawn)).absolute())
    repeat = f"make faults PROFILE={profile} SEED={drawn}"
    try:
        with Progress(wanted=asked.profile.orders) as progress:
            ended = asyncio.run(torture(asked, kept, progress))
    except Interrupted:
        kept.drop()
        return INTERRUPTED
    except FarandoleError as error:
        say(error_line(error, as_json=json))
        return exit_code_of(error)
    except BaseException:
        say(f"the run itself failed; its timeline and logs are in {kept.folder}; {repeat}   repeats it")
        raise
    document = {**ended.document, "repeat": repeat}
    if ended.broken or keep:
        document["artefacts"] = str(kept.folder)
    else:
        kept.drop()
    if json:
        print_json(document)
    else:
        _show(document, ended)
    return ExitCode.CHECK_FAILED if ended.broken else ExitCode.OK


def _show(document: dict[str, object], ended: Ended) -> None:
    print_table("faults", ("", ""), [(name, str(told)) for name, told in document.items() if name != "broken"])
    if ended.broken:
        print_table("broken", ("invariant", ""), [(one.invariant, one.what) for one in ended.broken[:MOST_SHOWN]])
        say(f"{len(ended.broken)} in all; logs, databases, topics and timeline are in {document['artefacts']}")


if __name__ == "__main__":
    sys.exit(app())
