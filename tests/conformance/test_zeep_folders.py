"""Every operation on folders by zeep, with its effect seen by another mail client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.conftest import Customer
from tests.conformance.test_zeep import VERSIONS, account_of, client_of, sign_in
from tests.support.boxes import listed, uids_in
from tests.support.mailboxes import append, message, quoted

DRAFTS = "Entw&APw-rfe"  # Entwürfe, which the customer's mailbox has, with three messages


class Caller:
    """A customer's calls; every one succeeds."""

    def __init__(self, customer: Customer, version: str) -> None:
        self._email = client_of(customer.server, "EMail", version).service
        self._headers = sign_in(customer, version)
        self._login = {
            "ServerName": f"127.0.0.1:{customer.dovecot.port_plain}",
            "UserName": customer.name,
            "Password": customer.mail_password,
        }

    def info(self, folder: str) -> dict[str, str]:
        return {**self._login, "Folder": folder}

    def __call__(self, operation: str, **members: Any) -> Any:
        reply = getattr(self._email, operation)(**members, _soapheaders=self._headers)
        assert reply.header.Succeeded, reply.header.ExceptionInfo
        return getattr(reply.body, "Response", None)

    def at(self, operation: str, folder: str, **members: Any) -> Any:
        """A call about a folder of the server."""
        return self(operation, ConnectionInfo=self.info(folder), **members)


@pytest.mark.parametrize("version", VERSIONS)
def test_folders_of_a_server_are_told_of(customer: Customer, version: str) -> None:
    call = Caller(customer, version)
    lines = call.at("GetFolderList", "", IncludeItemCount=True)
    assert "/§Entwürfe,2,3" in lines.string
    assert call.at("GetFolderEMailCount", "Entwürfe", OnlyUnread=False) == 3
    assert call.at("GetFolderEMailCount", "Entwürfe", OnlyUnread=True) == 2
    (info,) = call.at("GetFolderInfo", "", Folders={"string": ["Entwürfe"]}).EMailFolder
    assert (info.Name, info.TotalItems, info.UnreadItems) == ("Entwürfe", 3, 2)
    assert info.Subscribed
    assert len(call.at("GetFolderInfo", "").EMailFolder) == 6  # those that are subscribed
    call.at("GetFolderHasNewEMail", "Entwürfe")
    assert call.at("GetFolderHasNewEMail", "Entwürfe") is False
    with customer.dovecot.client(customer.name) as client:
        append(client, DRAFTS, message(77))
    assert call.at("GetFolderHasNewEMail", "Entwürfe") is True


@pytest.mark.parametrize("version", VERSIONS)
def test_folders_of_a_server_are_changed(customer: Customer, version: str) -> None:
    call = Caller(customer, version)
    call.at("CreateFolder", "Neu/Größe")
    new = "Neu/Gr&APYA3w-e"

    def folders(how: str = "LIST") -> set[str]:
        with customer.dovecot.client(customer.name) as client:
            return listed(client, how)

    def count(folder: str) -> int:
        with customer.dovecot.client(customer.name) as client:
            return len(uids_in(client, folder))

    assert new in folders()
    unsubscribed = {"EMailFolder": [{"Name": "Neu/Größe", "Subscribed": False}]}
    call.at("SetSubscription", "", Folders=unsubscribed)
    assert new not in folders("LSUB")
    call.at("EmptyFolder", "Entwürfe", MoveToFolder="Neu/Größe")
    assert (count(DRAFTS), count(new)) == (0, 3)
    call.at("EmptyFolder", "Neu/Größe")
    assert count(new) == 0
    call.at("DeleteFolder", "Neu/Größe")
    assert new not in folders()


@pytest.mark.parametrize("version", VERSIONS)
def test_cached_folders_follow(customer: Customer, version: str) -> None:
    call = Caller(customer, version)
    call("SaveEMailAccount", EMailAccount=account_of(customer))
    cached = {folder.Name: folder for folder in call("CacheFolderList").EMailFolder}
    assert set(cached) >= {"INBOX", "Entwürfe", "日本語", 'Say "hi"'}
    number = cached["Entwürfe"].EmailFolderId
    call("ToggleSubscription", FolderId=number, SubscriptionStatus=False)
    with customer.dovecot.client(customer.name) as client:
        assert DRAFTS not in listed(client, "LSUB")
        client.select(quoted(DRAFTS))
        client.store("1", "+FLAGS", "(\\Flagged)")
    refreshed = call("RefreshFolderForAssociate", Folders={"string": ["Entwürfe"]})
    (told,) = json.loads(refreshed)
    assert (told["id"], told["new"], told["total"]) == (number, 3, 3)
    with customer.dovecot.client(customer.name) as client:
        append(client, DRAFTS, message(78))
    assert call.at("RefreshFolder", "Entwürfe") == 0
    (told,) = call.at("GetFolderInfo", "", Folders={"string": ["Entwürfe"]}).EMailFolder
    assert (told.EmailFolderId, told.TotalItems, told.Subscribed) == (number, 4, False)
