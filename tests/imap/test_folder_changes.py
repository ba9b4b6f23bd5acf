"""Folders made, removed, renamed and subscribed, as another client sees it."""

from __future__ import annotations

import re

import pytest

from services84.errors import FolderMissing, MailServerRefused
from services84.imap.connection import ImapConnection
from services84.imap.values import FolderStatus, Namespace
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, quoted


def listed(dovecot: DovecotServer, user: str, command: str = "list") -> set[str]:
    with dovecot.client(user) as client:
        _, lines = getattr(client, command)()
        found = (re.search(rb'"/" (.*)', line or b"") for line in lines)
        return {f[1].decode().strip('"').replace('\\"', '"') for f in found if f}


@pytest.mark.parametrize("name", ["", "a\0b", "a\r\nb"])
def test_a_name_that_cannot_be_one_is_not_sent(
    dovecot: DovecotServer, user: str, connection: ImapConnection, name: str
) -> None:
    for act in (connection.create_folder, connection.delete_folder, connection.subscribe):
        with pytest.raises(ValueError, match="is no name of a folder"):
            act(name)
    with pytest.raises(ValueError, match="is no name of a folder"):
        connection.rename_folder("INBOX", name)
    assert listed(dovecot, user) == {"INBOX"}


def test_what_the_server_refuses_is_said(connection: ImapConnection) -> None:
    with pytest.raises(FolderMissing, match="refused DELETE"):
        connection.delete_folder("nowhere")
    with pytest.raises(FolderMissing, match="refused RENAME"):
        connection.rename_folder("nowhere", "there")
    with pytest.raises(FolderMissing, match="refused STATUS"):
        connection.status("nowhere")
    with pytest.raises(FolderMissing, match="refused SELECT"):
        connection.select("nowhere")
    with pytest.raises(MailServerRefused, match="refused DELETE"):
        connection.delete_folder("INBOX")
    connection.create_folder("Box")
    with pytest.raises(MailServerRefused, match=r"refused CREATE: \[ALREADYEXISTS\]"):
        connection.create_folder("Box")


@pytest.mark.parametrize("name", ["Box", 'quo"te \\ & more', "Entwürfe/2026/日本語", "50 % {5}"])
def test_folders_come_and_go(
    dovecot: DovecotServer, user: str, connection: ImapConnection, name: str
) -> None:
    server_name = connection.server_name_of(name)
    connection.create_folder(server_name)
    connection.subscribe(server_name)

    found = {folder.name: folder for folder in connection.folders()}
    assert found[name].subscribed
    assert found[name].server_name == server_name == connection.server_name_of(name)
    with dovecot.client(user) as client:
        append(client, server_name, message(1))
    assert connection.select(server_name).exists == 1

    connection.unsubscribe(server_name)
    connection.rename_folder(server_name, "Other")
    assert "Other" in listed(dovecot, user)
    assert listed(dovecot, user, "lsub") == set()
    connection.delete_folder("Other")
    assert not {"Other", server_name} & listed(dovecot, user)


def test_an_open_folder_can_be_removed(
    dovecot: DovecotServer, user: str, connection: ImapConnection
) -> None:
    for hidden in (frozenset[str](), frozenset({"UNSELECT"})):
        connection._session.capabilities -= hidden
        connection.create_folder("Box")
        connection.select("Box")
        connection.delete_folder("Box")
        assert listed(dovecot, user) == {"INBOX"}
    assert connection.select("INBOX").exists == 0


@pytest.mark.parametrize("hidden", [frozenset(), frozenset({"UNSELECT"})])
def test_leaving_a_folder_expunges_nothing(
    dovecot: DovecotServer, user: str, connection: ImapConnection, hidden: frozenset[str]
) -> None:
    connection._session.capabilities -= hidden
    with dovecot.client(user) as client:
        append(client, "INBOX", message(1), "\\Deleted")
    connection.select("INBOX")
    connection.unselect()
    connection.unselect()
    with pytest.raises(MailServerRefused):
        connection.flags()
    assert connection.status("INBOX").messages == 1


def test_the_state_of_a_folder_is_told_without_opening_it(
    dovecot: DovecotServer, user: str, connection: ImapConnection
) -> None:
    connection.create_folder("Box")
    with dovecot.client(user) as client:
        append(client, "Box", message(1), "\\Seen")
        append(client, "Box", message(2))
        append(client, "Box", message(3))
    validity = connection.examine("Box").uid_validity
    connection.unselect()

    assert connection.status("Box") == FolderStatus(
        messages=3, unseen=2, uid_next=4, uid_validity=validity, recent=3
    )
    with dovecot.client(user) as client:
        assert client.status(quoted("Box"), "(UNSEEN)")[1] == [b"Box (UNSEEN 2)"]


@pytest.mark.parametrize("hidden", [frozenset(), frozenset({"NAMESPACE"})])
def test_the_delimiter_is_told(connection: ImapConnection, hidden: frozenset[str]) -> None:
    connection._session.capabilities -= hidden
    assert connection.namespace() == Namespace("", "/")
