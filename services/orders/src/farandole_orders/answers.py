"""Answers: the shapes of what the service answers, for the OpenAPI page. The tests hold the real answers to them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from farandole_orders.standing import Cancellation, Cause, Status


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class Links(_Answer):
    """Where to ask on."""

    self: str
    cancellation: str


class Accepted(_Answer):
    """The order is stored and will be worked on, whatever happens to this process."""

    order_id: str
    status: Status
    links: Links


class CancellationAccepted(Accepted):
    """The warehouse is asked. The order's page tells what it says: ``cancelled``, or a wish that is ``refused``."""

    cancellation: Literal[Cancellation.REQUESTED]


class OrderInBrief(_Answer):
    """An order in a list."""

    order_id: str
    reference: str
    customer_id: str
    status: Status
    cause: Cause | None = Field(description="Why it was cancelled, for programs.")
    cancellation: Cancellation | None = Field(description="What became of the customer's wish to cancel.")
    total_cents: int
    currency: str
    placed_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    links: Links


class Line(_Answer):
    """One product of an order, with what it costs after the discount."""

    product_id: str
    product_name: str
    quantity: int
    unit_price_cents: int
    discount_basis_points: int
    total_cents: int


class Address(_Answer):
    """Where the goods go."""

    name: str
    street: str
    city: str
    region: str | None
    postal_code: str | None
    country: str


class HistoryEntry(_Answer):
    """An event of an order: when it occurred, when it was recorded here, which event it answers."""

    event: str
    event_id: str
    cause: str | None
    note: str | None
    status: Status = Field(description="Where the order stood after it.")
    occurred_at: datetime
    recorded_at: datetime


class OrderInFull(OrderInBrief):
    """An order with its history, oldest first."""

    reason: str | None = Field(description="Why it was cancelled, for people.")
    order_date: datetime
    required_date: datetime | None
    lines: list[Line]
    freight_cents: int
    ship_to: Address
    carrier: str
    flow: str = Field(description="The flow that the order began.")
    history: list[HistoryEntry]


class OrderPage(_Answer):
    """Orders in the order of their acceptance; ``next`` is null on the last page."""

    orders: list[OrderInBrief]
    after: int | None
    next: str | None


class Summary(_Answer):
    """How many orders there are."""

    total: int
    open: int
    ended: int
    by_status: dict[Status, int]


class FieldProblem(_Answer):
    """What is wrong with one field, written as ``lines[0].quantity``."""

    location: Literal["body", "header", "query", "path"] = Field(alias="in")
    field: str
    message: str


class Problem(_Answer):
    """Why a request was not done (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldProblem] | None = None
