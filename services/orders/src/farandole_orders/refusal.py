"""Refusal: why a request was not done, as the client is told it (RFC 9457, application/problem+json)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from farandole import FarandoleError
from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"


class Refusal(FarandoleError):  # noqa: N818 - an answer to the client, not a failure of the service
    """A request that cannot be done: what is wrong, why, and what to do, with the HTTP status that says so.

    ``kind`` names the problem for programs; it does not change. ``fields`` name what is wrong with each field.
    """

    code = "E600"

    def __init__(
        self,
        what: str,
        *,
        status: int,
        kind: str,
        why: str = "",
        do: str = "",
        fields: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what, why=why, do=do)
        self.status = status
        self.kind = kind
        self.fields = tuple(fields)
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return the answer that tells the client."""
        told: dict[str, Any] = {"type": f"urn:farandole:problem:{self.kind}", "title": self.what, "status": self.status}
        if detail := "; ".join(filter(None, (self.why, self.do))):
            told["detail"] = detail
        if self.fields:
            told["errors"] = [dict(field) for field in self.fields]
        return Response(json.dumps(told), self.status, headers=self.headers, media_type=MEDIA_TYPE)


def no_such_order() -> Refusal:
    """Refuse to show what is not there."""
    return Refusal(
        "there is no such order", status=404, kind="unknown-order", do="take the order_id of the answer to POST /orders"
    )
