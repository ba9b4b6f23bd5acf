"""Languages: which one a caller gets, of those that it would take."""

from __future__ import annotations

import pytest

from services84.texts.languages import Speech, known_language, speech_for


@pytest.mark.parametrize("tag", ["", "fi", "x", "*", "english", "e", "-", "ö"])
def test_what_is_not_spoken_here_is_no_language(tag: str) -> None:
    assert known_language(tag) is None


@pytest.mark.parametrize(
    ("tag", "language"),
    [("nb-NO", "no"), ("NN", "no"), ("no", "no"), ("de_AT", "de"), (" EN-us ", "en"), ("sv", "sv")],
)
def test_a_tag_is_read_by_its_language_in_any_case(tag: str, language: str) -> None:
    assert known_language(tag) == language


def test_the_first_language_that_is_spoken_here_is_given() -> None:
    assert speech_for(["fi", "da-dk", "en"]) == Speech("da", "da")
    assert speech_for(["fi", "fr"]) == speech_for([]) == Speech()


def test_a_form_says_how_numbers_are_written_and_nothing_without_a_language() -> None:
    assert speech_for(["en"], "de-ch") == Speech("en", "de")
    assert speech_for(["en"], "klingon") == Speech("en", "en")
    assert speech_for([], "de") == Speech()
