"""What the headers of time zone, language and culture ask for."""

from __future__ import annotations

import pytest

from services84.agents.call import TimeZone
from services84.errors import InvalidValue
from services84.rest.culture import Culture, read_culture
from services84.rest.timezones import AskedZone, read_time_zone


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        (None, AskedZone()),
        (" ", AskedZone()),
        ("NO", AskedZone(TimeZone(code="NO"))),
        ("261", AskedZone(TimeZone(zone_id=261))),
        ("US-NY, includeTZOffset", AskedZone(TimeZone(code="US-NY"), with_offset=True)),
        ("INCLUDETZOFFSET", AskedZone(None, with_offset=True)),
    ],
)
def test_a_time_zone_is_a_number_or_a_code(header: str | None, asked: AskedZone) -> None:
    assert read_time_zone(header) == asked


@pytest.mark.parametrize("header", ["NO, DK", "1234567890"])
def test_what_is_no_time_zone_is_named(header: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        read_time_zone(header)
    assert refusal.value.member == "SO-TimeZone"


@pytest.mark.parametrize(
    ("headers", "culture"),
    [
        ({}, Culture()),
        ({"SO-Culture": "no"}, Culture()),
        ({"Accept-Language": "sv"}, Culture(("sv",), "sv")),
        ({"Accept-Language": "en;q=0.5, nb-NO, *;q=0.1"}, Culture(("nb-no", "en"), "nb-no")),
        ({"Accept-Language": "en;q=none"}, Culture()),
        ({"Accept-Language": "en", "SO-Language": "da"}, Culture(("da",), "da")),
        ({"Accept-Language": "en", "SO-Language": "*"}, Culture()),
        ({"Accept-Language": "en", "SO-Language": "X"}, Culture()),
        ({"SO-Language": "de", "SO-Culture": "NL"}, Culture(("de",), "nl")),
    ],
)
def test_the_vendors_language_header_overrules_the_usual_one(
    headers: dict[str, str], culture: Culture
) -> None:
    assert read_culture(headers) == culture
