"""Scenes about accounts, blank carriers, the address book and the archive."""

from __future__ import annotations

from typing import Any

from services84.agents import EMAIL
from tests.conformance.people import fill_book
from tests.conformance.scene import Scene

BLANKS = sorted(op.name for op in EMAIL if op.name.startswith("CreateDefault"))


def ask_for_blanks(scene: Scene) -> None:
    """Each blank carrier comes whole; those that are saved are filled in and saved elsewhere."""
    for operation in BLANKS:
        assert scene(operation) is not None, operation
    blank = scene("CreateDefaultEMailEntity")
    assert blank.From.Address == scene.customer.address
    blank = scene("CreateDefaultEMailConnectionInfo")
    server = scene.info()
    blank.ServerName, blank.UserName = server["ServerName"], server["UserName"]
    blank.Password, blank.UseSSL = server["Password"], False
    assert scene("AuthenticateIncoming", ConnectionInfo=blank) is True


def save_an_account(scene: Scene) -> None:
    """It is saved from a blank one, comes back masked, and is the current one."""
    assert scene("GetCurrentAccountId") == 0
    account = scene("CreateDefaultEMailAccount")
    account.EMailAddress = scene.customer.address
    account.IncomingCredentials = _auth(scene, scene.customer.dovecot.port_plain)
    account.OutgoingCredentials = _auth(scene, scene.submission.port_plain)
    saved = scene("SaveEMailAccount", EMailAccount=account)
    scene.account_id = saved.EMailAccountId
    assert scene.account_id > 0
    address = scene.customer.address.upper()
    same = [
        scene("GetEMailAccount", EMailAccountId=scene.account_id),
        scene("GetEMailAccountFromEMailAddress", FromAddress=address),
        scene("GetCurrentAccount"),
    ]
    assert {each.EMailAccountId for each in same} == {scene("GetCurrentAccountId")}
    assert scene.customer.mail_password not in str(same)


def _auth(scene: Scene, port: int) -> dict[str, Any]:
    user = {"Username": scene.customer.name, "Password": scene.customer.mail_password}
    return {"Server": "127.0.0.1", "Port": port, **user}


def sign_in_to_servers(scene: Scene) -> None:
    """Right credentials are told from wrong ones, and the servers have seen them."""
    user = scene.customer.name
    before = (scene.customer.dovecot.logins(user), scene.submission.logins(user))
    assert scene("AuthenticateIncoming", ConnectionInfo=scene.info()) is True
    assert scene("AuthenticateOutgoing", ConnectionInfo=scene.smtp()) is True
    for protocol in ("IMAP", "SMTP"):
        extended = scene.extended(protocol=protocol)
        assert scene("Authenticate", ConnectionInfoExtended=extended) is True
    assert scene("TestAuthenticate") is True
    after = (scene.customer.dovecot.logins(user), scene.submission.logins(user))
    assert all(later >= earlier + 2 for earlier, later in zip(before, after, strict=True))
    wrong = {"Password": "not it"}
    assert scene("AuthenticateIncoming", ConnectionInfo=scene.info() | wrong) is False
    assert scene("AuthenticateOutgoing", ConnectionInfo=scene.smtp() | wrong) is False


def sync_the_account(scene: Scene) -> None:
    """What is due is synced, and the cache has what the server has."""
    ready = scene("GetReadySyncEmailAccounts")
    (mine,) = ready.SyncUserAccount
    assert mine.AccountId == scene.account_id
    scene("SyncEmailAccount", SyncUserAccount=mine)
    subjects = scene.customer.cached_subjects(scene.account_id)
    assert len(subjects) == scene.customer.messages
    scene("SyncEmailAccounts", SyncUserAccounts={"SyncUserAccount": [mine]})


def delete_the_account(scene: Scene) -> None:
    """Gone with all that was cached of it; the mailbox stays."""
    scene("DeleteEMailAccount", EMailAccountId=scene.account_id)
    gone = scene.refused("GetEMailAccount", EMailAccountId=scene.account_id)
    assert gone == "SoNotFoundException"
    assert scene.customer.cached_subjects(scene.account_id) == []
    assert scene.seen("Work")


def ask_the_book(scene: Scene) -> None:
    """Two persons and their company share the customer's address."""
    address = scene.customer.address
    fill_book(scene.customer.server, address)
    found = scene("FindAddress", Address=address).EMailAddress
    assert {f"Anna {address}", f"Bob {address}"} <= {each.PersonName for each in found}
    ids = {"int": [each.EmailId for each in found]}
    again = scene("GetEMailAddresses", EmailIds=ids).EMailAddress
    assert [each.EmailId for each in again] == ids["int"]
    people = scene("GetPersonEntitiesFromEmailAddress", EmailAddress=address).PersonEntity
    assert people[0].MobilePhones.EntityElement[0].Value == "+47 1"
    (bob,) = scene(
        "FindContactOrPersonByEmailName", Name=f"Bob {address}", EmailAddress=address
    ).ContactOrPersonFromEmail
    assert bob.ContactDepartment == "Sales"


def archive_a_mail(scene: Scene) -> None:
    """It is kept for a while, archived under a sale, and read back."""
    name = scene("SaveEmailToTmpDocument", Email=scene.mail("to archive"))
    kept = scene("GetEMailFromTemp", FileName=name)
    assert (kept.Subject, kept.EMailSOInfo.Archived) == ("to archive", False)
    document = {"Name": name, "Sale": {"SaleId": 7}}
    made = scene("CreateEMailFromDocumentEntity", DocumentEntity=document)
    number = made.EMailSOInfo.DocumentId
    whole = scene("GetEMailFromDocumentId", DocumentId=number)
    assert whole.Attachments.EMailAttachment[0].Stream == b"\0\1\2\xff"
    bare = scene("GetEMailFromDocumentIdWithoutAttachmentStream", DocumentId=number)
    assert bare.Attachments.EMailAttachment[0].Stream is None
    info = scene("GetEMailSOInfo", EMailSOInfoId=number)
    assert (info.SaleId, info.Archived) == (7, True)
