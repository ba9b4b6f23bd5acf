"""The calls about the address book and the archive, each with something to find."""

from __future__ import annotations

from collections.abc import Callable

from services84.namespaces import ARRAYS
from services84.store.book_import import import_book
from services84.store.crm_values import CompanyDraft, PersonDraft, PhoneKind
from services84.store.database import Database
from tests.support.server import ServerProcess
from tests.support.service import Reply, member_xml

Succeeds = Callable[[str, str], Reply]


def fill_book(server: ServerProcess, address: str) -> None:
    """Two persons and their company share the address."""
    company = CompanyDraft(f"Company of {address}", "Sales", "NO 1", [address])
    phones = [(PhoneKind.MOBILE, "+47 1")]
    people = [
        PersonDraft(f"{name} {address}", addresses=[address], phones=phones, company=company)
        for name in ("Anna", "Bob")
    ]
    database = Database(server.database_url, pool_size=2)
    try:
        import_book(database, people, [company])
    finally:
        database.close()


def ask_the_book(succeeds: Succeeds, address: str) -> None:
    """Every look-up finds somebody."""
    asked = member_xml({"EmailAddress": address})
    found = succeeds("GetPersonEntitiesFromEmailAddress", asked)
    assert len(found.body[0]) == 3
    found = succeeds("FindAddress", member_xml({"Address": address.upper()}))
    number = found.text("Response/EMailAddress/EmailId")
    ids = f'<n:EmailIds><a:int xmlns:a="{ARRAYS}">{number}</a:int></n:EmailIds>'
    again = succeeds("GetEMailAddresses", ids)
    assert again.text("Response/EMailAddress/EmailId") == number
    named = member_xml({"Name": f"bob {address}", "EmailAddress": address})
    found = succeeds("FindContactOrPersonByEmailName", named)
    assert found.text("Response/ContactOrPersonFromEmail/FullName") == f"Bob {address}"


def archive_a_mail(succeeds: Succeeds, address: str) -> None:
    """A mail is saved, read, archived and read again."""
    mail = {
        "To": {"EMailAddress": {"Address": address}},
        "Subject": "Grüße",
        "From": {"Address": address},
        "PlainBody": "text",
        "Attachments": {"EMailAttachment": {"Filename": "a.bin", "Stream": "AAEC"}},
    }
    saved = succeeds("SaveEmailToTmpDocument", member_xml({"Email": mail}))
    name = saved.text("Response")
    read = succeeds("GetEMailFromTemp", member_xml({"FileName": name}))
    assert read.text("Response/Attachments/EMailAttachment/Stream") == "AAEC"
    document = member_xml({"DocumentEntity": {"Name": name, "Project": {"ProjectId": 7}}})
    made = succeeds("CreateEMailFromDocumentEntity", document)
    number = made.text("Response/EMailSOInfo/DocumentId")
    one = member_xml({"DocumentId": number})
    assert succeeds("GetEMailFromDocumentId", one).text("Response/Subject") == "Grüße"
    bare = succeeds("GetEMailFromDocumentIdWithoutAttachmentStream", one)
    assert bare.text("Response/Attachments/EMailAttachment/Stream") is None
    info = succeeds("GetEMailSOInfo", member_xml({"EMailSOInfoId": number}))
    assert info.text("Response/ProjectId") == "7"
