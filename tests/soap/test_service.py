"""A table becomes one Spyne service, whatever reply elements its operations share."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services84.agents import PRINCIPAL
from services84.agents.registry import ServiceTable
from services84.carriers.base import Boolean, Int
from services84.soap.service import SpyneService
from tests.soap.wire import SOAP12, Service, envelope, make_endpoint, post


def table_of(*returns: Any) -> ServiceTable:
    table = ServiceTable("EMail", request_headers=())
    for number, kind in enumerate(returns):
        table.operation(f"Operation{number}", returns=kind, reply="Shared")(lambda call: None)
    return table


def test_operations_may_share_a_reply_element() -> None:
    service = SpyneService(PRINCIPAL)
    replies = {op.reply: service.descriptor(op).out_message for op in PRINCIPAL}
    assert set(replies) == {"GetSystemInfoResponse", "AuthenticateResponse"}
    SpyneService(table_of(Int, Int))


def test_a_shared_reply_element_has_one_content() -> None:
    with pytest.raises(ValueError, match="Shared is declared with different members"):
        SpyneService(table_of(Int, Boolean))


def test_spyne_warns_of_nothing_that_the_service_means_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    endpoints = [make_endpoint(Service()) for _ in range(2)]
    for endpoint in endpoints:
        assert post(endpoint, envelope("<GetEMailAccount/>")).text("Succeeded") == "true"
        assert post(endpoint, envelope("<Echo/>")).find("EchoResponse") is not None
    assert [record for record in caplog.records if record.name.startswith("spyne")] == []


def test_all_else_that_spyne_says_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("spyne.model.complex").warning("another")
    assert [record.message for record in caplog.records] == ["another"]


WELL_FORMED = envelope(
    "<SaveEMailAccount><EMailAccount><EMailAccountId>7</EMailAccountId><IncomingCredentials>"
    '<Port i:nil="true"/></IncomingCredentials></EMailAccount></SaveEMailAccount>',
    version=SOAP12,
).encode()
ENDPOINT = make_endpoint(Service())


@settings(max_examples=300, deadline=None)
@given(
    position=st.integers(0, len(WELL_FORMED)),
    removed=st.integers(0, 40),
    added=st.binary(max_size=12)
    | st.sampled_from([b"<", b"&", b'"', b"<!--", b"]]>", b"\xef\xbb\xbf"]),
)
def test_whatever_comes_in_a_well_formed_answer_goes_out(
    position: int, removed: int, added: bytes
) -> None:
    damaged = WELL_FORMED[:position] + added + WELL_FORMED[position + removed :]
    answer = post(ENDPOINT, damaged)  # parses the answer
    assert answer.status in (200, 400, 500)
    assert answer.find("ExceptionType") is None or answer.text("ExceptionType") != "SoException"
