"""In which language and form a request wants its texts; reads headers, translates nothing. Pure.

SO-Language overrules Accept-Language; `*` or `x` cancels it. SO-Culture is the form of numbers
and dates inside texts, defaults to the language, and counts only where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HEADERS = ("Accept-Language", "SO-Language", "SO-Culture")
_NONE = ("*", "x")


@dataclass(frozen=True)
class Culture:
    """`languages` are codes in the order of preference, lower case, such as `nb-no`; none: texts
    stay as they are kept. `form` is the code whose numbers and dates are wanted, or empty."""

    languages: tuple[str, ...] = ()
    form: str = ""


def read_culture(headers: Mapping[str, str]) -> Culture:
    """What the headers of a request ask for; what is not well-formed is passed over."""
    own = (headers.get("SO-Language") or "").strip().lower()
    if own in _NONE:
        return Culture()
    languages = (own,) if own else _ranked(headers.get("Accept-Language") or "")
    if not languages:
        return Culture()
    form = (headers.get("SO-Culture") or "").strip().lower()
    return Culture(languages, form or languages[0])


def _ranked(header: str) -> tuple[str, ...]:
    """The codes of Accept-Language (RFC 9110 section 12.5.4), most wanted first."""
    weighed: list[tuple[float, str]] = []
    for part in header.split(","):
        code, *parameters = (piece.strip() for piece in part.lower().split(";"))
        weight = _weight(parameters)
        if code and code != "*" and weight > 0:
            weighed.append((-weight, code))
    return tuple(code for _, code in sorted(weighed, key=lambda one: one[0]))


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter.removeprefix("q="))
            except ValueError:
                return 0.0
    return 1.0
