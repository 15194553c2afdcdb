"""GatewayContract: what every adapter to a payment gateway must do. Run it on yours.

```python
class TestMyGateway(GatewayContract):
    @pytest.fixture
    async def gateway(self) -> AsyncIterator[PaymentGateway]: ...
```
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from farandole.outside import OutsideRefusedError

from farandole_payments.gateway import (
    AlreadyCaptured,
    Amount,
    CaptureFailed,
    CardDeclined,
    HoldGone,
    PaymentGateway,
)

TOTAL = Amount(cents=129_90, currency="USD")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cards:
    """Tokens of test cards at the gateway: one that pays, one that is declined, one that is held but never captured."""

    good: str = "tok_good"
    declined: str = "tok_declined"
    uncapturable: str = "tok_capture_fails"


def fresh(what: str) -> str:
    """Return a name that nobody used before."""
    return f"{what}-{uuid.uuid4()}"


class GatewayContract:
    """The suite. A subclass gives a ``gateway`` fixture, and ``cards`` where the gateway's test cards differ."""

    @pytest.fixture
    def cards(self) -> Cards:
        """Return the gateway's test cards."""
        return Cards()

    async def test_a_hold_lives_for_a_while(self, gateway: PaymentGateway, cards: Cards) -> None:
        """A hold names its end, which lies ahead and has a time zone."""
        hold = await gateway.hold(fresh("order"), TOTAL, cards.good, idempotency_key=fresh("key"))
        assert hold.hold_id
        assert hold.expires_at > datetime.now(UTC)

    async def test_the_same_key_holds_once(self, gateway: PaymentGateway, cards: Cards) -> None:
        """A repeated request is answered with the first hold."""
        order, key = fresh("order"), fresh("key")
        first = await gateway.hold(order, TOTAL, cards.good, idempotency_key=key)
        assert await gateway.hold(order, TOTAL, cards.good, idempotency_key=key) == first

    async def test_a_declined_card_says_why_and_says_so_again(self, gateway: PaymentGateway, cards: Cards) -> None:
        """A decline is an answer: it has a reason and is repeated."""
        order, key = fresh("order"), fresh("key")
        for _ in range(2):
            with pytest.raises(CardDeclined) as declined:
                await gateway.hold(order, TOTAL, cards.declined, idempotency_key=key)
            assert declined.value.reason

    async def test_the_same_key_captures_once(self, gateway: PaymentGateway, cards: Cards) -> None:
        """A repeated capture is answered with the first one."""
        hold_id, key = await _held(gateway, cards.good), fresh("key")
        first = await gateway.capture(hold_id, TOTAL, idempotency_key=key)
        assert await gateway.capture(hold_id, TOTAL, idempotency_key=key) == first

    async def test_another_key_does_not_capture_again(self, gateway: PaymentGateway, cards: Cards) -> None:
        """A hold is captured once, whoever asks; the second is told of the first."""
        hold_id = await _held(gateway, cards.good)
        first = await gateway.capture(hold_id, TOTAL, idempotency_key=fresh("key"))
        with pytest.raises(AlreadyCaptured) as already:
            await gateway.capture(hold_id, TOTAL, idempotency_key=fresh("key"))
        assert already.value.capture_id == first

    async def test_a_capture_that_fails_says_why_and_says_so_again(self, gateway: PaymentGateway, cards: Cards) -> None:
        """A failed capture is an answer: it has a reason and is repeated."""
        hold_id, key = await _held(gateway, cards.uncapturable), fresh("key")
        for _ in range(2):
            with pytest.raises(CaptureFailed) as failed:
                await gateway.capture(hold_id, TOTAL, idempotency_key=key)
            assert failed.value.reason

    async def test_a_voided_hold_cannot_be_captured(self, gateway: PaymentGateway, cards: Cards) -> None:
        """What was given back cannot be taken."""
        hold_id = await _held(gateway, cards.good)
        await gateway.void(hold_id, idempotency_key=fresh("key"))
        with pytest.raises(HoldGone):
            await gateway.capture(hold_id, TOTAL, idempotency_key=fresh("key"))

    async def test_a_hold_can_be_voided_again(self, gateway: PaymentGateway, cards: Cards) -> None:
        """Lifting what is lifted succeeds, under the same key and under another."""
        hold_id, key = await _held(gateway, cards.good), fresh("key")
        for each in (key, key, fresh("key")):
            await gateway.void(hold_id, idempotency_key=each)

    async def test_a_captured_hold_is_not_voided(self, gateway: PaymentGateway, cards: Cards) -> None:
        """Whoever voids too late is told what to refund."""
        hold_id = await _held(gateway, cards.good)
        capture_id = await gateway.capture(hold_id, TOTAL, idempotency_key=fresh("key"))
        with pytest.raises(AlreadyCaptured) as already:
            await gateway.void(hold_id, idempotency_key=fresh("key"))
        assert already.value.capture_id == capture_id

    async def test_the_same_key_refunds_once(self, gateway: PaymentGateway, cards: Cards) -> None:
        """A repeated refund is answered with the first one; another one is refused, as nothing is left."""
        hold_id, key = await _held(gateway, cards.good), fresh("key")
        capture_id = await gateway.capture(hold_id, TOTAL, idempotency_key=fresh("key"))
        first = await gateway.refund(capture_id, TOTAL, idempotency_key=key)
        assert await gateway.refund(capture_id, TOTAL, idempotency_key=key) == first
        with pytest.raises(OutsideRefusedError):
            await gateway.refund(capture_id, TOTAL, idempotency_key=fresh("key"))

    async def test_what_the_gateway_does_not_know_is_refused(self, gateway: PaymentGateway) -> None:
        """An unknown hold or capture is for people to look at."""
        with pytest.raises(OutsideRefusedError):
            await gateway.capture(fresh("hold"), TOTAL, idempotency_key=fresh("key"))
        with pytest.raises(OutsideRefusedError):
            await gateway.refund(fresh("cap"), TOTAL, idempotency_key=fresh("key"))


async def _held(gateway: PaymentGateway, card: str) -> str:
    return (await gateway.hold(fresh("order"), TOTAL, card, idempotency_key=fresh("key"))).hold_id
