"""Translation of a whole text: its template, what was filled in, and what is around it."""

from __future__ import annotations

import re

from babel.numbers import NumberFormatError, format_decimal

from services84.texts.catalogues import LOCALES, catalogue, templates
from services84.texts.languages import Speech
from services84.texts.resources import resolve
from services84.texts.templates import fill

# What stands in front of a message that was raised elsewhere: the member and its value, the
# member, the server. Tried in this order when a text is no message as a whole.
_FRAMES = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"""(\S+: (?:'.*?'|".*?") )(.+)""",
        r"(\S+: )(.+)",
        r"(\S+ )(.+)",
    )
)
# Places that hold an amount; all other numbers are names of things and stay as they are.
_AMOUNTS = re.compile(
    r"(?:seconds|timeout|allowed|size|length|received|left|limit|most|longest|max)(?:_.*|\d*)",
    re.IGNORECASE,
)
_NESTING = 4


def translate(text: str, speech: Speech) -> str:
    """`text` in the caller's language, as far as it is the service's own; the words of mail
    servers and the values in it stay. Without a language it is given as it is kept, resources by
    their names."""
    if speech.language is None or not text:
        return text

    def say(own: str) -> str:
        return _translated(own, speech, _NESTING) or own

    return resolve(say(text), say)


def _translated(text: str, speech: Speech, depth: int) -> str | None:
    """The translation; None when nothing of the text is ours."""
    found = templates().find(text)
    if found is not None:
        template, values = found
        said = catalogue(speech.language).get(template, template)
        return fill(said, {n: _value(n, v, speech, depth) for n, v in values.items()})
    if depth == 0:
        return None
    for frame in _FRAMES:
        around = frame.fullmatch(text)
        if around is not None:
            inner = _translated(around[2], speech, depth - 1)
            if inner is not None:
                return around[1] + inner
    return None


def _value(name: str, value: str, speech: Speech, depth: int) -> str:
    """What stands in a place: an amount in the caller's manner, a message of ours, or as it is."""
    if _AMOUNTS.fullmatch(name):
        try:
            return str(format_decimal(value, locale=LOCALES[speech.numbers or "en"]))
        except NumberFormatError:
            return value
    inner = _translated(value, speech, depth - 1) if depth else None
    return value if inner is None else inner
