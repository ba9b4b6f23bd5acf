"""Text and times come back as they went in, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select

from services84.errors import StoreError
from services84.store.columns import storable
from services84.store.database import Database
from services84.store.tables import login_attempt


def _round_trip(database: Database, key: str, last: datetime) -> tuple[str, datetime]:
    with database.transaction() as connection:
        connection.execute(insert(login_attempt).values(key=key, failures=1, last=last))
    with database.reading() as connection:
        row = connection.execute(select(login_attempt.c.key, login_attempt.c.last)).one()
        return row.key, row.last


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("plain\r\n\ttext", "plain\r\n\ttext"),
        ("a\x00b", "a\ufffdb"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("the other \ude00", "the other \ufffd"),
        ("😀 Grüße 日本 \ufffe \x7f\x01", "😀 Grüße 日本 \ufffe \x7f\x01"),
        ("long " * 3000, "long " * 3000),
    ],
)
def test_text_that_no_column_can_hold_is_replaced_and_the_rest_kept(given: str, kept: str) -> None:
    assert storable(given) == kept


def test_text_of_any_kind_is_stored(database: Database) -> None:
    text = "a\x00b \udcff 😀 ' \\ % :x"
    assert (
        _round_trip(database, text, datetime(2026, 1, 1, tzinfo=UTC))[0]
        == "a\ufffdb \ufffd 😀 ' \\ % :x"
    )


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 29, 2, 30, 0, 999999, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_times_come_back_in_utc_to_the_microsecond(database: Database, moment: datetime) -> None:
    kept = _round_trip(database, "a", moment)[1]
    assert kept == moment
    assert kept.tzinfo is UTC


def test_a_time_whose_utc_is_off_the_calendar_stays_at_its_edge(database: Database) -> None:
    edge = datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=5)))
    assert _round_trip(database, "a", edge)[1] == datetime(9999, 12, 31, 23, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StoreError):
        _round_trip(database, "a", datetime(2026, 1, 1))
