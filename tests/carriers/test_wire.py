"""Every carrier, filled to the last member, travels there and back unchanged and is valid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from services84.agents.call import Call
from services84.agents.registry import ServiceTable
from services84.carriers.base import (
    Binary,
    Boolean,
    DateTime,
    Double,
    Enumeration,
    Int,
    Short,
    String,
)
from services84.carriers.contact import Address
from services84.carriers.message import EMailEntity
from services84.soap.wsdl import build_wsdl
from tests.carriers.kinds import ARRAY, KINDS
from tests.soap.contract_schema import check_reply, compile_schemas
from tests.soap.wire import SOAP11, SOAP12, Answer, Service, envelope, make_endpoint, post

DEPTH = 3  # of lists within lists of their own kind
SAMPLES: list[tuple[Any, Any]] = [
    (Int, -(2**31)),
    (Short, 2**15 - 1),
    (Boolean, True),
    (Double, 59.9139),
    (DateTime, datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
    (Binary, [b"\x00\xff84"]),
    (String, "Ærlig <b>&amp; §"),
]


def sample(kind: Any, within: tuple[str, ...] = ()) -> Any:
    """A value with every member of its type, but not endlessly of types within themselves."""
    name = kind.get_type_name()
    if within.count(name) >= DEPTH:
        return None
    if issubclass(kind, Enumeration):
        literals = kind.Attributes.literals
        return literals if kind.Attributes.flags else literals[-1]
    if issubclass(kind, ARRAY):
        ((_, item),) = kind.get_flat_type_info(kind).items()
        found = sample(item, within)
        return None if found is None else [found, found]
    members = getattr(kind, "_type_info", None)
    if members is None:
        return next(
            value for simple, value in SAMPLES if issubclass(kind, simple.__orig__ or simple)
        )
    return filled(kind, (*within, name))


def filled(kind: Any, within: tuple[str, ...]) -> Any:
    carrier = (kind.__orig__ or kind)()
    for name, member in kind.get_flat_type_info(kind).items():
        value = sample(member, within)
        repeated = member.Attributes.max_occurs > 1
        setattr(carrier, name, [value] if repeated and value is not None else value)
    return carrier


class Echoing(Service):
    """Answers with the sample of a type; with what it is given, once that is something."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        super().__init__()

    def _make_table(self) -> ServiceTable:
        table = ServiceTable("EMail", request_headers=("Credentials",))
        declare = table.operation("Echo", returns={"Value": self.kind}, Value=self.kind)
        declare(self._echo)
        return table

    def _echo(self, _call: Call, value: Any) -> Any:
        return sample(self.kind) if value is None else value


def ask_back(answer: Answer) -> str:
    """The request that carries what an answer carried."""
    content = "".join(etree.tostring(child, encoding="unicode") for child in answer.result)
    return f"<Echo>{content}</Echo>"


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
@pytest.mark.parametrize("name", KINDS, ids=lambda name: name.partition("}")[2])
def test_a_full_carrier_comes_back_as_it_went(name: str, version: str) -> None:
    endpoint = make_endpoint(Echoing(KINDS[name]))
    first = post(endpoint, envelope("<Echo/>", version=version))
    assert len(first.result) == 1, etree.tostring(first.root)
    second = post(endpoint, envelope(ask_back(first), version=version))
    assert etree.tostring(second.result, method="c14n") == etree.tostring(
        first.result, method="c14n"
    )


@pytest.mark.parametrize("name", KINDS, ids=lambda name: name.partition("}")[2])
def test_a_full_carrier_is_valid_and_no_member_is_left_out(name: str) -> None:
    service = Echoing(KINDS[name])
    answer = post(make_endpoint(service), envelope("<Echo/>"))
    check_reply(compile_schemas(build_wsdl(service.table, "http://localhost/")), answer.root)
    if hasattr(service.kind, "_type_info"):
        written = dict.fromkeys(etree.QName(child).localname for child in answer.result[0])
        assert list(written) == list(service.kind.get_flat_type_info(service.kind))


LINES_OF_AN_ADDRESS = (
    "<LocalizedAddress>"
    "<ArrayOfLocalizedField><LocalizedField><Name>Line1</Name></LocalizedField>"
    "</ArrayOfLocalizedField>"
    "<ArrayOfLocalizedField><LocalizedField><Name>Zip</Name></LocalizedField>"
    "<LocalizedField><Name>City</Name></LocalizedField></ArrayOfLocalizedField>"
    "</LocalizedAddress>"
)


def test_an_array_of_arrays_is_a_list_of_lists() -> None:
    seen: list[Any] = []

    class Keeping(Echoing):
        def _echo(self, _call: Call, value: Any) -> Any:
            seen.append(value)
            return value

    post(
        make_endpoint(Keeping(Address)),
        envelope(f"<Echo><Value>{LINES_OF_AN_ADDRESS}</Value></Echo>"),
    )
    lines = seen[0].LocalizedAddress
    assert [[field.Name for field in line] for line in lines] == [["Line1"], ["Zip", "City"]]


def test_an_unknown_literal_is_refused_with_its_member_and_the_known_ones() -> None:
    answer = post(
        make_endpoint(Echoing(EMailEntity)),
        envelope("<Echo><Value><Priority>Urgent</Priority></Value></Echo>"),
    )
    assert answer.text("faultstring") == (
        "Value/Priority: 'Urgent' is none of NoPriority, Highest, High, Normal, Low, Lowest"
    )
