"""Times, sizes and numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services84.store.values import RunProgress
from services84.web.status import words

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (4.23, "4.2 s"),
        (59, "59 s"),
        (60, "1 minute"),
        (119, "1 minute"),
        (7200, "2 hours"),
        (86400 * 3, "3 days"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (9, "just now"),
        (-9, "just now"),
        (10, "10 seconds ago"),
        (61, "1 minute ago"),
        (-3600, "in 1 hour"),
        (86400 * 40, "40 days ago"),
    ],
)
def test_how_long_ago(seconds: float, text: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_never() -> None:
    assert words.ago(None, NOW) == "never"


def test_moments_are_in_the_zone() -> None:
    assert words.clock(NOW, ZoneInfo("Europe/Oslo")) == "1 Jun 2026, 11:00:00 CEST"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_500_000, "1.4 MiB"), (2**45, "32.0 TiB")],
)
def test_sizes(count: int, text: str) -> None:
    assert words.size(count) == text


def test_one_is_not_many() -> None:
    assert [words.counted(number, "sync") for number in (0, 1, 1234)] == [
        "0 syncs",
        "1 sync",
        "1,234 syncs",
    ]


def test_progress_in_a_sentence() -> None:
    assert words.progress_text(None) == "Looking for what is new."
    looking = RunProgress("INBOX", 0, 3, 0, 0, 0, NOW)
    assert words.progress_text(looking) == "In INBOX (folder 1 of 3)."
    fetching = RunProgress("INBOX", 1, 3, 5, 1200, 2048, NOW)
    assert words.progress_text(fetching) == (
        "5 of 1,200 messages fetched (2.0 KiB), in INBOX, folder 2 of 3."
    )
    ended = RunProgress("INBOX", 3, 3, 5, 5, 2048, NOW)
    assert words.progress_text(ended).endswith("folder 3 of 3.")
