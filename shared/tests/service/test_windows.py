"""A service does not start when it would forget an event before its last retry comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from farandole import Backoff, Service
from farandole.errors import StartError
from farandole.settings import Settings
from farandole.windows import check_windows
from farandole_events import OrderPlaced
from sqlalchemy import MetaData


def patient_service(*, tables: MetaData | None = None) -> Service:
    service = Service("patient", tables=tables)

    async def listen(placed: OrderPlaced) -> None: ...

    # 1 + 10 + 60 + 60 minutes, waiting alone.
    retry = Backoff(first=timedelta(minutes=1), factor=10, attempts=5, longest=timedelta(hours=1))
    service.on(OrderPlaced, retry=retry)(listen)
    return service


CHAIN = timedelta(minutes=131)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(ledger_window=CHAIN), "FARANDOLE_LEDGER_WINDOW"),
        (Settings(inbox_window=CHAIN), "FARANDOLE_INBOX_WINDOW"),
    ],
)
def test_a_window_that_is_not_longer_than_the_longest_chain_stops_the_start(settings, named):
    with pytest.raises(StartError) as caught:
        check_windows(patient_service(tables=MetaData()), settings)
    assert caught.value.code == "E119"
    assert named in caught.value.what
    assert str(CHAIN) in caught.value.why


def test_windows_that_are_longer_are_accepted():
    longer = CHAIN + timedelta(seconds=1)
    settings = Settings(ledger_window=longer, inbox_window=longer)
    assert check_windows(patient_service(tables=MetaData()), settings) is None


def test_a_service_without_a_store_has_no_inbox_to_be_too_short():
    assert check_windows(patient_service(), Settings(inbox_window=timedelta(seconds=1))) is None
