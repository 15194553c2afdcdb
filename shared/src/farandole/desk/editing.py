"""Editing: the payload of one dead letter is changed: which letter may be, and writing it, recorded first."""

from __future__ import annotations

from farandole.desk.board import Board
from farandole.desk.desk import Desk
from farandole.desk.deskwork import Deskwork
from farandole.desk.edit import Edit, refused_edit
from farandole.desk.obstacle import to_edit
from farandole.desk.place import Place, opened
from farandole.errors import UsageError
from farandole.operations import AuditTopic, Lease, Operation, recorded


async def editable(desk: Desk, board: Board, name: str) -> Edit:
    """Return the letter to change. Raises UsageError where the name means none or several, OperationError if closed."""
    found = board.demanded([name])
    if len(found) != 1:
        raise UsageError(f"{name} means {len(found)} events", do="name one by its id or coordinates", code="E550")
    obstacle = to_edit(found[0])
    if obstacle:
        raise refused_edit(found[0], obstacle)
    return await Edit.of(desk, found[0])


async def edited(where: Place, desk: Desk, operation: Operation, edit: Edit, value: bytes) -> None:
    """Write the new payload. Raises OperationError where the letter was closed meanwhile, or somebody else is at it."""
    async with Lease(where.target.redis_url, cluster=desk.cluster, operation=operation):
        async with opened(where) as (_, board):  # an editor may have been open for an hour
            edit.demand_unchanged(board)
        async with (
            AuditTopic(where.target.connection) as topic,
            Deskwork(where.target.connection, desk.reader, operation=operation.id) as work,
            recorded(topic, operation, details=edit.document()),
        ):
            await work.edit(edit.record, edit.case.letter, value)
