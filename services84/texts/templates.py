"""Templates: recognise the message that a text was made from, and what was filled in. Pure.

A template is a text with named places, `{host} did not answer within {seconds} seconds`. Which
templates there are, and what they are in other languages, is the catalogues' matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_PLACE = re.compile(r"\{(\w+)\}")
_LETTERS = re.compile(r"[^\W\d_]")
_FEWEST_LETTERS = 4  # `{a} is {b}` would recognise half of what anybody says
# Each place costs a pass over the text; the service's own texts are shorter than this.
LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Template:
    """One message; `literal` is how many of its characters are fixed."""

    text: str
    pattern: re.Pattern[str]
    literal: int

    @classmethod
    def of(cls, text: str) -> Template:
        """The template that `text` is, with its places."""
        fixed = _PLACE.split(text)
        # Names may repeat, groups may not: they are numbered, in the order of the places.
        pattern = "(.+?)".join(re.escape(part) for part in fixed[::2])
        literal = sum(len(part) for part in fixed[::2])
        return cls(text, re.compile(pattern, re.DOTALL), literal)

    @property
    def names(self) -> list[str]:
        """The names of its places, in their order."""
        return _PLACE.findall(self.text)

    def match(self, text: str) -> dict[str, str] | None:
        """What was filled in to make `text`, by the names of the places; None when it was not
        made from this template."""
        found = self.pattern.fullmatch(text)
        return None if found is None else dict(zip(self.names, found.groups(), strict=True))


class Templates:
    """Many templates; the one that says most about a text wins."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._fixed: dict[str, Template] = {}
        self._filled: list[Template] = []
        for template in map(Template.of, texts):
            if template.names:
                self._filled.append(template)
            else:
                self._fixed[template.text] = template
        self._filled.sort(key=lambda template: -template.literal)

    def find(self, text: str) -> tuple[str, Mapping[str, str]] | None:
        """The template that `text` was made from, and what was filled in; None for a text of
        somebody else."""
        if text in self._fixed:
            return text, {}
        if len(text) > LONGEST_TEXT:
            return None
        for template in self._filled:
            values = template.match(text)
            if values is not None:
                return template.text, values
        return None


def is_message(text: str) -> bool:
    """Whether a template says anything by itself, so that it can be translated and recognised."""
    fixed = "".join(_PLACE.split(text)[::2])
    return " " in text.strip() and len(_LETTERS.findall(fixed)) >= _FEWEST_LETTERS


def without_names(template: str) -> str:
    """The template with nameless places: equal for all that make and match the same texts."""
    return _PLACE.sub("{}", template)


def fill(template: str, values: Mapping[str, str]) -> str:
    """The text that a template makes; places without a value stay as they are."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), template)
