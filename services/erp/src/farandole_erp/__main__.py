"""``farandole-erp``: runs the ERP service as a process."""

from __future__ import annotations

from farandole import run

from farandole_erp.service import service


def main() -> None:
    """Run the service until it is told to stop."""
    run(service)


if __name__ == "__main__":
    main()
