"""Which page of EmailAccount records the parameters of a query ask for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services84.agents.crm.properties import BY_NAME, HIGHEST_INT, Access, Kind, Property
from services84.agents.crm.reading import is_secret, read_moment
from services84.agents.crm.records import Wanted, moment
from services84.errors import InvalidRecord, PropertyProblem

FILTER = "EmailAccount_"
USUAL_SIZE, MOST_SIZE = 25, 1000
HIGHEST_PAGE = 1_000_000
DIRECTIONS = {"1": False, "ascending": False, "-1": True, "descending": True}
_PARAMETERS = ("page", "size", "orderby", "dir")


def read_query(given: Sequence[tuple[str, str]]) -> Wanted:
    """What is wanted, names without regard to case; raises InvalidRecord with all that is wrong.

    `page` and `size` (25), `orderBy` and `dir`, and `EmailAccount_NAME` for records with a value;
    other parameters are none of this resource's.
    """
    query = _Query(given)
    page = query.number("page", 1, HIGHEST_PAGE)
    size = query.number("size", USUAL_SIZE, MOST_SIZE)
    order = query.order()
    descending = query.direction()
    filters = query.filters()
    if query.problems:
        raise InvalidRecord(query.problems)
    return Wanted(page, size, order, descending, filters)


class _Query:
    def __init__(self, given: Sequence[tuple[str, str]]) -> None:
        self.problems: list[PropertyProblem] = []
        self._given: dict[str, tuple[str, str]] = {}
        for name, value in given:
            folded = name.lower()
            if folded not in _PARAMETERS and not folded.startswith(FILTER.lower()):
                continue
            if folded in self._given:
                self._wrong(name, value, "is given more than once")
            self._given[folded] = (name, value.strip())

    def number(self, name: str, usual: int, most: int) -> int:
        spelt, text = self._given.get(name, (name, str(usual)))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
            self._wrong(spelt, text, f"is no number from 1 to {most}")
            return usual
        return int(text)

    def order(self) -> str:
        spelt, text = self._given.get("orderby", ("orderBy", "Id"))
        known = _listed(text)
        if known is None:
            self._wrong(spelt, text, "is no property that records are ordered by")
            return "Id"
        return known.name

    def direction(self) -> bool:
        spelt, text = self._given.get("dir", ("dir", "1"))
        if text not in DIRECTIONS:
            self._wrong(spelt, text, "is neither 1 nor -1")
        return DIRECTIONS.get(text, False)

    def filters(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for folded, (spelt, text) in self._given.items():
            if not folded.startswith(FILTER.lower()):
                continue
            name = folded.removeprefix(FILTER.lower())
            known = _listed("businessid" if name == "business" else name)
            if known is None:
                self._wrong(spelt, text, "is no property that records are filtered by")
                continue
            try:
                found[known.name] = _value(known, text)
            except ValueError as problem:
                self._wrong(spelt, text, str(problem))
        return found

    def _wrong(self, name: str, value: str, message: str) -> None:
        attempted = None if is_secret(name) else value[:200]
        self.problems.append(PropertyProblem(name[:200], attempted, message))


def _listed(name: str) -> Property | None:
    known = BY_NAME.get(name.lower())
    return known if known is not None and known.access is not Access.SECRET else None


def _value(known: Property, text: str) -> Any:
    if known.kind is Kind.BOOLEAN:
        if text.lower() not in ("true", "false"):
            raise ValueError("is neither true nor false")
        return text.lower() == "true"
    if known.kind is Kind.CHOICE:
        return _choice(known, text)
    if known.kind is Kind.INTEGER:
        if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= HIGHEST_INT):
            raise ValueError(f"is no whole number from 0 to {HIGHEST_INT}")
        return int(text)
    if known.kind is Kind.MOMENT:
        return moment(read_moment(text))
    if len(text) > known.longest:
        raise ValueError(f"has more than {known.longest} characters")
    return text


def _choice(known: Property, text: str) -> int:
    choices = known.choices or {}
    for name, number in choices.items():
        if text.lower() in (name.lower(), str(number)):
            return number
    allowed = ", ".join(f"{number} ({name})" for name, number in choices.items())
    raise ValueError(f"is none of {allowed}")
