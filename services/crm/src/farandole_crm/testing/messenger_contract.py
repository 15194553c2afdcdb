"""MessengerContract: what every adapter to a CRM must do. Run it on yours.

```python
class TestMyCrm(MessengerContract):
    @pytest.fixture
    async def crm(self) -> AsyncIterator[Messenger]: ...
```
"""

from __future__ import annotations

import asyncio
import uuid

import pytest
from farandole.outside import OutsideRefusedError

from farandole_crm.messenger import Messenger, Notification, Sent, Template


class MessengerContract:
    """The suite. A subclass gives a ``crm`` fixture, and ``customer`` where the CRM's test customer differs."""

    @pytest.fixture
    def customer(self) -> str:
        """Return the id of a customer whom nobody minds to write to."""
        return "VINET"

    @pytest.mark.parametrize("template", list(Template))
    async def test_every_template_can_be_sent(self, crm: Messenger, customer: str, template: Template) -> None:
        """A notification has an id; its moment has a time zone."""
        sent = await _send(crm, customer, fresh("order"), template)
        assert sent.notification_id
        assert sent.sent_at.tzinfo is not None

    async def test_the_same_key_sends_once(self, crm: Messenger, customer: str) -> None:
        """A repeated request is answered with the first notification."""
        order = fresh("order")
        assert await _send(crm, customer, order) == await _send(crm, customer, order)

    async def test_the_same_key_at_the_same_time_sends_once(self, crm: Messenger, customer: str) -> None:
        """Two replicas that ask at once are given one notification."""
        order = fresh("order")
        first, second = await asyncio.gather(_send(crm, customer, order), _send(crm, customer, order))
        assert first == second

    async def test_another_template_is_another_notification(self, crm: Messenger, customer: str) -> None:
        """A customer is told of every turn of an order."""
        order = fresh("order")
        first = await _send(crm, customer, order, Template.PLACED)
        second = await _send(crm, customer, order, Template.CANCELLED)
        assert first.notification_id != second.notification_id

    async def test_a_key_that_came_with_other_words_is_refused(self, crm: Messenger, customer: str) -> None:
        """A key that stands for two notifications is a mistake that people must look at."""
        order = fresh("order")
        await _send(crm, customer, order, reason="no money")
        with pytest.raises(OutsideRefusedError):
            await _send(crm, customer, order, reason="no goods")

    async def test_a_parameter_may_be_any_text(self, crm: Messenger, customer: str) -> None:
        """Customers and carriers write what they like."""
        sent = await _send(crm, customer, fresh("order"), reason='"; DROP TABLE <Zajazd> 漢字 \u2028 \U0001f600 ' * 20)
        assert sent.notification_id


def fresh(what: str) -> str:
    """Return a name that nobody used before."""
    return f"{what}-{uuid.uuid4()}"


async def _send(
    crm: Messenger, customer_id: str, order_id: str, template: Template = Template.PLACED, **parameters: str
) -> Sent:
    told = Notification(customer_id=customer_id, order_id=order_id, template=template, parameters=parameters)
    return await crm.send(told, idempotency_key=f"notification:{order_id}:{template}")
