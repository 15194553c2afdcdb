"""Children are kept running, stopped in order, and never outlive their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from farandole.local import guard, interrupts, processes
from farandole.local.child import Child, Command
from farandole.local.notice import Change, Notice
from farandole.local.restart import RestartPolicy
from farandole.local.supervisor import Supervisor

QUICK = RestartPolicy(first=timedelta(milliseconds=20), longest=timedelta(milliseconds=100))
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def python(code: str, folder: Path, name: str = "child") -> Command:
    return Command(argv=(sys.executable, "-c", code), cwd=folder, log=folder / f"{name}.log")


def said(folder: Path, name: str = "child") -> str:
    log = folder / f"{name}.log"
    return log.read_text() if log.exists() else ""


async def test_a_child_that_is_killed_is_started_again_and_it_is_said(tmp_path: Path, eventually: Any) -> None:
    heard: list[Notice] = []
    supervisor = Supervisor(policy=QUICK, tell=heard.append)
    kept = supervisor.run("worker", python("import time; time.sleep(600)", tmp_path))
    first = kept.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    await eventually(lambda: kept.starts == 2)

    assert kept.pid not in {None, first}
    assert [notice.change for notice in heard[:4]] == [Change.STARTED, Change.ENDED, Change.WAITING, Change.STARTED]
    assert "by signal 9" in str(heard[1])
    assert "starts again in 0.02 s" in str(heard[2])
    await supervisor.stop()
    assert kept.pid is None


async def test_a_child_that_ends_at_once_again_and_again_is_waited_for_longer_each_time(
    tmp_path: Path, eventually: Any
) -> None:
    heard: list[Notice] = []
    supervisor = Supervisor(policy=QUICK, tell=heard.append)
    kept = supervisor.run("worker", python("raise SystemExit(3)", tmp_path))
    await eventually(lambda: kept.starts >= 5)
    await supervisor.stop()
    waits = [notice.detail for notice in heard if notice.change is Change.WAITING]
    assert waits[:4] == [f"starts again in {seconds} s" for seconds in ("0.02", "0.04", "0.08", "0.1")]
    assert "with exit code 3" in {notice.detail for notice in heard}


def test_the_delay_doubles_up_to_the_longest_and_starts_anew_after_a_stable_run() -> None:
    policy = RestartPolicy()
    assert [policy.delay(n).total_seconds() for n in (1, 2, 3, 4)] == [0.2, 0.4, 0.8, 1.6]
    assert policy.delay(1000) == policy.longest
    assert policy.failures(6, ran=timedelta(seconds=9)) == 7
    assert policy.failures(6, ran=timedelta(seconds=11)) == 1


async def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path, eventually: Any) -> None:
    child = Child(python(STUBBORN, tmp_path))
    await eventually(lambda: "up" in said(tmp_path))
    assert await child.stop(timedelta(milliseconds=100)) == -signal.SIGKILL


async def test_a_child_that_drains_is_given_its_time(tmp_path: Path, eventually: Any) -> None:
    code = """
    import signal, sys
    signal.signal(signal.SIGTERM, lambda *_: (print("drained", flush=True), sys.exit(0)))
    print("up", flush=True)
    signal.pause()
    """
    child = Child(python(textwrap.dedent(code), tmp_path))
    await eventually(lambda: "up" in said(tmp_path))
    assert await child.stop() == 0
    assert "drained" in said(tmp_path)


async def test_what_a_child_started_ends_with_it(tmp_path: Path, eventually: Any) -> None:
    code = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    child = Child(python(code, tmp_path))
    await eventually(lambda: said(tmp_path).strip().isdigit())
    grandchild = int(said(tmp_path))
    await child.kill()
    await eventually(lambda: not processes.alive(grandchild))


PARENT = f"""
import asyncio, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs this in the background ignores it
from pathlib import Path
from farandole.local import guard
from farandole.local.child import Child, Command

async def main():
    for name, code in (("meek", "import time; time.sleep(600)"), ("stubborn", {STUBBORN!r})):
        child = Child(Command(argv=(sys.executable, "-c", code), cwd=Path("."), log=Path(name + ".log")))
        print(child.pid, flush=True)
    print(guard.of_this_process().pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def run_parent(code: str, folder: Path, lines: int) -> tuple[subprocess.Popen[str], list[int]]:
    """Start a parent, and read the pids that it prints."""
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, [int(parent.stdout.readline()) for _ in range(lines)]


async def started_parent(folder: Path, eventually: Any) -> tuple[subprocess.Popen[str], list[int]]:
    parent, pids = run_parent(PARENT, folder, 3)
    await eventually(lambda: "up" in said(folder, "stubborn"))
    assert all(processes.alive(pid) for pid in pids)
    return parent, pids


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_no_child_outlives_its_parent_whatever_ends_it(tmp_path: Path, eventually: Any, number: int) -> None:
    parent, pids = await started_parent(tmp_path, eventually)
    parent.send_signal(number)
    parent.wait(20)
    # The guard, which is the last pid, ends too once it has nothing left to do.
    await eventually(lambda: not any(processes.alive(pid) for pid in pids), within=15)


async def test_a_guard_that_was_killed_is_replaced_with_all_that_it_watched(tmp_path: Path, eventually: Any) -> None:
    code = PARENT.replace(
        "await asyncio.sleep(600)", "import os, signal\n    again()\n    await asyncio.sleep(600)"
    ).replace(
        "async def main():",
        "def again():\n"
        "    import os, signal, time\n"
        "    g = guard.of_this_process(); old = g.pid; os.kill(old, signal.SIGKILL)\n"
        "    while g.pid == old: g.watch(1 << 22); time.sleep(0.02)\n"
        "    print(g.pid, flush=True)\n\n"
        "async def main():",
    )
    parent, (meek, stubborn, first_guard, second_guard) = run_parent(code, tmp_path, 4)
    assert first_guard != second_guard
    parent.kill()
    parent.wait(20)
    await eventually(lambda: not any(processes.alive(pid) for pid in (meek, stubborn, second_guard)), within=15)


async def test_the_guard_leaves_a_group_alone_that_it_was_told_to_forget(tmp_path: Path, eventually: Any) -> None:
    child = Child(python("import time; time.sleep(600)", tmp_path))
    mine = guard.Guard()
    mine.watch(child.pid)
    mine.forget(child.pid)
    ended = mine.pid
    assert ended is not None
    assert mine._process is not None
    assert mine._process.stdin is not None
    mine._process.stdin.close()
    await asyncio.to_thread(mine._process.wait, 10)
    assert child.running
    await child.kill()


async def test_the_first_ctrl_c_asks_and_the_second_insists(eventually: Any) -> None:
    with interrupts.listening() as heard:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(heard.asked.wait(), 5)
        assert not heard.insisted.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(heard.insisted.wait(), 5)
