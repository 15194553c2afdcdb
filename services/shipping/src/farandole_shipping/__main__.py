"""``farandole-shipping``: runs the shipping service as a process."""

from __future__ import annotations

from farandole import run

from farandole_shipping.service import service


def main() -> None:
    """Run the service until it is told to stop."""
    run(service)


if __name__ == "__main__":
    main()
