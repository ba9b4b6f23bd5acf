"""The header SO-TimeZone: a number or a location code, and whether offsets are wanted. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from services84.agents.call import TimeZone
from services84.errors import InvalidValue

OFFSETS = "includetzoffset"


@dataclass(frozen=True)
class AskedZone:
    """What the header asks for; `zone` is None where it names none."""

    zone: TimeZone | None = None
    with_offset: bool = False


def read_time_zone(header: str | None) -> AskedZone:
    """The zone of `NO`, `261`, `Europe/Oslo` and their like, alone or with `includeTZOffset`.

    Whether there is such a zone is not looked at. Raises InvalidValue for what is of no such form.
    """
    words = [word.strip() for word in (header or "").split(",") if word.strip()]
    zones = [word for word in words if word.lower() != OFFSETS]
    if len(zones) > 1:
        raise InvalidValue("SO-TimeZone", header, "names more than one time zone")
    with_offset = len(zones) < len(words)
    if not zones:
        return AskedZone(None, with_offset)
    (text,) = zones
    if text.isascii() and text.isdigit():
        if len(text) > 9:
            raise InvalidValue("SO-TimeZone", text, "is no number of a time zone")
        return AskedZone(TimeZone(zone_id=int(text)), with_offset)
    return AskedZone(TimeZone(code=text), with_offset)
