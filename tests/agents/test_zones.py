"""Which time zone a caller means, and dates as that caller sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services84.agents.call import TimeZone
from services84.agents.zones import PUBLISHED, as_meant, as_seen, zone_named, zone_of
from services84.errors import InvalidValue
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, save_account
from tests.support.service import Service

OSLO = ZoneInfo("Europe/Oslo")
SUMMER = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
MAIL = (
    b"Date: Wed, 01 Jul 2026 12:00:00 +0200\r\nFrom: a@example.com\r\nTo: b@example.com\r\n"
    b"Message-ID: <dated@example.com>\r\nSubject: dated\r\n\r\nhello\r\n"
)


@pytest.mark.parametrize(
    ("given", "member"),
    [
        (TimeZone(99), "SoTimeZoneId"),
        (TimeZone(-1), "SoTimeZoneId"),
        (TimeZone(0, "Atlantis"), "SoTimeZoneLocationCode"),
        (TimeZone(0, "../etc/passwd"), "SoTimeZoneLocationCode"),
        (TimeZone(0, "US"), "SoTimeZoneLocationCode"),  # a country of several zones
        (TimeZone(261, "US-NY"), "SoTimeZoneId"),
    ],
)
def test_what_is_not_known_or_contradicts_itself_is_named(given: TimeZone, member: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        zone_of(given, UTC)
    assert caught.value.message.startswith(f"TimeZone/{member}: ")


@pytest.mark.parametrize("given", [None, TimeZone(), TimeZone(0, ""), TimeZone(0, "  ")])
def test_no_time_zone_is_the_services_own(given: TimeZone | None) -> None:
    assert zone_of(given, OSLO) is OSLO


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (TimeZone(261), "Europe/Oslo"),
        (TimeZone(261, "NO"), "Europe/Oslo"),
        (TimeZone(4711, "no"), "Europe/Oslo"),
        (TimeZone(140), "Europe/Copenhagen"),
        (TimeZone(156), "Europe/Paris"),
        (TimeZone(425), "America/Los_Angeles"),
        (TimeZone(0, "US-NY"), "America/New_York"),
        (TimeZone(0, "DE"), "Europe/Berlin"),
        (TimeZone(0, "Asia/Tokyo"), "Asia/Tokyo"),
    ],
)
def test_numbers_codes_and_names_are_understood(given: TimeZone, name: str) -> None:
    zone = zone_of(given, UTC)
    for month in (1, 7):
        moment = datetime(2026, month, 1, tzinfo=UTC)
        assert moment.astimezone(zone).utcoffset() == moment.astimezone(ZoneInfo(name)).utcoffset()


def test_every_published_number_is_known() -> None:
    assert all(zone_named(code) is not None for code in PUBLISHED.values())


def test_a_point_in_time_is_seen_as_local_time_without_an_offset() -> None:
    assert as_seen(SUMMER, OSLO) == datetime(2026, 7, 1, 12, 0)
    assert as_seen(datetime(2026, 1, 1, 10, 0, tzinfo=UTC), OSLO) == datetime(2026, 1, 1, 11, 0)


def test_a_date_with_an_offset_means_itself_and_one_without_is_local() -> None:
    assert as_meant(datetime(2026, 7, 1, 12, 0), OSLO) == SUMMER
    assert (
        as_meant(datetime(2026, 7, 1, 6, 0, tzinfo=timezone(timedelta(hours=-4))), OSLO) == SUMMER
    )


@pytest.mark.parametrize("year", [1, 9999])
def test_dates_at_the_edge_of_the_calendar_are_left_alone(year: int) -> None:
    bare = datetime(year, 1, 1)
    assert as_meant(bare, OSLO) == bare
    assert as_seen(bare.replace(tzinfo=UTC), OSLO) == bare


# On the wire ------------------------------------------------------------------------------------


def fetched(service: Service, ticket: str, dovecot: DovecotServer, **options: Any) -> Any:
    members = {
        "ConnectionInfo": {
            "ServerName": f"127.0.0.1:{dovecot.port_plain}",
            "UserName": "zoned",
            "Password": "secret",
        },
        "MessageServerId": 1,
    }
    return service.call("GetEMailFromId", members, ticket=ticket, **options)


def test_dates_of_replies_follow_the_time_zone_header(
    service: Service, dovecot: DovecotServer
) -> None:
    dovecot.add_user("zoned", "secret")
    with dovecot.client("zoned") as client:
        append(client, "INBOX", MAIL)
    _, ticket = service.associate("anna")
    save_account(service, ticket, "zoned", "secret", dovecot.port_plain)
    plain = fetched(service, ticket, dovecot)
    assert plain.text("Response/Sent") == "2026-07-01T10:00:00"
    for zone, seen in (
        ({"SoTimeZoneId": 261}, "2026-07-01T12:00:00"),
        ({"SoTimeZoneLocationCode": "US-NY"}, "2026-07-01T06:00:00"),
    ):
        reply = fetched(service, ticket, dovecot, time_zone=zone)
        assert reply.succeeded, reply.exception
        assert reply.text("Response/Sent") == seen


def test_an_unknown_time_zone_fails_the_call_by_name(service: Service) -> None:
    _, ticket = service.associate("anna")
    reply = service.call("GetCurrentAccountId", ticket=ticket, time_zone={"SoTimeZoneId": 99})
    assert reply.succeeded is False
    assert reply.exception["Message"].startswith("TimeZone/SoTimeZoneId: '99' is no time zone")
