"""Date fields of real mail (RFC 5322 section 3.3), and what comes in their place. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_USUAL = re.compile(  # RFC 5322 to the letter, as nearly all mail has it
    rb"(?:[A-Z][a-z]{2}, ?)?(\d{1,2}) ([A-Z][a-z]{2}) ((?:19|20)\d\d)"
    rb" (\d\d):(\d\d):(\d\d) ([+-])(\d\d)([0-5]\d)(?: \([A-Za-z]{1,5}\))?"
)
_DAY = timedelta(days=1)
_NUMBERS = {name.title().encode(): number for number, name in enumerate(_MONTHS, 1)}
_LOOSE = (
    re.compile(
        r"(?P<day>\d{1,2})[ -](?P<month>[A-Za-z]{3})[a-z]*[ -](?P<year>\d{4})\D{1,9}"
        r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
    ),
    re.compile(
        r"(?P<month>[A-Za-z]{3})[a-z]* (?P<day>\d{1,2}),? (?P<year>\d{4})\D{1,9}"
        r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))? ?(?P<half>[AaPp][Mm])?"
    ),
    re.compile(
        r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[T ]"
        r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
    ),
)
_HALF = re.compile(r"\d ?[AaPp][Mm]\b")
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)\b")


def read_date(raw: bytes) -> datetime | None:
    """A Date field in UTC, or None when it is no date, not even a broken one.

    A date without a zone counts as UTC.
    """
    usual = _USUAL.fullmatch(raw)
    if usual and (found := _usually(usual)):
        return found
    text = " ".join(raw[:200].decode("latin-1").split())
    twelve_hours = _HALF.search(text) is not None  # which the standard library overlooks
    parsed = (None if twelve_hours else _parsedate(text)) or _loosely(text)
    if parsed is None:
        return None
    try:
        return parsed.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _usually(found: re.Match[bytes]) -> datetime | None:
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    try:
        local = datetime(
            int(year),
            _NUMBERS[month],
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),
            tzinfo=UTC,
        )
        offset = timedelta(hours=int(hours), minutes=int(minutes))
    except (KeyError, ValueError):
        return None
    if offset >= _DAY:
        return None
    return local + offset if sign == b"-" else local - offset


def _parsedate(text: str) -> datetime | None:
    try:
        parsed = parsedate_tz(text)
        if parsed is None:
            return None
        year, month, day, hour, minute, second = parsed[:6]
        zone = timezone(timedelta(seconds=parsed[9] or 0))
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _loosely(text: str) -> datetime | None:
    for pattern in _LOOSE:
        found = pattern.search(text)
        if found:
            parts = found.groupdict()
            month = parts["month"].lower()[:3]
            if not month.isdigit() and month not in _MONTHS:
                continue
            hour = int(parts["hour"])
            if parts.get("half"):
                hour = hour % 12 + (12 if parts["half"].lower() == "pm" else 0)
            try:
                return datetime(
                    int(parts["year"]),
                    int(month) if month.isdigit() else _MONTHS.index(month) + 1,
                    int(parts["day"]),
                    hour,
                    int(parts["minute"]),
                    min(int(parts["second"] or 0), 59),
                    tzinfo=_zone(text[found.end() :]),
                )
            except ValueError:
                continue
    return None


def _zone(text: str) -> timezone:
    found = _ZONE.search(text)
    if found is None:
        return UTC
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-offset if found[1] == "-" else offset) if offset < timedelta(days=1) else UTC
