"""A webhook is believed when it is signed with a secret that is valid now, and fresh; otherwise a case says why."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from farandole.errors import StartError
from farandole.webhooks import Refusal, WebhookRefusedError, secrets_from, sign, verify

SECRET = b"a secret of sixteen bytes or more"
OLD_SECRET = b"the secret that is being rotated out"
BODY = b'{"id":"wh_1","type":"delivered"}'
NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def signed(*, secret: bytes = SECRET, at: datetime = NOW) -> dict[str, str]:
    return sign(BODY, secret=secret, id="wh_1", at=at)


def refusal(headers: dict[str, str], body: bytes = BODY, now: datetime = NOW) -> Refusal:
    with pytest.raises(WebhookRefusedError) as caught:
        verify(headers, body, secrets=[SECRET], now=now)
    return caught.value.reason


def test_a_signed_webhook_yields_the_senders_id() -> None:
    assert verify(signed(), BODY, secrets=[SECRET], now=NOW) == "wh_1"


def test_the_published_example_of_the_scheme_has_the_published_signature() -> None:
    (secret,) = secrets_from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = sign(
        b'{"test": 2432232314}',
        secret=secret,
        id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, tz=UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_header_names_come_in_any_case() -> None:
    shouted = {name.title(): value for name, value in signed().items()}
    assert verify(shouted, BODY, secrets=[SECRET], now=NOW) == "wh_1"


def test_while_a_secret_is_rotated_both_are_believed() -> None:
    for secret in (SECRET, OLD_SECRET):
        assert verify(signed(secret=secret), BODY, secrets=[SECRET, OLD_SECRET], now=NOW) == "wh_1"


def test_one_fitting_signature_among_several_is_enough() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v2,else v1,AAAA {headers['webhook-signature']}"
    assert verify(headers, BODY, secrets=[SECRET], now=NOW) == "wh_1"


def test_a_changed_body_is_refused() -> None:
    assert refusal(signed(), BODY.replace(b"delivered", b"returned!")) is Refusal.WRONG_SIGNATURE


def test_a_changed_id_is_refused() -> None:
    assert refusal(signed() | {"webhook-id": "wh_2"}) is Refusal.WRONG_SIGNATURE


def test_a_timestamp_moved_to_seem_fresh_is_refused() -> None:
    stale = signed(at=NOW - timedelta(hours=1))
    assert refusal(stale | {"webhook-timestamp": signed()["webhook-timestamp"]}) is Refusal.WRONG_SIGNATURE


def test_another_secret_is_refused() -> None:
    assert refusal(signed(secret=OLD_SECRET)) is Refusal.WRONG_SIGNATURE


def test_a_signature_of_another_scheme_is_refused() -> None:
    headers = signed()
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v1a,")
    assert refusal(headers) is Refusal.WRONG_SIGNATURE


def test_without_any_secret_nothing_is_believed() -> None:
    with pytest.raises(WebhookRefusedError):
        verify(signed(), BODY, secrets=[], now=NOW)


@pytest.mark.parametrize("offset", [timedelta(minutes=5), -timedelta(minutes=5)])
def test_five_minutes_off_is_still_fresh(offset: timedelta) -> None:
    assert verify(signed(at=NOW + offset), BODY, secrets=[SECRET], now=NOW) == "wh_1"


def test_older_than_the_tolerance_is_refused() -> None:
    assert refusal(signed(at=NOW - timedelta(minutes=5, seconds=1))) is Refusal.TOO_OLD


def test_newer_than_the_tolerance_is_refused() -> None:
    assert refusal(signed(at=NOW + timedelta(minutes=5, seconds=1))) is Refusal.TOO_NEW


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(name: str) -> None:
    headers = signed()
    del headers[name]
    assert refusal(headers) is Refusal.MISSING_HEADER


@pytest.mark.parametrize("timestamp", ["yesterday", "-5", "1e9", "1614265330.5", "9" * 40, "١٢٣"])
def test_a_timestamp_that_is_not_whole_seconds_is_refused(timestamp: str) -> None:
    assert refusal(signed() | {"webhook-timestamp": timestamp}) is Refusal.MALFORMED_TIMESTAMP


@pytest.mark.parametrize("sender_id", ["wh.1", "with space", "x" * 257, "ünicode"])
def test_an_id_that_could_be_read_in_two_ways_is_refused_by_both_sides(sender_id: str) -> None:
    assert refusal(signed() | {"webhook-id": sender_id}) is Refusal.MALFORMED_ID
    with pytest.raises(ValueError, match="webhook id"):
        sign(BODY, secret=SECRET, id=sender_id, at=NOW)


def test_a_flood_of_signatures_is_cut_short() -> None:
    headers = signed()
    headers["webhook-signature"] = "v1,AAAA " * 1000 + headers["webhook-signature"]
    assert refusal(headers) is Refusal.WRONG_SIGNATURE


def test_a_refusal_never_tells_the_expected_signature() -> None:
    headers = signed()
    expected = headers["webhook-signature"]
    with pytest.raises(WebhookRefusedError) as caught:
        verify(headers | {"webhook-signature": "v1,guess"}, BODY, secrets=[SECRET], now=NOW)
    assert expected not in str(caught.value)
    assert SECRET.decode() not in str(caught.value)


def test_secrets_are_read_as_base64_or_as_they_are() -> None:
    encoded = "whsec_" + base64.b64encode(SECRET).decode()
    assert secrets_from(f"{encoded}, plain-secret-of-some-length") == (SECRET, b"plain-secret-of-some-length")


@pytest.mark.parametrize("text", ["", " , ", "tiny-one", "whsec_not*base64", "whsec_c2hvcnQ="])
def test_a_secret_that_protects_nothing_stops_the_start(text: str) -> None:
    with pytest.raises(StartError) as caught:
        secrets_from(text)
    assert text.strip(" ,") == "" or text not in str(caught.value)
