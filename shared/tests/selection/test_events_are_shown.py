"""``farandole events find`` and ``farandole tail`` show the events of a real broker, to a person and to a program.

They show what is selected and mask what is personal; what a record holds can do no harm on a terminal. A reader that
leaves, as ``head`` does, and Ctrl-C end them quietly. Neither of them joins a group.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from farandole.cli import events, tail
from farandole.cli.event_lines import printable
from farandole.cli.selecting import Selecting
from farandole.codec import Codec
from farandole.errors import NotPermittedError, UsageError
from farandole.kafka.connection import Connection
from farandole.kafka.topics import create, domain_topic
from farandole.testing.backend import Backend
from farandole_events import CATALOGUE, Address, CancellationRequested, OrderLine, OrderPlaced

WITHIN = 20.0
TOPIC = "shown-orders"
PERSONAL = ("Ada", "Obere", "Berlin", "my own words", "tok_", b"Obere".hex())
COMMAND = [sys.executable, "-c", "from farandole.cli import main; main()"]


@pytest.fixture(scope="module")
def broker(backend: Backend) -> Backend:
    """The broker, with a hundred orders on a topic of this file's own, half of them on each partition."""
    connection = Connection(bootstrap=backend.bootstrap, client_id="shown")
    asyncio.run(create(connection, [domain_topic(TOPIC, partitions=2)]))
    _produce(backend, range(100))
    return backend


@pytest.fixture
def home(broker: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which no mesh runs, so that the environment says where the brokers are."""
    monkeypatch.setenv("FARANDOLE_BROKERS", broker.bootstrap)
    monkeypatch.setenv("FARANDOLE_CLUSTER", broker.cluster_id)
    return tmp_path


def _produce(backend: Backend, numbers: range) -> None:
    producer, codec = Producer({"bootstrap.servers": backend.bootstrap}), Codec(CATALOGUE)
    for number in numbers:
        placed = _placed(number)
        envelope: list[tuple[str, str | bytes | None]] = [
            ("ce_id", f"e{number}".encode()),
            ("ce_type", placed.avro.fullname.encode()),
        ]
        producer.produce(
            TOPIC, key=placed.key, value=codec.encode(placed), headers=envelope, partition=min(1, number // 50)
        )
        producer.flush()
    cancelled = CancellationRequested(order_id="order-1", reason="my own words")
    producer.produce(TOPIC, key="\x1b[31mred", value=codec.encode(cancelled), partition=0)
    producer.produce(TOPIC, key="odd", value=b"Obere Str. 57", partition=0)
    producer.flush()


def _placed(number: int) -> OrderPlaced:
    line = OrderLine(product_id="p", product_name="Queso", quantity=1, unit_price_cents=number, total_cents=number)
    return OrderPlaced(
        order_id=f"order-{number}",
        customer_id="c",
        reference="r",
        order_date=datetime(2026, 11, 23, tzinfo=UTC),
        lines=(line,),
        total_cents=number,
        currency="USD",
        ship_to=Address(name="Ada", street="Obere Str. 57", city="Berlin", country="Germany"),
        carrier="Speedy",
        payment_token="tok_secret",
    )


def test_events_are_json_lines_for_a_program(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events.find(
        selecting=Selecting(topic=(TOPIC,), type=("OrderPlaced",), where="total_cents >= 97"), home=home, json=True
    )
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["key"] for one in found] == ["order-97", "order-98", "order-99"]
    assert found[0]["id"] == found[0]["flow"] == "e97"
    assert found[0]["type"] == "farandole.orders.OrderPlaced"
    assert found[0]["payload"]["ship_to"]["street"] == "***"
    assert found[0]["payload"]["ship_to"]["country"] == "Germany"


def test_events_are_lines_for_a_person_by_time(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events.find(selecting=Selecting(topic=(TOPIC,), limit=4), home=home)
    shown = capsys.readouterr()
    head, *lines = shown.out.splitlines()
    assert head.split() == ["time", "(UTC)", "where", "type", "key", "id", "flow", "payload"]
    assert [line.split()[3] for line in lines] == ["order-0", "order-1", "order-2", "order-3"]
    assert f"{TOPIC}[0]@1" in lines[1]
    assert "the first 4" in shown.err


def test_nobody_is_named_and_no_bytes_are_shown_unless_an_operator_asks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for as_json in (False, True):
        events.find(selecting=Selecting(topic=(TOPIC,), limit=1_000), home=home, json=as_json)
        shown = capsys.readouterr().out
        assert "order-99" in shown
        assert not [
            word for word in ("Ada", "Obere", "Berlin", "my own words", "tok_", b"Obere".hex()) if word in shown
        ]
    events.find(selecting=Selecting(topic=(TOPIC,), limit=1_000), home=home, pii=True, json=True)
    shown = capsys.readouterr().out
    assert not [word for word in PERSONAL if word not in shown]


def test_a_viewer_may_not_ask_for_people(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: Backend
) -> None:
    contexts = tmp_path / "contexts.toml"
    contexts.write_text(f'[far]\nbrokers = "{broker.bootstrap}"\nredis_url = "redis://127.0.0.1:1/0"\n')
    contexts.chmod(0o600)
    monkeypatch.setenv("FARANDOLE_CONTEXTS", str(contexts))
    with pytest.raises(NotPermittedError):
        events.find(selecting=Selecting(topic=(TOPIC,)), pii=True, context="far")
    with pytest.raises(UsageError):
        events.find(selecting=Selecting(topic=(TOPIC,), where='ship_to.name == "Ada"'), context="far")


def test_what_a_record_holds_does_no_harm_on_a_terminal(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events.find(selecting=Selecting(topic=(TOPIC,), key=("\x1b[31mred",)), home=home)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\u001b[31mred" in shown
    assert printable("plain ü") == "plain ü"


def test_a_topic_that_is_not_there_is_named(home: Path) -> None:
    with pytest.raises(UsageError, match="there is no topic shown-ordres") as refused:
        events.find(selecting=Selecting(topic=("shown-ordres",)), home=home)
    assert refused.value.code == "E521"
    assert TOPIC in refused.value.do


def test_tail_from_a_time_ends_at_its_limit(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tail.tail(
        selecting=Selecting(topic=(TOPIC,), type=("OrderPlaced",), begin="2026-01-01T00:00:00Z", limit=5),
        home=home,
        json=True,
    )
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_tail_has_no_end(home: Path) -> None:
    with pytest.raises(UsageError):
        tail.tail(selecting=Selecting(end="5"), home=home)


def test_tail_shows_what_comes_and_ends_at_ctrl_c(home: Path, broker: Backend) -> None:
    with _running(home, "tail", "--topic", TOPIC, "--type", "OrderPlaced", "--json", stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        assert "until Ctrl-C" in command.stderr.readline()
        _produce(broker, range(200, 203))
        shown = [json.loads(command.stdout.readline()) for _ in range(3)]
        assert sorted(one["key"] for one in shown) == ["order-200", "order-201", "order-202"]
        groups = AdminClient({"bootstrap.servers": broker.bootstrap}).list_consumer_groups().result(WITHIN)
        assert "farandole-outsider" not in {one.group_id for one in groups.valid}
        command.send_signal(signal.SIGINT)
        assert command.wait(WITHIN) == 0
        assert command.stderr.read() == ""


def test_a_reader_that_leaves_ends_it_quietly(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with _running(home, "tail", "--topic", TOPIC, "--from", "0", stdout=writing) as command:
        os.close(writing)
        assert command.stderr is not None
        assert command.wait(WITHIN) == 0
        said = command.stderr.read()
        assert "Traceback" not in said
        assert "BrokenPipe" not in said


def _running(home: Path, *words: str, stdout: int) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, *words, "--home", str(home)], stdout=stdout, stderr=subprocess.PIPE, text=True)
