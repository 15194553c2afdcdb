"""Where: an expression over the fields of an event, in CEL, compiled: it reads values and can do nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from farandole.errors import UsageError
from farandole.masking import without
from farandole.personal import PersonalFields, Tree
from farandole.schema import EventSchema
from farandole.selection.expression import MOST_CHARACTERS, Expression, Path, read
from farandole.selection.nearest import nearest
from farandole.selection.shape import Shape, leads_somewhere, written

if TYPE_CHECKING:
    from cel import Program

MOST_LOOPED_BYTES: Final = 100_000
"""Of an event that a macro loops over: its steps are as many as the event has items, and each may copy a field."""
AT_FIRST: Final = 5.0
EACH: Final = 0.002
"""Seconds that all evaluations together may take: so many, and so many more an event."""


class Where:
    """An expression over the decoded fields of events of some types, in the Common Expression Language (CEL).

    Comparisons hold of values of one type; a field that the event's version does not have, or that is null, is
    ``null``. An event whose type has not got the fields is not meant, nor is one on which it cannot be evaluated (no
    such item, an overflow). Unless ``pii`` is set, the personal fields are not there to be asked about.
    For one thread at a time.
    """

    def __init__(self, text: str, schemas: Iterable[EventSchema], *, pii: bool) -> None:
        """Compile it for events of these schemas, all versions of them.

        Raises UsageError where it cannot be read, may run for ever, names a field that none of them has or that it
        may not ask about, compares what cannot be compared, or is not a condition.
        """
        known = tuple(schemas)
        self._expression = _readable(text)
        self.fields = self._expression.fields
        """The fields that it names, sorted: no others need to be decoded."""
        self._personal = None if pii else PersonalFields(known)
        self._shapes = {id(one): Shape(one.avsc) for one in known}
        self._have = _types_with(self._expression.fields, known)
        _check_fields(self._expression, self._shapes.values(), known)
        self._check_personal(known)
        self._program = _compiled(self._expression)
        self._check_values(known)
        self._spent = 0.0
        self._asked = 0

    @property
    def text(self) -> str:
        """The expression."""
        return self._expression.text

    def matches(self, schema: EventSchema, fields: Mapping[str, Any], *, size: int = 0) -> bool:
        """Tell whether it holds of an event that was written with this schema, as ``size`` bytes."""
        return self.answer(schema, fields, size=size) is True

    def answer(self, schema: EventSchema, fields: Mapping[str, Any], *, size: int = 0) -> bool | None:
        """Return what `matches` does; None where it cannot be evaluated on the event.

        Raises UsageError where evaluating takes so long that it would never end.
        """
        if schema.fullname not in self._have:
            return False
        if self._expression.loops and size > MOST_LOOPED_BYTES:
            return None
        began = time.perf_counter()
        try:
            found = self._program.execute(self._values(schema, fields))
        except Exception:
            found = None
        self._spent += time.perf_counter() - began
        self._asked += 1
        if self._spent > AT_FIRST + EACH * self._asked:
            raise _slow(self.text, self._spent, self._asked)
        return found if isinstance(found, bool) else None

    def _values(self, schema: EventSchema, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that it names, and no others: each costs to be handed over."""
        known = self._visible(schema, fields)
        return {name: known.get(name) for name in self.fields}

    def _visible(self, schema: EventSchema, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return fields if self._personal is None else without(fields, self._personal.tree(schema))

    def _check_personal(self, schemas: Iterable[EventSchema]) -> None:
        if self._personal is None:
            return
        for schema in schemas:
            tree = self._personal.tree(schema)
            for path in sorted(self._expression.paths):
                if _is_personal(path, tree):
                    raise UsageError(
                        f"{written(path)} is personal: --where may not ask about it",
                        why="whoever asks often enough learns the value, though it is masked when it is shown",
                        do="ask as an operator with --pii, or by --key, --id or another field",
                        code="E525",
                    )

    def _check_values(self, schemas: Iterable[EventSchema]) -> None:
        """Try it on an event of each type, with the fields of all its versions: a wrong type there is wrong in all."""
        samples: dict[str, dict[str, Any]] = {}
        for schema in schemas:
            if schema.fullname in self._have:
                sample = self._visible(schema, self._shapes[id(schema)].sample)
                samples[schema.name] = samples.get(schema.name, {}) | dict(sample)
        for name, sample in samples.items():
            try:
                found = self._program.execute({field: sample.get(field) for field in self._expression.fields})
            except (IndexError, KeyError, ArithmeticError):
                continue  # that depends on the event
            except Exception as wrong:
                if _depends_on_event(wrong):
                    continue
                raise _unreadable(self.text, f"of {name}: {wrong}") from wrong
            if not isinstance(found, bool):
                raise _unreadable(self.text, f"it is {found!r} of {name}, and neither true nor false")


def _readable(text: str) -> Expression:
    if len(text) > MOST_CHARACTERS:
        raise _unreadable(text[:80] + " …", f"it has {len(text)} characters, and may have {MOST_CHARACTERS}")
    expression = read(text)
    if expression.loops > 1:
        raise _unreadable(text, "a loop lies in a loop: of a long list that would not end within the day")
    return expression


def _compiled(expression: Expression) -> Program:
    from cel import compile as compile_cel  # noqa: PLC0415 - only a selection with an expression pays for it

    try:
        program = compile_cel(expression.text)
    except Exception as wrong:
        raise _unreadable(expression.text, str(wrong)) from wrong
    for moment in expression.times:
        try:
            compile_cel(moment).execute()
        except Exception as wrong:
            raise UsageError(
                f"{moment} is no time",
                why="a time in an expression is RFC 3339, and says its zone",
                do='write it as timestamp("2026-11-23T14:00:00Z") or timestamp("2026-11-23T14:00:00+01:00")',
                code="E520",
            ) from wrong
    return program


def _types_with(fields: Iterable[str], schemas: Iterable[EventSchema]) -> frozenset[str]:
    """Return the types of which some version has all these fields."""
    wanted = set(fields)
    return frozenset(one.fullname for one in schemas if wanted <= {str(field["name"]) for field in one.avsc["fields"]})


def _check_fields(expression: Expression, shapes: Iterable[Shape], schemas: tuple[EventSchema, ...]) -> None:
    known: frozenset[Path] = frozenset().union(*(one.paths for one in shapes))
    for path in sorted(expression.paths):
        if not leads_somewhere(path, known):
            names = ", ".join(sorted({one.name for one in schemas})[:5])
            raise UsageError(
                f"no selected event has a field {written(path)}",
                why=f"--where is about the fields of {names or 'no known type'}",
                do=nearest(written(path), [written(one) for one in known]),
                code="E524",
            )


def _is_personal(path: Path, tree: Tree) -> bool:
    for part in path:
        if part == "[]":
            continue
        inside = tree.get(part, tree.get("*"))
        if inside is True:
            return True
        if inside is None:
            return False
        tree = inside
    return False


def _depends_on_event(error: Exception) -> bool:
    """Tell a function that dislikes the sample's text from one that does not exist or a pattern that is none."""
    said = str(error)
    return isinstance(error, RuntimeError) and "Undefined" not in said and "not a valid regex" not in said


def _unreadable(text: str, why: str) -> UsageError:
    return UsageError(
        f"--where cannot be evaluated: {text}",
        why=" ".join(why.split())[:500],
        do='write a condition on fields in CEL, such as total_cents > 10000 && ship_to.country == "Germany"',
        code="E523",
    )


def _slow(text: str, seconds: float, events: int) -> UsageError:
    return UsageError(
        f"--where takes too long: {text}",
        why=f"{seconds:.0f} s for {events} events, and there is no end in sight",
        do="say it with fewer loops and simpler patterns, or select fewer events by --type, --key or --from",
        code="E528",
    )
