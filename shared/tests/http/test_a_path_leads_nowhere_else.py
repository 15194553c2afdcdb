"""A name that comes from an event is one part of an outside system's path, or is not sent at all."""

from __future__ import annotations

from urllib.parse import unquote

import httpx2
import pytest
from farandole.outside import OutsideRefusedError, path_segment
from hypothesis import given, settings
from hypothesis import strategies as st

ELSEWHERE = ["", ".", "..", "../gateway", "a/../b", "..\\gateway", "/a", "a/", "a//b", "./a", "\\"]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_name_that_leads_to_another_path_is_refused(name: str):
    with pytest.raises(OutsideRefusedError, match="it would lead elsewhere"):
        path_segment(name)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("1", "1"),
        ("Speedy Express", "Speedy%20Express"),
        ("a/b", "a%2Fb"),
        ("a?x=#y", "a%3Fx%3D%23y"),
        ("..a", "..a"),
        ("%2e%2e", "%252e%252e"),
        ("Größe", "Gr%C3%B6%C3%9Fe"),
        ("a\r\nb\x00", "a%0D%0Ab%00"),
    ],
)
def test_whatever_else_a_name_holds_stays_in_its_part(name: str, part: str):
    assert path_segment(name) == part


def test_half_a_character_is_refused_with_no_fault():
    with pytest.raises(OutsideRefusedError, match="half a character"):
        path_segment("\ud800")


def test_a_refusal_does_not_repeat_a_long_name():
    with pytest.raises(OutsideRefusedError) as refused:
        path_segment("../" + "x" * 100_000)
    assert len(str(refused.value)) < 400


@settings(deadline=None)
@given(st.text() | st.text("./\\%2eE?#;", max_size=8))
def test_any_name_is_refused_or_arrives_as_it_was(name: str):
    try:
        part = path_segment(name)
    except OutsideRefusedError:
        return
    path = httpx2.URL(f"http://outside/carriers/{part}/shipments").raw_path
    before, middle, behind = path.decode().removeprefix("/").split("/")
    assert (before, unquote(middle), behind) == ("carriers", name, "shipments")
