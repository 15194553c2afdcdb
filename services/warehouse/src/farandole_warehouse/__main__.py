"""``farandole-warehouse``: runs the warehouse service as a process."""

from __future__ import annotations

from farandole import run

from farandole_warehouse.service import service


def main() -> None:
    """Run the service until it is told to stop."""
    run(service)


if __name__ == "__main__":
    main()
