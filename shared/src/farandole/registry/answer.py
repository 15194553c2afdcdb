"""Answer: what a registry said, and what that means: an answer to the question, or a registry that is away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, cast

from farandole.errors import RegistryUnavailableError

NO_SUBJECT: Final = 40401
NO_VERSION: Final = 40402
NO_SCHEMA: Final = 40403
NOT_THERE: Final = frozenset((NO_SUBJECT, NO_VERSION, NO_SCHEMA))

OK: Final = 200
DENIED: Final = frozenset((401, 403))
NOT_FOUND: Final = 404
REFUSED: Final = frozenset((409, 422))


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An HTTP answer: its ``status`` and its ``body``, and whether the body was cut off because it was too long."""

    status: int
    body: bytes
    cut: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return cast("dict[str, Any]", document) if isinstance(document, dict) else {}

    @property
    def is_missing(self) -> bool:
        """Whether the registry says that it does not have what was asked for.

        A bare 404 says nothing of the kind: a wrong path, or a proxy that lost its registry, answers it to everything.
        """
        return self.status == NOT_FOUND and self.document.get("error_code") in NOT_THERE

    @property
    def message(self) -> str:
        """What the registry says of its own answer, at most a line of it."""
        return str(self.document.get("message", ""))[:500]


def unavailable(answer: Answer) -> RegistryUnavailableError:
    """Return the error of an answer that no registry in its right mind gives to the question."""
    if answer.status in DENIED:
        return RegistryUnavailableError(
            f"the schema registry refuses us ({answer.status})",
            why=answer.message or "the name or the password is wrong, or they may not do this",
            do="set FARANDOLE_REGISTRY_USERNAME and FARANDOLE_REGISTRY_PASSWORD",
        )
    return RegistryUnavailableError(
        f"the schema registry answers {answer.status}",
        why=answer.message or "that is no answer of a schema registry",
        do="see that it runs, and that FARANDOLE_REGISTRY_URL leads to its Confluent API",
    )
