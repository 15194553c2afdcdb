"""HttpMessenger: the CRM over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import msgspec
from farandole.outside import OutsideRefusal, OutsideSystem, outside_system

from farandole_crm.messenger import Messenger, Notification, Sent
from farandole_crm.settings import CrmSettings


class _Sent(msgspec.Struct, frozen=True):
    notification_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)]


class HttpMessenger:
    """Asks the CRM over HTTP."""

    def __init__(self, system: OutsideSystem) -> None:
        self._system = system

    async def send(self, notification: Notification, *, idempotency_key: str) -> Sent:
        """See Messenger."""
        body = {
            "customer_id": notification.customer_id,
            "order_id": notification.order_id,
            "template": notification.template.value,
            "parameters": dict(notification.parameters),
        }
        try:
            sent = await self._system.post("/crm/notifications", body, _Sent, idempotency_key=idempotency_key)
        except OutsideRefusal as refused:
            raise self._system.unexpected(refused.refusal) from refused
        return Sent(notification_id=sent.notification_id, sent_at=sent.sent_at)


@asynccontextmanager
async def connect(settings: CrmSettings) -> AsyncGenerator[Messenger]:
    """Give the CRM at the address of the settings, and close its connections in the end."""
    async with outside_system(
        "the CRM",
        settings.crm_url,
        connect_within=settings.connect_within,
        answer_within=settings.answer_within,
    ) as system:
        yield HttpMessenger(system)
