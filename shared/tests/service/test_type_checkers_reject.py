"""What a service's author gets wrong, a type checker says before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
from datetime import timedelta
from farandole import Service, Delivery, FollowOn
from farandole_events import OrderPlaced, OrderCancelled, PaymentAuthorised, PaymentDeclined

service = Service("payments")

@service.on(OrderPlaced)
async def authorise(order: OrderPlaced, delivery: Delivery) -> PaymentDeclined:
    return PaymentDeclined(order_id=order.order_id, reason="no")

@service.on(OrderCancelled)
def void(cancelled: OrderCancelled) -> FollowOn[PaymentDeclined]:
    return FollowOn(event=PaymentDeclined(order_id=cancelled.order_id, reason="no"))
"""

WRONG = {
    "a handler of another event": GOOD.replace("@service.on(OrderPlaced)", "@service.on(PaymentAuthorised)"),
    "an undeclared follow-on": GOOD.replace(
        'return PaymentDeclined(order_id=order.order_id, reason="no")',
        'return OrderCancelled(order_id=order.order_id, customer_id="c", reason="no", cause="customer")',
    ),
    "a return type that is no event": GOOD.replace(") -> PaymentDeclined:", ") -> int:").replace(
        'return PaymentDeclined(order_id=order.order_id, reason="no")', "return 1"
    ),
    "a field that the event does not have": GOOD.replace("order.order_id", "order.oder_id"),
    "a field that is missing": GOOD.replace(', reason="no")\n\n@', ")\n\n@"),
}


def mypy(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    file = folder / "author.py"
    file.write_text(code)
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(folder.parent / "cache"), file],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("typed") / "code"


@pytest.mark.slow
def test_a_service_that_fits_together_is_accepted(folder):
    folder.mkdir(exist_ok=True)
    done = mypy(folder, GOOD)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named(folder, mistake):
    folder.mkdir(exist_ok=True)
    done = mypy(folder, WRONG[mistake])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "author.py" in done.stdout
    assert WRONG[mistake] != GOOD
