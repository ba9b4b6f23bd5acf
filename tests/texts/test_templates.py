"""Templates: a text is recognised by the message it was made from, whatever was filled in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services84.texts.templates import (
    LONGEST_TEXT,
    Template,
    Templates,
    fill,
    is_message,
    without_names,
)

REFUSED = "login refused by {host}: {shown}"
LOST = "the connection to {host} was lost{why}"


def test_what_nobody_made_is_not_recognised() -> None:
    templates = Templates([REFUSED, "is required"])
    assert templates.find("login refused by") is None
    assert templates.find("is required!") is None
    assert templates.find("") is None


def test_what_was_filled_in_is_found_again() -> None:
    found = Templates([LOST, REFUSED]).find("login refused by mail.example.com:993: no: really")
    assert found == (REFUSED, {"host": "mail.example.com:993", "shown": "no: really"})


def test_the_message_that_says_most_wins() -> None:
    templates = Templates(["{host} closed {what}", "{host} closed the connection: {shown}"])
    found = templates.find("imap.example.com closed the connection: bye")
    assert found is not None
    assert found[0] == "{host} closed the connection: {shown}"


def test_line_breaks_and_braces_in_values_do_no_harm() -> None:
    found = Templates([REFUSED]).find("login refused by {host}: {shown}\n{more}")
    assert found == (REFUSED, {"host": "{host}", "shown": "{shown}\n{more}"})


def test_a_place_that_stands_twice_is_matched_twice() -> None:
    template = Template.of("{file} is not {file} here")
    assert template.names == ["file", "file"]
    assert template.match("a is not b here") == {"file": "b"}


def test_a_text_of_any_length_costs_little() -> None:
    assert Templates([REFUSED]).find("login refused by a: " + "x" * LONGEST_TEXT) is None


@pytest.mark.parametrize(
    ("text", "says_something"),
    [
        ("is required", True),
        ("{host} has no IDLE", True),
        ("{host} {problem}", False),
        ("{a}: {b}", False),
        ("nil", False),
        (", ", False),
        ("", False),
    ],
)
def test_only_what_has_words_of_its_own_is_a_message(text: str, says_something: bool) -> None:
    assert is_message(text) is says_something


def test_messages_that_differ_in_the_names_of_places_are_alike() -> None:
    assert without_names("{a} refused {b}") == without_names("{host} refused {what}")
    assert without_names("{a} refused {b}") != without_names("{a} refuses {b}")


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=80))
def test_every_text_that_a_template_makes_is_recognised(host: str, shown: str) -> None:
    text = fill(REFUSED, {"host": host, "shown": shown})
    found = Templates([REFUSED]).find(text)
    assert found is not None
    template, values = found
    assert fill(template, values) == text
