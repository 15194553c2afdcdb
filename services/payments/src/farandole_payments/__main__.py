"""Runs the payments service: ``python -m farandole_payments``."""

from __future__ import annotations

from farandole import run

from farandole_payments.service import service


def main() -> None:
    """Run until told to stop."""
    run(service)


if __name__ == "__main__":
    main()
