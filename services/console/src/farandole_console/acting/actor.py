"""Actor: takes what somebody sent with a form, and makes of it the operation that the audit topic is told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from farandole.operations import Operation, demand_word, intended
from farandole.operations.intent import without_values
from fastapi import Request
from starlette.exceptions import HTTPException

from farandole_console.access.form import form_of
from farandole_console.access.role import Role
from farandole_console.access.user import User
from farandole_console.acting.action import Action
from farandole_console.settings import ConsoleSettings

REASON = "reason"
CONFIRM = "confirm"


class Actor:
    """Knows what the mesh is called and whether it is a production mesh. Pure but for the clock."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self.context = settings.context
        self._production = settings.production

    def word(self, service: str) -> str:
        """Return what has to be typed before something is done to a service; empty where a button will do."""
        return service if self._production else ""

    def written(self, action: Action) -> str:
        """Return the command that does the same, as one types it up to its reason."""
        return action.written(context=self.context)

    def operation(self, request: Request, action: Action, *, id_: str = "", arguments: Sequence[str] = ()) -> Operation:
        """Return what is about to be done: who has signed in, and what his form says.

        ``id_`` is there where the operation has its id already, ``arguments`` where those of the action are not yet
        those of the form. Raises HTTPException (403) where his role does not reach, UsageError where he gives no
        reason, OperationError where he did not type the word.
        """
        user = demand_role(request, action.role)
        form = form_of(request)
        why = form.get(REASON, "").strip()
        if action.word:
            demand_word(action.word, form.get(CONFIRM, "").strip())
        command = replace(action, arguments=arguments or action.arguments).command(context=self.context, reason=why)
        return intended(
            action.kind,
            action.service,
            who=user.name,
            why=why,
            arguments=without_values(command),
            context=self.context,
            id_=id_,
        )


def demand_role(request: Request, role: Role) -> User:
    """Return who acts. Raises HTTPException (403) where he may not."""
    user: User | None = request.state.user
    if user is None or not user.may(role):
        name, word = (user.name, user.role.word) if user is not None else ("nobody", "stranger")
        article = "an" if role.word[0] in "aeiou" else "a"
        raise HTTPException(403, f"it takes {article} {role.word}, and {name} is a {word}")
    return user
