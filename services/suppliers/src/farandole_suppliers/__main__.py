"""``python -m farandole_suppliers``: run the service until told to stop."""

from __future__ import annotations

from farandole import run

from farandole_suppliers.service import service


def main() -> None:
    """Run the service; exit with 1 and a sentence when that cannot be done."""
    run(service)


if __name__ == "__main__":
    main()
