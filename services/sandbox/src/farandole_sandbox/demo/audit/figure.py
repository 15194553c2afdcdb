"""Figure: an event that tells how much was sold in a minute. It answers no single event, so its id is its content's."""

from __future__ import annotations

from typing import Final

from farandole.identity import derived_id

from farandole_sandbox.demo.record import Record

FIGURES: Final = "SalesPerMinute"


def is_figure(event: Record) -> bool:
    """Tell whether an event is a figure whose id and flow are those of its content."""
    if event.type != FIGURES:
        return False
    by, name = slice_of(event)
    window, fields = event.fields["window"], event.fields
    told = [str(fields[one]) for one in ("orders", "units", "revenue_cents")]
    expected = derived_id("sales", window, by, name, fields["currency"], *told)
    return event.id == expected and event.flow == derived_id("sales", window)


def slice_of(event: Record) -> tuple[str, str]:
    """Return what a figure is of: a product, a country, or the total."""
    if event.fields["product_id"] is not None:
        return "product", event.fields["product_id"]
    return ("total", "") if event.fields["country"] is None else ("country", event.fields["country"])
