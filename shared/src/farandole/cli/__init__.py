"""The command line: ``farandole``. It knows no business; installed packages add commands by entry point."""

from farandole.cli.main import main

__all__ = ["main"]
