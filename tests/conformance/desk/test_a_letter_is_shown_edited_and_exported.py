"""Whoever has to decide what to do about a dead letter sees its event, its error, every attempt, and what comes next.

Personal fields are masked, in what the error said too. The payload is mended, held against the schema that wrote it,
and what is sent again is the mended one; the original stays. Nothing that is handled or on its way is edited.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from counter import LONG, WHY, Counter, ran
from farandole.cli.acting import Acting

pytestmark = pytest.mark.mesh


async def test_everything_about_a_letter_is_shown_and_personal_values_nowhere(shop: Counter):
    await shop.die("a")
    await shop.redrive("a", code=1)
    (sheet,) = (await shop.json("show", "a"))["letters"]
    assert sheet["payload"] == {"thing": "a", "email": "***", "total": 0}
    assert (sheet["error_class"], sheet["message"]) == ("Reject", "nobody here delivers to ***")
    assert "shop.py" in sheet["stack"]
    assert sheet["envelope"]["ce_id"] == "a"
    steps = [(one["attempt"], one["what"]) for one in sheet["steps"]]
    assert steps == [(0, "given up"), (1, "sent again"), (1, "given up")]
    assert [one["standing"] for one in sheet["letters"]] == ["superseded", "open"]
    assert sheet["next"][0].startswith("farandole dlq redrive a --service")
    for form in ((), ("--json",)):
        assert "anna@example.com" not in str(await shop.dlq("show", "a", *shop.here, *form))
    assert "anna@example.com" in (await shop.dlq("show", "a", *shop.here, "--pii", "--json")).out


@LONG
async def test_a_letter_is_found_by_its_coordinates_its_fingerprint_or_without_naming_the_service(shop: Counter):
    await shop.die("a", "b")
    group = await shop.group()
    for name, event in ((f"{shop.shop.tag}.dlq|0|0", "a"), (f"{shop.shop.tag}.dlq[0]@1", "b"), (group, "b")):
        ended = await shop.dlq("show", name, "--json")
        assert [one["event"] for one in ended.document["letters"]] == [event], ended


async def test_the_mended_letter_is_what_a_redrive_sends_and_the_original_stays(shop: Counter, tmp_path: Path):
    await shop.die("a", "b")
    await shop.json("edit", "a", "--set", "total=12", *WHY)
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps({"thing": "b", "email": "bea@example.com", "total": 7}))
    await shop.json("edit", "b", "--file", str(payload), *WHY)
    (sheet,) = (await shop.json("show", "a"))["letters"]
    assert sheet["payload"]["total"] == 12
    assert [one["standing"] for one in sheet["letters"]] == ["superseded", "open"]
    assert sheet["edited_from"] == f"{shop.shop.tag}.dlq|0|0"
    assert (await shop.json("ls"))["groups"][0]["open"] == 2
    assert (await shop.redrive("a", "b"))["done"] == 2
    assert shop.effects() == [("a", 12), ("b", 7)]
    assert (await shop.mesh.audit()).is_good
    late = await shop.dlq("edit", "a", "--set", "total=13", *shop.here, *WHY)
    assert (late.code, "handled since" in late.err) == (1, True)


@LONG
async def test_an_edit_that_does_not_fit_changes_nothing(shop: Counter):
    await shop.die("a")
    for assignment, sentence in (
        ("total=much", "total has to be a whole number"),
        ("colour=red", "there is no field colour"),
        ("total=0", "nothing was changed"),
    ):
        refused = await shop.dlq("edit", "a", "--set", assignment, *shop.here, *WHY)
        assert (refused.code, sentence in refused.err) == (2, True), refused
    assert len(shop.mesh.world.read(f"{shop.shop.tag}.dlq")) == 1


@LONG
async def test_what_was_typed_of_a_payload_is_not_kept_in_the_audit_topic(shop: Counter):
    await shop.die("a")
    await shop.json("edit", "a", "--set", "email=carl@example.com", *WHY)
    said = str(await shop.records())
    assert "a test wants it" in said
    assert "carl@example.com" not in said


async def test_letters_are_exported_as_lines_without_personal_values(shop: Counter, tmp_path: Path):
    await shop.die("a", "b")
    ended = await shop.dlq("export", *shop.here)
    assert [one["event"] for one in ended.lines] == ["a", "b"]
    assert "anna@example.com" not in ended.out
    file = tmp_path / "dead.jsonl"
    told = await shop.json("export", "a", "--pii", "--output", str(file))
    (line,) = map(json.loads, file.read_text().splitlines())
    assert (told["written"], line["payload"]["email"]) == (1, "anna@example.com")
    assert file.stat().st_mode & 0o077 == 0
    assert (await shop.dlq("export", *shop.here, "--output", str(file))).code == 2


async def test_an_edited_letter_does_not_tell_in_its_error_whom_the_original_named(shop: Counter):
    await shop.die("a")
    await shop.json("edit", "a", "--set", "email=carl@example.com", *WHY)
    (line,) = (await shop.dlq("export", *shop.here)).lines
    assert line["message"] == "nobody here delivers to ***"
    assert "anna@example.com" not in str(line)


async def test_a_letter_that_is_edited_while_a_redrive_is_being_confirmed_is_not_sent_as_it_was(
    shop: Counter, monkeypatch: pytest.MonkeyPatch
):
    await shop.die("a", "b")
    shop.shop.mended = True

    make_sure, edit = Acting.make_sure, ["dlq", "edit", "a", "--set", "total=12", *shop.here, *WHY]

    def meanwhile(*_: object, **__: object) -> None:
        monkeypatch.setattr(Acting, "make_sure", make_sure)
        with ThreadPoolExecutor() as elsewhere:
            assert elsewhere.submit(ran, edit).result().code == 0

    monkeypatch.setattr(Acting, "make_sure", meanwhile)
    assert (await shop.redrive("a", "b"))["done"] == 1
    assert shop.effects() == [("b", 0)]
    assert (await shop.redrive("a"))["done"] == 1
    assert shop.effects() == [("a", 12), ("b", 0)]
