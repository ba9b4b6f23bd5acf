"""Catalogues: every message of the sources is there in every language, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from services84.texts.catalogues import TRANSLATED, catalogue, read_catalogue
from services84.texts.extraction import messages
from services84.texts.languages import LANGUAGES
from services84.texts.templates import Template

HOW = "python -m services84.texts.extraction brings the catalogues level"


def test_every_language_but_english_has_a_catalogue() -> None:
    assert set(TRANSLATED) | {"en"} == set(LANGUAGES)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_the_messages_of_the_sources_and_no_others(language: str) -> None:
    listed = {str(message.id) for message in read_catalogue(language) if message.id}
    assert listed == set(messages()), HOW


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_with_the_same_places(language: str) -> None:
    said = catalogue(language)
    assert sorted(set(messages()) - set(said)) == []
    for text, translation in said.items():
        assert translation == translation.strip(), text
        assert set(Template.of(translation).names) == set(Template.of(text).names), text


def test_messages_are_found_in_calls_and_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "errors.py").write_text(
        "class Refused(Exception): ...\nclass ConfigurationError: ..."
    )
    (tmp_path / "room.py").write_text(
        'raise Refused(f"{self.host} said {quote(word)!r} to {a[0]}", host="a host")\n'
        'raise Refused(_other("not this one"), x)\n'
        'raise ConfigurationError("not for callers")\n'
        'problem = "is too odd" if odd else f"is no {kind}"\n'
        '_REASONS = {1: "has gone", 2: "x"}\n'
        'raise Refused(f"the thing {_REASONS.get(1, 2)}")\n'
        'reason = _REASONS.get(1, "is not known")\n'
        'note = "not a message"\n'
    )
    found = set(messages(tmp_path))
    assert {
        "{host} said {quote} to {a}",
        "a host",
        "is too odd",
        "is no {kind}",
        "has gone",
        "the thing {get}",
        "is not known",
    } <= found
    assert not {"not this one", "not for callers", "not a message", "x"} & found
