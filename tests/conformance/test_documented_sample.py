"""The form of the vendor's documented samples: SOAP 1.2, headers as children of Envelope, xsi:type
everywhere, also under the content type of SOAP 1.1."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services84.namespaces import SERVICES84, SOAP12_ENVELOPE
from tests.conformance.conftest import Customer
from tests.conformance.test_gunicorn import save_account
from tests.support.service import Reply

TYPES = ["application/soap+xml; charset=utf-8", "text/xml;charset=UTF-8"]
SAMPLE_PAGE = "seeds/002_0a48bad36d64ac1c.txt"
SAMPLE_TICKET = b"7T:1234abcxyzExample=="

SAME_FORM = f"""<?xml version="1.0" encoding="UTF-8"?>
<E:Envelope xmlns:E="{SOAP12_ENVELOPE}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"
 xmlns:d="http://www.w3.org/2001/XMLSchema" xmlns:unused="urn:unused" xmlns:M="{SERVICES84}">
  <M:ApplicationToken>not-checked-onsite</M:ApplicationToken>
  <M:Credentials>
    <M:Ticket>{SAMPLE_TICKET.decode()}</M:Ticket>
  </M:Credentials>
 <E:Body>
   <M:SyncEmailAccount>
    <M:SyncUserAccount i:type="M:SyncUserAccount">
     <M:AccountId i:type="d:int">0</M:AccountId>
     <M:AssociateName i:type="d:string"></M:AssociateName>
     <M:AssociateId i:type="d:int">0</M:AssociateId>
    </M:SyncUserAccount>
   </M:SyncEmailAccount>

 </E:Body>
</E:Envelope>
""".encode()


def documented_request(shared_folder: Path) -> bytes:
    """The first XML of the documentation page, byte for byte."""
    page = (shared_folder / SAMPLE_PAGE).read_bytes()
    match = re.search(rb"```xml\r?\n(.*?)```", page, re.DOTALL)
    assert match is not None
    return match[1]


@pytest.mark.parametrize("content_type", TYPES)
def test_the_documented_sample_is_refused_with_its_own_ticket(
    customer: Customer, content_type: str
) -> None:
    reply = customer.server.post(SAME_FORM, content_type)
    assert reply.succeeded is False
    assert reply.exception["ExceptionType"] == "SoAuthenticationException"


@pytest.mark.parametrize("content_type", TYPES)
def test_the_documented_sample_syncs_with_a_valid_ticket(
    customer: Customer, shared_folder: Path, content_type: str
) -> None:
    assert_syncs(customer, documented_request(shared_folder), content_type)


@pytest.mark.parametrize("content_type", TYPES)
def test_a_request_of_the_same_form_syncs(customer: Customer, content_type: str) -> None:
    assert_syncs(customer, SAME_FORM, content_type)


def assert_syncs(customer: Customer, sample: bytes, content_type: str) -> None:
    """Only the ticket is put in; zeros and empty names mean the caller's current account."""
    ticket = customer.server.sign_in(customer.name)
    account_id = save_account(customer, ticket)
    assert sample.count(SAMPLE_TICKET) == 1
    reply: Reply = customer.server.post(
        sample.replace(SAMPLE_TICKET, ticket.encode()), content_type
    )
    assert reply.status == "200"
    assert reply.succeeded, reply.exception
    assert reply.root.tag == f"{{{SOAP12_ENVELOPE}}}Envelope"
    assert reply.body.tag == f"{{{SERVICES84}}}SyncEmailAccountResponse"
    assert reply.extra["Sync.New"] == str(customer.messages)
    assert len(customer.cached_subjects(account_id)) == customer.messages
