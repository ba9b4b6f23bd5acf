"""zeep on the operations of the address book and the archive: filled in, found and read back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.conftest import Customer
from tests.conformance.people import fill_book
from tests.conformance.test_zeep import VERSIONS, client_of, sign_in


def done(reply: Any) -> Any:
    assert reply.header.Succeeded, reply.header.ExceptionInfo
    return reply.body.Response


@pytest.mark.parametrize("version", VERSIONS)
def test_a_document_that_is_not_there_is_seen_in_the_headers(
    customer: Customer, version: str
) -> None:
    headers = sign_in(customer, version)
    email = client_of(customer.server, "EMail", version).service
    for reply in (
        email.GetEMailFromDocumentId(DocumentId=10_000, _soapheaders=headers),
        email.GetEMailFromDocumentIdWithoutAttachmentStream(
            DocumentId=10_000, _soapheaders=headers
        ),
        email.GetEMailSOInfo(EMailSOInfoId=10_000, _soapheaders=headers),
        email.GetEMailFromTemp(FileName="none.eml", _soapheaders=headers),
        email.GetEMailAddresses(EmailIds={"int": [10_000]}, _soapheaders=headers),
    ):
        assert reply.header.Succeeded is False
        assert reply.header.ExceptionInfo.ExceptionType == "SoNotFoundException"


@pytest.mark.parametrize("version", VERSIONS)
def test_people_are_found_by_their_address(customer: Customer, version: str) -> None:
    headers = sign_in(customer, version)
    email = client_of(customer.server, "EMail", version).service
    address = customer.address
    fill_book(customer.server, address)
    found = done(email.FindAddress(Address=address.upper(), _soapheaders=headers)).EMailAddress
    assert {each.PersonName for each in found} == {f"Anna {address}", f"Bob {address}", None}
    ids = [each.EmailId for each in found]
    again = done(email.GetEMailAddresses(EmailIds={"int": ids}, _soapheaders=headers)).EMailAddress
    assert [each.EmailId for each in again] == ids
    assert all(len(each.DuplicatePersonIds["int"]) == 2 for each in again)
    persons = done(
        email.GetPersonEntitiesFromEmailAddress(EmailAddress=address, _soapheaders=headers)
    ).PersonEntity
    assert persons[0].MobilePhones.EntityElement[0].Value == "+47 1"
    assert {person.Contact.OrgNr for person in persons} == {"NO 1"}
    named = done(
        email.FindContactOrPersonByEmailName(
            Name=f"Anna {address}", EmailAddress=address, _soapheaders=headers
        )
    ).ContactOrPersonFromEmail
    assert [each.ContactDepartment for each in named] == ["Sales"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_mail_goes_into_the_archive_and_comes_back(customer: Customer, version: str) -> None:
    headers = sign_in(customer, version)
    email = client_of(customer.server, "EMail", version).service
    mail = done(email.CreateDefaultEMailEntity(_soapheaders=headers))
    mail.Subject, mail.PlainBody = "Grüße", "text"
    mail.From.Address = customer.address
    mail.To = {"EMailAddress": [{"Address": "bob@example.com"}]}
    mail.Attachments = {"EMailAttachment": [{"Filename": "a.bin", "Stream": b"\0\1\2" * 9999}]}
    name = done(
        email.SaveEmailToTmpDocument(
            Email=mail, FolderId=0, StripAttachments=False, _soapheaders=headers
        )
    )
    read = done(email.GetEMailFromTemp(FileName=name, _soapheaders=headers))
    assert (read.Subject, read.EMailSOInfo.Archived) == ("Grüße", False)
    made = done(
        email.CreateEMailFromDocumentEntity(
            DocumentEntity={"Name": name, "Sale": {"SaleId": 7}}, _soapheaders=headers
        )
    )
    number = made.EMailSOInfo.DocumentId
    kept = done(email.GetEMailFromDocumentId(DocumentId=number, _soapheaders=headers))
    assert kept.Attachments.EMailAttachment[0].Stream == b"\0\1\2" * 9999
    bare = done(
        email.GetEMailFromDocumentIdWithoutAttachmentStream(DocumentId=number, _soapheaders=headers)
    )
    assert bare.Attachments.EMailAttachment[0].Stream is None
    info = done(email.GetEMailSOInfo(EMailSOInfoId=number, _soapheaders=headers))
    assert (info.SaleId, info.Archived) == (7, True)
