"""Runs the invoicing service: ``python -m farandole_invoicing``."""

from __future__ import annotations

from farandole import run

from farandole_invoicing.service import service


def main() -> None:
    """Run until told to stop."""
    run(service)


if __name__ == "__main__":
    main()
