"""The languages that the service speaks, and which of them a caller gets. Pure.

How a caller says what it wants, by headers, is the front ends' matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LANGUAGES = ("en", "no", "sv", "da", "de", "nl")
_ALSO = {"nb": "no", "nn": "no"}  # both written forms of Norwegian


@dataclass(frozen=True)
class Speech:
    """How texts are given: `language` is one of LANGUAGES, or None for texts as they are kept;
    `numbers` is the language in whose manner numbers are written."""

    language: str | None = None
    numbers: str | None = None


def speech_for(wanted: Iterable[str], form: str = "") -> Speech:
    """The first of the wanted languages (tags such as `nb-NO` or `de_AT`) that is spoken here, and
    the language of `form` for numbers where that is spoken too. A form without a language says
    nothing."""
    language = next(filter(None, map(known_language, wanted)), None)
    return Speech() if language is None else Speech(language, known_language(form) or language)


def known_language(tag: str) -> str | None:
    """The language of a tag; None when it is not spoken here."""
    primary = tag.strip().lower().replace("_", "-").partition("-")[0]
    primary = _ALSO.get(primary, primary)
    return primary if primary in LANGUAGES else None
