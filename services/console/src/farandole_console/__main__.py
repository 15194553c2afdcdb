"""``farandole-console``: runs the console as a process."""

from __future__ import annotations

from farandole import run

from farandole_console.service import service


def main() -> None:
    """Run the console until it is told to stop."""
    run(service)


if __name__ == "__main__":
    main()
