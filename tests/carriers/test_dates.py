"""Dates are changed wherever they stand in a value, and nothing else is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services84.carriers.base import ArrayOfString, DateTime, Int, array_of
from services84.carriers.dates import change_dates
from services84.carriers.document import DocumentEntity
from services84.carriers.message import (
    ArrayOfEMailEnvelope,
    EMailAttachment,
    EMailEntity,
    EMailEnvelope,
)

NOON = datetime(2026, 7, 1, 12, 0)
LATER = NOON + timedelta(hours=1)


def hour_later(moment: datetime) -> datetime:
    return moment + timedelta(hours=1)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Int, 7), (ArrayOfString, ["a"]), (DateTime, None), (ArrayOfEMailEnvelope, None)],
)
def test_what_holds_no_date_is_the_same_object(kind: object, value: object) -> None:
    assert change_dates(kind, value, hour_later) is value


def test_a_date_by_itself_and_dates_in_a_list_are_changed() -> None:
    assert change_dates(DateTime, NOON, hour_later) == LATER
    assert change_dates(array_of(DateTime), [NOON, None], hour_later) == [LATER, None]


def test_dates_of_carriers_within_carriers_are_changed() -> None:
    inner = EMailEnvelope(Sent=NOON)
    outer = EMailEntity(Sent=NOON, Subject="x", InReplyTo=inner)
    outer.Attachments = [EMailAttachment(Filename="a")]
    assert change_dates(EMailEntity, outer, hour_later) is outer
    assert (outer.Sent, outer.InReplyTo.Sent, outer.Subject) == (LATER, LATER, "x")
    (one, two) = change_dates(
        ArrayOfEMailEnvelope, [EMailEnvelope(Sent=NOON), EMailEnvelope()], hour_later
    )
    assert (one.Sent, two.Sent) == (LATER, None)


def test_stamps_stay_in_utc() -> None:
    document = DocumentEntity(Date=NOON, CreatedDate=NOON, UpdatedDate=NOON)
    change_dates(DocumentEntity, document, hour_later)
    assert (document.Date, document.CreatedDate, document.UpdatedDate) == (LATER, NOON, NOON)
