"""``farandole run``: one installed service as this process."""

from __future__ import annotations

from farandole import installed
from farandole.runner import run as run_service


def run(name: str) -> None:
    """Run the installed service NAME, with the settings of the environment, until SIGTERM or SIGINT."""
    run_service(installed.service(name))
