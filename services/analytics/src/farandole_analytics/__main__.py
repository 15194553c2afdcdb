"""``farandole-analytics``: runs analytics as a process."""

from __future__ import annotations

from farandole_analytics.process import run


def main() -> None:
    """Run until told to stop."""
    run()


if __name__ == "__main__":
    main()
