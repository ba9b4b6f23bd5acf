"""Dates as the RFC has them, read the short way: the same moments as the standard library finds."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from services84.mime.dates import read_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"Mon, 5 Jan 2026 10:00:00 +0100", datetime(2026, 1, 5, 9, 0, tzinfo=UTC)),
        (b"5 Jan 2026 10:00:00 -0330", datetime(2026, 1, 5, 13, 30, tzinfo=UTC)),
        (b"Mon, 05 Jan 2026 10:00:60 +0000 (GMT)", datetime(2026, 1, 5, 10, 0, 59, tzinfo=UTC)),
        (b"Thu, 1 Jan 1970 00:00:00 -0000", datetime(1970, 1, 1, tzinfo=UTC)),
        (b"Mon, 31 Feb 2026 10:00:00 +0100", None),
        (b"Mon, 5 Xyz 2026 10:00:00 +0100", None),
        (b"", None),
    ],
)
def test_a_date_is_a_moment_or_none(text: bytes, expected: datetime | None) -> None:
    assert read_date(text) == expected


def test_random_dates_are_read_as_the_standard_library_reads_them() -> None:
    chance = random.Random(84)
    start = datetime(1971, 1, 1, tzinfo=UTC)
    for _ in range(500):
        moment = start + timedelta(seconds=chance.randrange(3_000_000_000))
        offset = (
            f"{chance.choice('+-')}{chance.randrange(14):02}{chance.choice(('00', '30', '45'))}"
        )
        text = format_datetime(moment)[:-5] + offset
        expected = parsedate_to_datetime(text)  # naive for -0000, which is UTC as well
        assert read_date(text.encode()) == expected.replace(tzinfo=expected.tzinfo or UTC), text
