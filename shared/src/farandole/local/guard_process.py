"""The guard: a process of its own that ends the children of a parent that died, however it died.

Run as a plain script, on purpose without a single import of the library: it starts in milliseconds and weighs little.
It reads lines from its standard input, ``+PID`` and ``-PID``, each the leader of a process group. The parent holds the
other end of that pipe and never closes it; when the pipe ends, the parent is gone, and every group still named is told
to end, then ended.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 5.0


def tell(groups: set[int], number: int) -> set[int]:
    """Signal each group; return those that are still there."""
    there = set()
    for group in groups:
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            continue
        there.add(group)
    return there


def end(groups: set[int]) -> None:
    """Ask every group to end, and end those that have not after the grace period."""
    groups = tell(groups, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while groups and time.monotonic() < deadline:
        time.sleep(0.05)
        groups = tell(groups, 0)
    tell(groups, signal.SIGKILL)


def main() -> None:
    """Keep the list of groups until the pipe ends, then end them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change, pid = line[:1], int(line[1:])
        if change == "+":
            groups.add(pid)
        else:
            groups.discard(pid)
    end(groups)


if __name__ == "__main__":
    main()
