"""A caller that is gone before its body came: killed, or too busy to send it. The systems bear it in silence."""

from __future__ import annotations

from farandole_sandbox.answer import Answer
from farandole_sandbox.desk import read_body
from starlette.requests import Request


async def test_a_body_that_never_came_is_a_refusal_and_no_failure():
    messages = iter([{"type": "http.request", "body": b'{"order', "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    headers = [(b"content-type", b"application/json")]
    answer = await read_body(Request({"type": "http", "method": "POST", "headers": headers}, receive))
    assert isinstance(answer, Answer)
    assert answer.status == 400
