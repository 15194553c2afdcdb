"""The analytics service, as the mesh knows it.

It consumes with Faust, not with handlers: importing this must stay cheap, since the command line imports every service.
"""

from __future__ import annotations

from typing import Final

from farandole import ReadModel, Service
from farandole.read_model import Hosted, Opening
from farandole_events.orders import OrderPlaced
from farandole_events.sales import SalesPerMinute

from farandole_analytics.sale import sale_of
from farandole_analytics.telling import event_of


async def _open(opening: Opening) -> Hosted:
    from farandole_analytics.hosting import open_generation  # noqa: PLC0415 - as above

    return await open_generation(opening)


async def _remove(opening: Opening) -> None:
    from farandole_analytics.hosting import remove_generation  # noqa: PLC0415 - as above

    await remove_generation(opening)


service: Final = Service(
    "analytics",
    read_model=ReadModel(
        group="analytics",
        topics=("orders",),
        # The log of Faust's table: topics.changelog_of("analytics"), which must not be imported here.
        keeps=("analytics-minutes-changelog",),
        open=_open,
        remove=_remove,
    ),
)
service.hears(OrderPlaced, by=sale_of)
service.emits(SalesPerMinute, by=event_of)
