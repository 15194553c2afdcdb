"""What is promised about delivery is said in one wording, wherever it is said."""

from __future__ import annotations

import pytest
from doc_pages import ROOT

PROMISE = (
    "Delivery is at-least-once. The database effects and the follow-on ids of an event happen once, as long as "
    "the inbox remembers it. A service without a database handles an event once as long as Redis remembers it. "
    "A call to an outside system is made once only if that system honours the idempotency key, which is the "
    "event id. A Kafka topic may hold two records with the same id after a crash; every consumer of the mesh "
    "drops the second."
)


@pytest.mark.parametrize("page", ["README.md", "shared/README.md", "docs/explanation/delivery.md"])
def test_a_page_promises_in_the_very_words(page: str):
    text = " ".join((ROOT / page).read_text("utf-8").replace("\n> ", "\n").split())
    assert PROMISE in text


@pytest.mark.parametrize("word", ["exactly-once", "exactly once", "never lost", "guaranteed delivery"])
def test_nobody_promises_more(word: str):
    pages = [ROOT / "README.md", ROOT / "shared/README.md", *(ROOT / "docs").rglob("*.md")]
    assert not [page for page in pages if word in page.read_text("utf-8").lower()]
