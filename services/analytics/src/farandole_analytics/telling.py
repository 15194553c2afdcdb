"""Telling: the figures of settled minutes become events of the mesh."""

from __future__ import annotations

from typing import Final

import structlog
from farandole import Clock, FarandoleError
from farandole.engine.encoder import Encoder
from farandole.engine.ports import Message, Publisher
from farandole.errors import ContractError
from farandole.identity import derived_id
from farandole_events.sales import SalesPerMinute

from farandole_analytics.figures import By
from farandole_analytics.minutes import Line, Minutes
from farandole_analytics.settings import AnalyticsSettings

log = structlog.get_logger(__name__)

MOST_AT_ONCE: Final = 500


class Telling:
    """Publishes SalesPerMinute: one event for the total, each product and each country of a minute that settled.

    At-least-once: after a crash some are published again, under the same ids, so that every consumer drops them. A
    late order changes a minute's figures, which are then told under new ids. All events of a minute are one flow.
    Nothing is told before `turn_to` says of what.
    """

    def __init__(self, *, encoder: Encoder, publisher: Publisher, clock: Clock, settings: AnalyticsSettings) -> None:
        self._minutes = Minutes()
        self._encoder = encoder
        self._publisher = publisher
        self._clock = clock
        self._settings = settings
        self.events = 0

    def turn_to(self, minutes: Minutes) -> None:
        """Tell of these from now on; what was told of the former, and is the same here, is not told again."""
        minutes.take_over(self._minutes, now=self._clock.now())
        self._minutes = minutes

    async def run(self) -> None:
        """Tell what settled, for ever; what cannot be published waits for the next turn."""
        while True:
            await self._clock.sleep(self._settings.tell_every)
            try:
                await self.tell()
            except FarandoleError as error:
                log.warning("figures could not be published and will be later", reason=str(error))

    async def tell(self) -> None:
        """Tell what is due. Raises BrokerUnavailableError; nothing counts as told then.

        Figures that no event can hold are logged and count as told: those after them must not wait for ever.
        """
        minutes = self._minutes
        lines = minutes.due(now=self._clock.now(), settle=self._settings.settle, most=MOST_AT_ONCE)
        messages = [message for line in lines if (message := self._message(line)) is not None]
        await self._publisher.publish(messages)
        minutes.told(lines)
        self.events += len(messages)

    def _message(self, line: Line) -> Message | None:
        try:
            return self._encoded(line)
        except ContractError as error:
            log.warning("figures that no event can hold", window=line.window, part=str(line.part), reason=str(error))
            return None

    def _encoded(self, line: Line) -> Message:
        event = event_of(line)
        encoded = self._encoder.first(event, event_id=id_of(line), flow=flow_of(line), causes=())
        return Message(topic=encoded.topic, key=encoded.key, value=encoded.value, headers=encoded.headers)


def event_of(line: Line) -> SalesPerMinute:
    """Return the event that tells a line."""
    part, figures = line.part, line.figures
    return SalesPerMinute(
        window=line.window,
        product_id=part.name if part.by is By.PRODUCT else None,
        country=part.name if part.by is By.COUNTRY else None,
        orders=figures.orders,
        units=figures.units,
        revenue_cents=figures.revenue_cents,
        currency=part.currency,
    )


def id_of(line: Line) -> str:
    """Return the id of the event that tells a line: the same figures have the same id, also in another generation."""
    part, figures = line.part, line.figures
    told = (str(figures.orders), str(figures.units), str(figures.revenue_cents))
    return derived_id("sales", line.window, part.by, part.name, part.currency, *told)


def flow_of(line: Line) -> str:
    """Return the flow of a minute's events."""
    return derived_id("sales", line.window)
