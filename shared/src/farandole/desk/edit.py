"""Edit: a dead letter whose payload somebody changes: what it holds, what it may hold, and whether it still counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farandole.delivery import Record
from farandole.desk.board import Board
from farandole.desk.case import Case
from farandole.desk.desk import Desk
from farandole.desk.letter import named
from farandole.desk.obstacle import to_edit
from farandole.desk.payload import encoded
from farandole.errors import ContractError, OperationError, UsageError
from farandole.schema import EventSchema


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One letter to change: ``fields`` as they are, None where they cannot be read, and the schema to write with.

    That is the schema that wrote it; where nobody knows that, the one with which the service reads the type.
    """

    desk: Desk
    case: Case
    record: Record
    fields: Mapping[str, Any] | None
    schema: EventSchema
    wire_id: int

    @classmethod
    async def of(cls, desk: Desk, case: Case) -> Edit:
        """Read what an edit needs. Raises UsageError where the letter is gone, or of no type that is known here."""
        letter = case.letter
        record = await desk.reader.record(letter.coordinates)
        if record is None:
            raise refused_edit(case, "it was deleted this moment, with age")
        try:
            schema, fields = desk.codec.decode_any(record.value or b"")
            wire_id = int.from_bytes((record.value or b"")[1:5], "big")
        except ContractError:
            handler = (desk.handlers or {}).get(letter.subject.type)
            if handler is None:
                raise refused_edit(case, "its payload cannot be read, and no handler here hears its type") from None
            schema, fields = handler.event.avro, None
            wire_id = desk.catalogue.id_of(schema)
        return cls(desk=desk, case=case, record=record, fields=fields, schema=schema, wire_id=wire_id)

    def value(self, fields: Any) -> bytes:
        """Return the new payload. Raises UsageError where it does not fit the schema or the service, or is the old."""
        value = encoded(fields, self.schema, wire_id=self.wire_id, codec=self.desk.codec)
        if value == self.record.value:
            raise UsageError("nothing was changed", why="the payload is the same", do="change something", code="E553")
        handler = (self.desk.handlers or {}).get(self.case.letter.subject.type)
        if handler is not None:
            try:
                self.desk.codec.decode(value, handler.event)
            except ContractError as error:
                raise UsageError(
                    f"{self.desk.service} could not read this", why=error.why or error.what, do=error.do, code="E554"
                ) from error
        return value

    def document(self) -> dict[str, Any]:
        """Return what is recorded of it; never the payload, which may be personal."""
        letter = self.case.letter
        return {
            "event": letter.subject.event_id,
            "type": letter.subject.type,
            "edited_from": named(letter.coordinates),
            "attempt": letter.attempt,
            "schema": f"{self.schema.fullname} v{self.schema.version}",
        }

    def demand_unchanged(self, board: Board) -> None:
        """Return if the letter still counts and is still open. Raises OperationError."""
        key, at = self.case.letter.subject.key, self.case.letter.coordinates
        now = next((one for one in board.cases if one.letter.subject.key == key), None)
        obstacle = "it is gone" if now is None else to_edit(now)
        if now is None or obstacle:
            raise refused_edit(self.case, obstacle)
        if now.letter.coordinates != at:
            raise refused_edit(self.case, f"another letter counts by now: {named(now.letter.coordinates)}")


def refused_edit(case: Case, why: str) -> OperationError:
    """Return the error that a letter cannot be edited."""
    return OperationError(
        f"the dead letter of {case.letter.subject.event_id} cannot be edited",
        why=why,
        do=f"farandole dlq show {case.letter.subject.event_id}",
        code="E559",
    )
