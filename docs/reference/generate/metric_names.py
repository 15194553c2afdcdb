"""Metric names: asked of the registry itself."""

from __future__ import annotations

from typing import Final

from farandole.metrics import Metrics

from docs.reference.generate.markdown import code, table

INTRODUCTION: Final = """\
# Metrics
Every service serves these at `/metrics`, in Prometheus' text format. No label ever holds an id or a key. A counter's
name ends in `_total`; a histogram has `_bucket`, `_sum` and `_count`.

"""


def page() -> str:
    """Return the page."""
    metrics = Metrics("a-service")
    # A labelled metric shows its labels only in a sample.
    metrics.handled("a-type")
    labels = _labels(metrics)
    rows = (
        (
            code(metric.name + ("_total" if metric.type == "counter" else "")),
            metric.type,
            ", ".join(map(code, labels[metric.name])),
            metric.documentation,
        )
        for metric in sorted(metrics.registry.collect(), key=lambda one: one.name)
    )
    return INTRODUCTION + table(("metric", "kind", "labels", "meaning"), rows)


def _labels(metrics: Metrics) -> dict[str, tuple[str, ...]]:
    own = [value for value in vars(metrics).values() if hasattr(value, "_labelnames")]
    return {one._name: tuple(one._labelnames) for one in own}  # noqa: SLF001 - the client has no public name for them
