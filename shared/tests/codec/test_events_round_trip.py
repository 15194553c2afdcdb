"""What is encoded is what is decoded, and any Avro reader reads the same: the oracle is fastavro."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import farandole_events
import fastavro
import msgspec
import msgspec.inspect
import pytest
from farandole.codec import Codec
from farandole.event import Event
from farandole_events import CATALOGUE, OrderPlaced, StockLine, StockReleased
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EVENTS = sorted(
    (kind for kind in vars(farandole_events).values() if isinstance(kind, type) and issubclass(kind, Event)),
    key=lambda kind: kind.__name__,
)
CODEC = Codec(CATALOGUE)
BOUNDED = settings(
    derandomize=True, max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
MOMENTS = st.integers(-62135596800000, 253402300799999).map(
    lambda millis: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)
)


def values(node: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one a kind of type
    match node:
        case msgspec.inspect.StrType():
            return st.text(max_size=200)
        case msgspec.inspect.IntType(ge=None):
            return st.integers(-(2**63), 2**63 - 1)
        case msgspec.inspect.IntType(ge=low, le=high):
            return st.integers(low, high)
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.DateTimeType():
            return MOMENTS
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=4).map(tuple)
        case msgspec.inspect.UnionType(types=branches):
            return st.one_of(*map(values, branches))
        case msgspec.inspect.StructType(cls=kind, fields=fields):
            return st.fixed_dictionaries({field.name: values(field.type) for field in fields}).map(
                lambda by: kind(**by)
            )
    raise AssertionError(node)


def plain(event: Event) -> dict[str, Any]:
    """The event as dicts and lists, which is how a plain Avro reader returns it."""

    def lists(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: lists(part) for name, part in node.items()}
        return [lists(part) for part in node] if isinstance(node, tuple) else node

    fields: dict[str, Any] = lists(msgspec.to_builtins(event, builtin_types=(datetime,)))
    return fields


def fastavro_schema(kind: type[Event]) -> Any:
    return fastavro.parse_schema(dict(kind.avro.avsc), named_schemas={})


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_comes_back_as_it_was_and_is_the_same_to_a_plain_avro_reader(kind: type[Event]) -> None:
    schema = fastavro_schema(kind)

    @BOUNDED
    @given(event=values(msgspec.inspect.type_info(kind)))
    def holds(event: Event) -> None:
        value = CODEC.encode(event)
        assert CODEC.decode(value, kind) == event
        assert value[:5] == b"\x00" + kind.avro.id.to_bytes(4, "big")
        assert fastavro.schemaless_reader(BytesIO(value[5:]), schema, None) == plain(event)
        out = BytesIO()
        fastavro.schemaless_writer(out, schema, plain(event))
        assert value[5:] == out.getvalue()

    holds()


@BOUNDED
@given(event=values(msgspec.inspect.type_info(OrderPlaced)))
def test_a_generic_reader_gets_the_schema_and_the_fields(event: OrderPlaced) -> None:
    schema, fields = CODEC.decode_any(CODEC.encode(event))
    assert schema is OrderPlaced.avro
    assert msgspec.convert(fields, OrderPlaced) == event


def test_the_plain_reader_of_the_readme_reads_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = Path(__file__).parents[3] / "schemas"
    snippet = (schemas / "README.md").read_text(encoding="utf-8").rpartition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(schemas.parent)
    released = StockReleased(order_id="o", reservation_id="r", lines=(StockLine(product_id="p", quantity=3),))
    scope: dict[str, Any] = {"value": CODEC.encode(released)}
    exec(snippet, scope)
    assert scope["event"] == plain(released)


def test_the_mesh_has_as_many_classes_as_schemas() -> None:
    assert {kind.avro.fullname for kind in EVENTS} == {schema.fullname for schema in CATALOGUE}
