"""Sheet: everything about one event with dead letters, for whoever has to decide what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from farandole import headers as names
from farandole.codec import Codec
from farandole.delivery import Delivery, Record
from farandole.desk.case import Case, Standing
from farandole.desk.desk import Desk
from farandole.desk.letter import Letter, named, private_texts, subject_of
from farandole.desk.obstacle import to_discard, to_edit, to_redrive
from farandole.desk.step import Step, steps
from farandole.errors import ContractError
from farandole.masking import Masking
from farandole.personal import PersonalFields
from farandole.redaction import personal_values, redacted_unless_unread


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """One case, with what was read again for it. ``delivery`` is the letter that counts; None where it was deleted."""

    service: str
    case: Case
    delivery: Delivery | None
    payload: Any
    steps: Sequence[Step]
    hidden: Sequence[str] | None = ()
    """Personal values, which no sentence may show; None where a payload cannot be read, and nobody knows them."""

    @property
    def standing(self) -> str:
        """Where it stands, in a few words."""
        case, word = self.case, self.case.standing.value
        match case.standing:
            case Standing.RESOLVED:
                return f"{word}: handled at attempt {case.handled}"
            case Standing.OPEN if obstacle := to_redrive(case):
                return f"{word}: {obstacle}"
            case _:
                return word

    @property
    def next(self) -> Sequence[str]:
        """The commands that make sense now."""
        return next_commands(self.service, self.case)

    def document(self) -> dict[str, Any]:
        """Return it as it is printed for programs."""
        letter = self.case.letter
        own = private_texts(self.delivery) if self.delivery else {}
        return {
            "service": self.service,
            "standing": self.case.standing.value,
            "stands": self.standing,
            **described(letter),
            "message": self._said(own.get(names.ERROR_MESSAGE, ""), letter.error_class),
            "stack": self._said(own.get(names.ERROR_STACK, ""), letter.error_class),
            "envelope": self._envelope(),
            "payload": self.payload,
            "key": None if self.delivery is None else text_of(self.delivery.record.key),
            "steps": [{**one.document(), "message": self._said(one.message, one.error_class)} for one in self.steps],
            "letters": [
                {"where": named(one.coordinates), "attempt": one.attempt, "standing": self.case.standing_of(one).value}
                for one in self.case.letters
            ],
            "next": self.next,
        }

    def _said(self, text: str, error_class: str) -> str:
        return redacted_unless_unread(text, self.hidden, error_class=error_class)

    def _envelope(self) -> dict[str, str]:
        envelope = self.delivery.envelope.headers() if self.delivery else ()
        return {name: value.decode("utf-8", "replace") for name, value in envelope}


async def sheet(desk: Desk, case: Case, masking: Masking) -> Sheet:
    """Read what a sheet needs. Raises BrokerUnavailableError."""
    key = case.letter.subject.key
    about: list[Delivery] = []
    async for record in desk.reader.history():
        delivery = desk.reader.delivery(record)
        if subject_of(delivery).key == key:
            about.append(delivery)
    here = next((one for one in about if _is_at(one.record, case.letter)), None)
    return Sheet(
        service=desk.service,
        case=case,
        delivery=here,
        payload=None if here is None else masking.payload(here.record.value, desk.codec),
        steps=steps(about, dead_letters=desk.topic),
        hidden=() if masking.shows_everything else hidden(desk, [one.record.value for one in about]),
    )


def hidden(desk: Desk, values: Iterable[bytes | None]) -> Sequence[str] | None:
    """Return the personal values that these payloads hold, None where one of them cannot be read."""
    return hidden_in(values, codec=desk.codec, personal=desk.personal)


def hidden_in(values: Iterable[bytes | None], *, codec: Codec, personal: PersonalFields) -> Sequence[str] | None:
    """Return the personal values that these payloads hold, None where one of them cannot be read."""
    found: list[str] = []
    for value in values:
        if value is None:
            continue
        try:
            schema, fields = codec.decode_any(value)
        except ContractError:
            return None
        found += personal_values(fields, personal.tree(schema))
    return sorted(set(found), key=lambda one: (-len(one), one))


def described(letter: Letter) -> dict[str, Any]:
    """Return what the letter itself says, as it is printed for programs."""
    return {
        "event": letter.subject.event_id,
        "type": letter.subject.type,
        "source": letter.subject.source,
        "flow": letter.subject.flow,
        "replay": letter.subject.replay_id,
        "where": named(letter.coordinates),
        "origin": named(letter.origin),
        "attempt": letter.attempt,
        "dead_since": letter.appended,
        "fingerprint": letter.fingerprint,
        "error_class": letter.error_class,
        "place": letter.place,
        "handler": letter.handler,
        "service_version": letter.version,
        "operation": letter.operation,
        "edited_from": letter.edited_from,
    }


def next_commands(service: str, case: Case) -> Sequence[str]:
    """Return the commands that make sense for a case as it stands."""
    one = f"{shlex.quote(case.letter.subject.event_id)} --service {service}"
    if case.standing is Standing.DISCARDED:
        return [f'farandole dlq reopen {one} --reason "…"']
    found = []
    if not to_redrive(case):
        found.append(f'farandole dlq redrive {one} --reason "…"')
        group = f"--service {service} --group {case.letter.fingerprint}"
        found.append(f'farandole dlq redrive {group} --canary 1 --reason "…"')
    if not to_edit(case):
        found.append(f'farandole dlq edit {one} --reason "…"')
    if not to_discard(case):
        found.append(f'farandole dlq discard {one} --reason "…"')
    return found


def text_of(key: bytes | None) -> str | None:
    """Return a record's key as text."""
    return None if key is None else key.decode("utf-8", "replace")


def _is_at(record: Record, letter: Letter) -> bool:
    at, there = record.coordinates, letter.coordinates
    return (at.topic, at.partition, at.offset) == (there.topic, there.partition, there.offset)
