"""Which time zone a caller means, and points in time as that caller sees them. Pure.

The vendor names time zones by numbers of its own, of which few are published, and by location
codes: a country's (ISO 3166), with a state's behind it where a country has several zones. An IANA
name is understood as well. Dates go out as local times without an offset, as the vendor's do.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services84.agents.call import TimeZone
from services84.errors import InvalidValue

PUBLISHED = {1: "UTC", 140: "DK", 156: "FR", 261: "NO", 425: "US-CA", 460: "US-NY"}
# Countries with more than one zone of which one is meant by everybody.
_MAIN = {
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "GL": "America/Nuuk",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PT": "Europe/Lisbon",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
_STATES = {
    "America/New_York": "US-CT US-DC US-DE US-FL US-GA US-MA US-MD US-ME US-MI US-NC US-NH US-NJ "
    "US-NY US-OH US-PA US-RI US-SC US-VA US-VT US-WV",
    "America/Indiana/Indianapolis": "US-IN",
    "America/Kentucky/Louisville": "US-KY",
    "America/Chicago": "US-AL US-AR US-IA US-IL US-KS US-LA US-MN US-MO US-MS US-ND US-NE US-OK "
    "US-SD US-TN US-TX US-WI",
    "America/Denver": "US-CO US-MT US-NM US-UT US-WY",
    "America/Boise": "US-ID",
    "America/Phoenix": "US-AZ",
    "America/Los_Angeles": "US-CA US-NV US-OR US-WA",
    "America/Anchorage": "US-AK",
    "Pacific/Honolulu": "US-HI",
    "America/St_Johns": "CA-NL",
    "America/Halifax": "CA-NB CA-NS CA-PE",
    "America/Toronto": "CA-ON CA-QC",
    "America/Winnipeg": "CA-MB",
    "America/Regina": "CA-SK",
    "America/Edmonton": "CA-AB",
    "America/Vancouver": "CA-BC",
    "Australia/Sydney": "AU-ACT AU-NSW",
    "Australia/Melbourne": "AU-VIC",
    "Australia/Brisbane": "AU-QLD",
    "Australia/Hobart": "AU-TAS",
    "Australia/Adelaide": "AU-SA",
    "Australia/Darwin": "AU-NT",
    "Australia/Perth": "AU-WA",
}
_BY_STATE = {code: zone for zone, codes in _STATES.items() for code in codes.split()}
_EDGES = (1, 9999)  # years in which a shift could leave the calendar; 1 stands for no date at all


def zone_of(given: TimeZone | None, base: tzinfo) -> tzinfo:
    """The caller's time zone; `base` when the header names none.

    The location code counts, else the number. Raises InvalidValue, which names the member, for
    what is not known and for two that contradict each other.
    """
    code = ((given.code if given else None) or "").strip()
    number = given.zone_id if given else 0
    if not code and not number:
        return base
    published = PUBLISHED.get(number)
    if not code and published is None:
        raise InvalidValue(
            "TimeZone/SoTimeZoneId",
            str(number),
            "is no time zone that is known here; give its SoTimeZoneLocationCode",
        )
    zone = zone_named(code or str(published))
    if zone is None:
        raise InvalidValue(
            "TimeZone/SoTimeZoneLocationCode",
            code[:60],
            "is no time zone that is known here; it knows NO, US-NY, Europe/Oslo and their like",
        )
    if code and published is not None and zone_named(published) != zone:
        raise InvalidValue(
            "TimeZone/SoTimeZoneId",
            str(number),
            f"is {published}, and SoTimeZoneLocationCode says {code}",
        )
    return zone


def zone_named(code: str) -> tzinfo | None:
    """The time zone of a location code or of an IANA name."""
    short = code.upper()
    if short == "UTC":
        return UTC
    name = _BY_STATE.get(short) or _countries().get(short)
    if name is None and "/" in code:
        name = code
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@cache
def _countries() -> dict[str, str]:
    """The zone of every country that has one, or one that everybody means."""
    found: dict[str, list[str]] = {}
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab")
    for line in table.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found.setdefault(country, []).append(zone)
    return {country: zones[0] for country, zones in found.items() if len(zones) == 1} | _MAIN


def as_seen(moment: datetime, zone: tzinfo) -> datetime:
    """A point in time as local time without an offset; what has no zone is left alone."""
    if moment.tzinfo is None:
        return moment
    if moment.year in _EDGES:
        return moment.replace(tzinfo=None)
    return moment.astimezone(zone).replace(tzinfo=None)


def as_meant(moment: datetime, zone: tzinfo) -> datetime:
    """A caller's date as a point in time, in UTC: with an offset it says itself which, without
    one it is local. The year 1 is no date in many clients, and left alone."""
    if moment.year in _EDGES:
        return moment
    local = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return local.astimezone(UTC)
