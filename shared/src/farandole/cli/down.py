"""``farandole down``: end a mesh that runs elsewhere."""

from __future__ import annotations

import asyncio

from farandole.cli.home import Home, default_home
from farandole.cli.output import say
from farandole.local import status


def down(*, home: Home = None) -> None:
    """Let the mesh finish what it has in hand, and end it."""
    folder = home or default_home()
    asyncio.run(status.stop(folder))
    say(f"the mesh in {folder} has ended; its state is kept (up --fresh clears it)")
