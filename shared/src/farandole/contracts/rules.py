"""Rules: what one sound schema must have: its place, its key, docs, names, money, defaults and items."""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from farandole.avro_schema import records
from farandole.contracts.defaults import fits
from farandole.contracts.folder import SchemaFile
from farandole.contracts.problem import Problem
from farandole.contracts.python_type import python_type
from farandole.errors import ContractError
from farandole.personal import TAG

RESERVED: Final = frozenset({"avro", "key", "types", "catalogue"})
TYPES: Final = "types"

Field = Mapping[str, Any]
Record = Mapping[str, Any]


def rules(file: SchemaFile) -> Iterator[Problem]:
    """Yield what is wrong with one schema that can be read and does not recurse."""
    yield from _place(file)
    yield from _key(file)
    yield from _currency(file)
    known = dict(records(file.avsc))
    for name, record in known.items():
        yield from _record(file, name, record)
        for field in record["fields"]:
            yield from _field(file, record, field, known)


def _place(file: SchemaFile) -> Iterator[Problem]:
    """Yield a topic or a name that does not say the same as the path."""
    namespace, name = str(file.avsc.get("namespace", "")), str(file.avsc["name"])
    if namespace.rpartition(".")[2] != file.topic:
        yield at_line(
            file,
            "E227",
            f"the namespace {namespace or '(none)'} does not end in the topic {file.topic}",
            why="the folder of a schema is its topic",
            do=f"end the namespace in .{file.topic} or move the file",
            at=("namespace",),
        )
    if file.path.rpartition("/")[2] != f"{name}.avsc":
        yield at_line(
            file,
            "E227",
            f"the file is not called {name}.avsc",
            why="a file is one event type",
            do="rename the file or the record",
            at=("name",),
        )
    if file.topic in RESERVED or not file.topic.isidentifier() or keyword.iskeyword(file.topic):
        yield at_line(
            file,
            "E227",
            f"no module can be called {file.topic}",
            why="the classes of a topic are generated into a module of its name",
            do="name the topic by a plain word in small letters",
        )


def _key(file: SchemaFile) -> Iterator[Problem]:
    key = file.avsc.get("key")
    field = next((field for field in file.avsc["fields"] if field["name"] == key), None)
    if key is None or field is None:
        what = f"the key {key} is no field" if key else "the schema names no key"
        why = "the Kafka key of a record is a field of the event, it decides what stays in order"
        yield at_line(file, "E228", what, why=why, do='add "key": "<field>" beside "name"', at=("key",))
    elif field["type"] != "string" or "default" in field:
        yield at_line(
            file,
            "E228",
            f"the key field {key} is not a required string",
            why="an event without a key would lose its order",
            do='give it the type "string" and no default',
            at=("fields", str(key)),
        )


def _currency(file: SchemaFile) -> Iterator[Problem]:
    fields = [field for _, record in records(file.avsc) for field in record["fields"]]
    money = [str(field["name"]) for field in fields if str(field["name"]).endswith("_cents")]
    if money and not any(field["name"] == "currency" and field["type"] == "string" for field in fields):
        yield at_line(
            file,
            "E229",
            f"the amount {money[0]} has no currency",
            why="an amount means nothing without one",
            do='add a field "currency" of the type "string"',
            at=("fields", money[0]),
        )


def _record(file: SchemaFile, name: str, record: Record) -> Iterator[Problem]:
    short = name.rpartition(".")[2]
    if not _has_doc(record):
        yield _undocumented(file, f"the record {short}", at=(short,))
    if record is not file.avsc and name.split(".")[-2:-1] != [TYPES]:
        yield at_line(
            file,
            "E230",
            f"the record {short} inside the event is not in a namespace that ends in .{TYPES}",
            why="records inside events are shared by the topics",
            do=f"give it the namespace of the mesh, then .{TYPES}",
            at=(short,),
        )


def _field(file: SchemaFile, record: Record, field: Field, known: Mapping[str, Record]) -> Iterator[Problem]:
    name, node = str(field["name"]), field["type"]
    at = (str(record["name"]), "fields", name)
    if not _has_doc(field):
        yield _undocumented(file, f"the field {name} of {record['name']}", at=at)
    if keyword.iskeyword(name) or name in RESERVED or name.startswith("_"):
        why = "no field of a Python class can be called so"
        yield at_line(file, "E231", f"{name} is no name for a field", why=why, do="choose another word", at=at)
    try:
        python_type(node)
    except ContractError as unsupported:
        what = f"the field {name} holds what events do not carry"
        yield at_line(file, unsupported.code, what, why=unsupported.what, do=unsupported.do, at=at)
        return
    yield from _tag(file, field, at)
    if name.endswith("_cents") and node not in ("long", ["null", "long"]):
        why = "money is a whole number of minor units of 64 bits"
        yield at_line(file, "E229", f"the amount {name} is no long", why=why, do='give it the type "long"', at=at)
    yield from _default(file, field, known, at)
    if any(_size_zero(items, known) for items in _items(node)):
        yield at_line(
            file,
            "E232",
            f"the items of {name} may take no bytes",
            why="five hostile bytes could then make a list of millions",
            do="give the items a field that takes at least a byte",
            at=at,
        )


def _tag(file: SchemaFile, field: Field, at: tuple[str, ...]) -> Iterator[Problem]:
    """Yield a tag of personal data that nobody would heed, and one on what is shown everywhere."""
    name = str(field["name"])
    if field.get(TAG, True) is not True:
        why = "only true marks a field as personal; anything else would leave it unmasked"
        what = f"the tag {TAG} of {name} is {json.dumps(field[TAG])}"
        yield at_line(file, "E238", what, why=why, do=f'write "{TAG}": true, or leave it out', at=at)
    elif TAG in field and at == (str(file.avsc["name"]), "fields", str(file.avsc["key"])):
        why = "the key of a record is shown, logged and used in every service, so it cannot be masked"
        what = f"the key field {name} is personal"
        yield at_line(file, "E238", what, why=why, do="choose a key that says nothing of a person", at=at)


def _default(file: SchemaFile, field: Field, known: Mapping[str, Record], at: tuple[str, ...]) -> Iterator[Problem]:
    name, node = str(field["name"]), field["type"]
    if "default" in field and not fits(field["default"], node, known):
        why = f"{json.dumps(field['default'])} is no value of {json.dumps(node)}, of a union its first branch"
        yield at_line(file, "E233", f"the default of {name} is invalid", why=why, do="correct the default", at=at)
    elif isinstance(node, list) and "default" not in field:
        why = "a field that may be absent must be so for readers of another version too"
        yield at_line(file, "E233", f"the optional field {name} has no default", why=why, do='"default": null', at=at)


def _items(node: Any) -> Iterator[Any]:
    match node:
        case list():
            for branch in node:  # pyright: ignore[reportUnknownVariableType]
                yield from _items(branch)
        case {"type": "array", "items": items}:
            yield items
            yield from _items(items)
        case _:
            pass


def _size_zero(node: Any, known: Mapping[str, Record]) -> bool:
    """Tell whether a value of the type may take no bytes: null, or a record of nothing else."""
    if isinstance(node, str):
        return node == "null" or (node in known and _size_zero(known[node], known))
    if isinstance(node, list):
        return False
    schema = cast("dict[str, Any]", node)
    if schema.get("type") == "record":
        return all(_size_zero(field["type"], known) for field in schema["fields"])
    return schema.get("type") == "null"


def _undocumented(file: SchemaFile, what: str, *, at: tuple[str, ...]) -> Problem:
    why = "whoever consumes the topic has only the schema to go by"
    return at_line(file, "E236", f"{what} has no doc", why=why, do='add a "doc" that says what it means', at=at)


def _has_doc(node: Mapping[str, Any]) -> bool:
    return bool(str(node.get("doc", "")).strip())


def at_line(file: SchemaFile, code: str, what: str, *, why: str, do: str, at: tuple[str, ...] = ()) -> Problem:
    """Return a problem of the line on which the last of ``at`` is named."""
    return Problem(file=file.path, line=file.line_of(*at), code=code, what=what, why=why, do=do)
