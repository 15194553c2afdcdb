"""Whoever changes something says why, says that it is meant, and leaves no password behind in what is recorded."""

from __future__ import annotations

import io
import sys

import pytest
from farandole.cli.acting import Acting, waited
from farandole.cli.dlq.editing import without_set
from farandole.cli.main import main
from farandole.cli.output import say
from farandole.errors import OperationError, UsageError
from farandole.operations.intent import command_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(monkeypatch):
    """A terminal at which these lines are typed."""

    def type_(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", Terminal(text))
        monkeypatch.setattr(sys, "stderr", Terminal())

    return type_


@pytest.mark.parametrize(
    ("arguments", "recorded"),
    [
        (["/usr/bin/farandole", "dlq", "ls"], "farandole dlq ls"),
        (["farandole", "--reason", "it was down", ""], "farandole --reason 'it was down' ''"),
        (["farandole", "--url", "redis://ada:pass@h:1/0"], "farandole --url redis://***@h:1/0"),
        (["farandole", "--url=postgresql://:pass@h/d"], "farandole --url=postgresql://***@h/d"),
        (["farandole", "--sasl-password", "pass", "x"], "farandole --sasl-password *** x"),
        (["farandole", "--registry-TOKEN=pa ss"], "farandole --registry-TOKEN=***"),
        (["farandole", "--password", "--yes"], "farandole --password --yes"),
        (["farandole", "--where", 'name == "Ada"', "x"], "farandole --where *** x"),
        (["farandole", "--where=name == 'Ada'", "--key=ada"], "farandole --where=*** --key=***"),
        (["farandole", "--key", "--ada", "--id", "e7"], "farandole --key *** --id e7"),
        ([], ""),
    ],
)
def test_no_secret_is_recorded(arguments, recorded):
    assert command_line(arguments) == recorded


def test_a_reason_is_demanded_and_kept():
    with pytest.raises(UsageError) as lacking:
        Acting(reason="  ").operation("redrive", "payments")
    assert lacking.value.code == "E513"
    with pytest.raises(UsageError):
        Acting(reason="x" * 3_000).operation("redrive", "payments")
    found = Acting(reason=" the bank is back ", claimed="ada").operation("redrive", "payments", context="staging")
    assert (found.kind, found.service, found.why, found.claimed) == ("redrive", "payments", "the bank is back", "ada")
    assert found.context == "staging"
    assert "@" in found.who
    assert Acting().operation("plan", "payments", needs_reason=False).id != found.id


def test_yes_is_enough_where_nothing_has_to_be_typed_and_not_where_a_word_has():
    Acting(yes=True).make_sure("12 events are sent again")
    Acting(confirm="payments").make_sure("12 cards are charged", word="payments")
    with pytest.raises(UsageError) as nobody:
        Acting(yes=True).make_sure("12 cards are charged", word="payments")
    assert nobody.value.do == "add --confirm payments"
    with pytest.raises(OperationError):
        Acting(yes=True, confirm="orders").make_sure("12 cards are charged", word="payments")
    with pytest.raises(UsageError) as nobody:
        Acting().make_sure("12 events are sent again")
    assert nobody.value.do == "add --yes"


def test_at_a_terminal_it_is_asked(typed):
    typed("y\n")
    Acting().make_sure("12 events are sent again")
    assert sys.stderr.getvalue() == "12 events are sent again (y to go on): "
    typed("payments\n")
    Acting().make_sure("12 cards are charged", word="payments")
    for said in ("n\n", "", "payments\n"):
        typed(said)
        with pytest.raises(OperationError):
            Acting().make_sure("12 events are sent again")
    for said in ("y\n", "", "payment\n"):
        typed(said)
        with pytest.raises(OperationError):
            Acting(yes=True).make_sure("12 cards are charged", word="payments")


@pytest.mark.parametrize("value", ["Ann Meyer", "Ann\nMeyer", "Ann --to Meyer", "'Ann", "a=Ann"])
def test_what_was_set_is_not_recorded_however_it_is_written(value: str, monkeypatch) -> None:
    for written in (["--set", f"bill.name={value}"], [f"--set=bill.name={value}"]):
        monkeypatch.setattr(sys, "argv", ["farandole", "dlq", "edit", "x", *written, "--reason", "Bea"])
        operation = without_set(Acting(reason="Bea").operation("edit", "orders"))
        assert "bill.name=***" in operation.command
        assert operation.command.endswith("--reason Bea")
        assert not [word for word in ("Ann", "Meyer") if word in operation.command]


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12])
def test_nobody_waits_for_ever(seconds: float) -> None:
    with pytest.raises(UsageError, match="--wait"):
        waited(seconds)


def test_what_is_said_moves_no_cursor(capsys) -> None:
    say("order \x1b[2J placed")
    assert capsys.readouterr().err == "order �[2J placed\n"


def test_an_argument_that_is_no_text_is_refused(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["farandole", "replay", "plan", "--service", "orders", "--id", "\udcff"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "E503" in capsys.readouterr().err
