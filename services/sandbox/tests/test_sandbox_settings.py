"""Settings come from the environment; what cannot be read is refused by its name, never by its value."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from farandole.errors import StartError
from farandole_sandbox.settings import Settings, read_settings


def test_the_books_lie_below_home_unless_a_url_says_where() -> None:
    assert Settings(home=Path("/mesh"), database_url="").books_path == Path("/mesh/sandbox/books.sqlite3")
    url = "sqlite:////mesh/elsewhere.db?timeout=5"
    assert Settings(database_url=url).books_path == Path("/mesh/elsewhere.db")


def test_another_database_is_refused() -> None:
    with pytest.raises(StartError) as caught:
        _ = Settings(database_url="postgresql+psycopg://user:hunter2@db/sandbox").books_path
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("text", "seconds"), [("0.25", 0.25), ("2", 2.0), ("PT1.5S", 1.5), ("0", 0.0)])
def test_durations_are_seconds_or_iso_8601(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv("FARANDOLE_SANDBOX_LATENCY", text)
    assert read_settings().sandbox_latency == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_duration_that_is_none_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FARANDOLE_SANDBOX_LATENCY", text)
    with pytest.raises(StartError, match="FARANDOLE_SANDBOX_LATENCY"):
        read_settings()
