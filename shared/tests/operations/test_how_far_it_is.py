"""A long command tells how far it is, how fast, and how long it will take; without a terminal in plain lines."""

from __future__ import annotations

from datetime import timedelta

from farandole.cli import progress as progress_module
from farandole.cli.progress import Meter, progress


class Watch:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_rate_is_that_of_lately_and_tells_what_is_left():
    watch = Watch()
    meter = Meter(1_000, now=watch)
    assert (str(meter), meter.left) == ("0 of 1,000", None)
    for _ in range(2):
        watch.now += 1
        meter.advance(100)
    assert (meter.rate, meter.left) == (100, timedelta(seconds=8))
    assert str(meter) == "200 of 1,000, 100/s, 0:08 left"
    watch.now += 1
    meter.advance(0)
    assert 0 < meter.rate < 100, "it stands still"


def test_what_nobody_can_tell_is_not_told():
    watch = Watch()
    meter = Meter(None, now=watch)
    watch.now += 2
    meter.advance(10)
    assert (str(meter), meter.left) == ("10, 5/s", None)


def test_without_a_terminal_there_are_plain_lines_on_stderr_and_the_last_one_is_told(capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "TELL_EVERY", 3600.0)
    with progress("sent", 3) as told:
        told.advance(2)
        told.note = "the breaker is open"
        told.advance()
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "sent: 3 of 3 (the breaker is open)\n")
    monkeypatch.setattr(progress_module, "TELL_EVERY", 0.0)
    with progress("sent", 3) as told:
        told.advance(2)
    assert capsys.readouterr().err == "sent: 2 of 3\nsent: 2 of 3\n"
