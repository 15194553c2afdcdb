"""Form: what a page of the console sends, read whole and bounded before anything acts on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl

from farandole.http.body import read_body
from farandole.http.refusal import RequestRefusedError
from starlette.requests import Request

MOST_BYTES: Final = 256 * 1024
MOST_FIELDS: Final = 200
COMES_WITHIN: Final = timedelta(seconds=15)
ENCODED: Final = "application/x-www-form-urlencoded"
SEALED: Final = "sealed"
"""The field that proves that a form is one of ours."""

Form = Mapping[str, str]


async def read_form(request: Request) -> Form:
    """Return the fields of a form; of one that is there twice the last.

    Raises RequestRefusedError where it is no form, too long, too slow, or has too many fields.
    """
    body = await read_body(request, most=MOST_BYTES, within=COMES_WITHIN)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != ENCODED:
        raise RequestRefusedError(f"a form of the console is sent as {ENCODED}", status=415, error="no_form")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as bad:
        raise RequestRefusedError("the form cannot be read") from bad
    return dict(fields)


def form_of(request: Request) -> Form:
    """Return the form that came with a request. The door has read it, and knows that it is one of ours."""
    form: Form = request.state.form
    return form
