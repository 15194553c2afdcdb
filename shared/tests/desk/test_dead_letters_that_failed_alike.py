"""A fingerprint is what dead letters have in common that failed alike, in whichever version of the service."""

from __future__ import annotations

import pytest
from farandole.desk.fingerprint import fingerprint, own_frame

CHECKOUT = """\
  File "/work/services/payments/src/farandole_payments/handlers.py", line 41, in authorise
    hold = await gateway.authorise(order)
  File "/work/services/payments/src/farandole_payments/gateway_http.py", line 17, in authorise
    answer = await self._system.post(path, body)
  File "/usr/lib/python3.11/asyncio/timeouts.py", line 115, in __aexit__
    raise TimeoutError from exc_val
"""
INSTALLED = CHECKOUT.replace("/work/services/payments/src/", "/app/.venv/lib/python3.11/site-packages/")
TYPE = "farandole.orders.OrderPlaced"


def of(stack: str, *, error: str = "TimeoutError", event_type: str = TYPE) -> str:
    return fingerprint(error_class=error, stack=stack, event_type=event_type)


def test_the_place_is_the_authors_own_frame_that_lies_nearest_to_the_error():
    assert str(own_frame(CHECKOUT)) == "farandole_payments/gateway_http.py:authorise"


def test_the_frames_of_libraries_are_not_the_authors():
    library = '  File "/app/.venv/lib/python3.11/site-packages/httpx2/_client.py", line 9, in send\n    raise\n'
    assert str(own_frame(INSTALLED + library)) == "farandole_payments/gateway_http.py:authorise"


def test_lines_and_where_the_service_is_installed_do_not_matter():
    moved = CHECKOUT.replace("line 17", "line 99").replace("line 41", "line 4")
    assert of(CHECKOUT) == of(moved) == of(INSTALLED)


@pytest.mark.parametrize(
    "other",
    [
        of(CHECKOUT, error="ValueError"),
        of(CHECKOUT, event_type="farandole.orders.OrderCancelled"),
        of(CHECKOUT.replace("line 17, in authorise", "line 17, in release")),
        of(CHECKOUT.replace("gateway_http", "gateway")),
        of(""),
    ],
)
def test_another_error_type_function_or_file_is_another_fingerprint(other: str):
    assert other != of(CHECKOUT)


@pytest.mark.parametrize("stack", ["", "nonsense", 'File "', '  File "x", line 1, in \n', "\0\ud800"])
def test_a_stack_that_cannot_be_read_has_a_fingerprint_all_the_same(stack: str):
    assert len(of(stack)) == 8
