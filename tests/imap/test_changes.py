"""What has changed since last time, asked in one round trip where the server can tell."""

from __future__ import annotations

import pytest

from services84.imap.connection import ImapConnection
from services84.imap.values import ExaminedFolder, FolderDelta, SyncPoint
from services84.mailhost import Login
from tests.imap.conftest import SECRET, commands, open_imap
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message


def point_of(folder: ExaminedFolder) -> SyncPoint:
    assert folder.highest_mod_seq is not None
    return SyncPoint(folder.uid_validity, folder.highest_mod_seq)


def gone(delta: FolderDelta) -> set[int]:
    assert delta.vanished is not None
    return {uid for first, last in delta.vanished for uid in range(first, last + 1)}


@pytest.fixture
def filled(dovecot: DovecotServer, user: str) -> str:
    with dovecot.client(user) as client:
        for number in range(6):
            append(client, "INBOX", message(number))
    return user


def test_the_list_tells_what_examining_each_folder_would(
    dovecot: DovecotServer, filled: str, connection: ImapConnection
) -> None:
    (inbox,) = [f for f in connection.folders() if f.server_name == "INBOX"]
    examined = connection.examine("INBOX")
    assert inbox.status is not None
    assert (inbox.status.uid_validity, inbox.status.uid_next, inbox.status.exists) == (
        examined.uid_validity,
        examined.uid_next,
        examined.exists,
    )
    assert inbox.status.highest_mod_seq == examined.highest_mod_seq


def test_one_round_trip_tells_what_came_changed_and_went(
    dovecot: DovecotServer, filled: str
) -> None:
    with open_imap(dovecot.port_plain, Login(filled, SECRET)) as connection:
        since = point_of(connection.examine("INBOX"))
    with dovecot.client(filled) as client:
        client.select("INBOX")
        client.uid("STORE", "2", "+FLAGS", "(\\Flagged)")
        client.uid("STORE", "3:4", "+FLAGS", "(\\Deleted)")
        client.uid("EXPUNGE", "3:4")
        append(client, "INBOX", message(7), "\\Seen")
    told: list[str] = []
    with open_imap(dovecot.port_plain, Login(filled, SECRET), trace=told.append) as connection:
        examined = connection.examine("INBOX", since)
        assert commands(told) == ["AUTHENTICATE", "ENABLE", "EXAMINE"]
        assert examined.delta is not None
        changed = {uid: state.flags - {"\\Recent"} for uid, state in examined.delta.flags.items()}
        assert changed == {2: {"\\Flagged"}, 7: {"\\Seen"}}
        assert gone(examined.delta) == {3, 4}
        assert examined.exists == 5


def test_nothing_changed_is_told_as_such(dovecot: DovecotServer, filled: str) -> None:
    with open_imap(dovecot.port_plain, Login(filled, SECRET)) as connection:
        since = point_of(connection.examine("INBOX"))
        again = connection.examine("INBOX", since)
        assert again.delta is not None
        assert (again.delta.flags, gone(again.delta)) == ({}, set())


def test_a_folder_that_was_made_anew_has_no_delta(dovecot: DovecotServer, user: str) -> None:
    with dovecot.client(user) as client:
        client.create("Box")
    with open_imap(dovecot.port_plain, Login(user, SECRET)) as connection:
        since = point_of(connection.examine("Box"))
        other = SyncPoint(since.uid_validity + 1, since.mod_seq)
        assert connection.examine("Box", other).delta is None


def test_without_qresync_changes_are_told_and_removals_found_by_uids(
    dovecot: DovecotServer, filled: str, connection: ImapConnection
) -> None:
    connection._session.capabilities -= {"QRESYNC"}
    since = point_of(connection.examine("INBOX"))
    with dovecot.client(filled) as client:
        client.select("INBOX")
        client.uid("STORE", "1", "+FLAGS", "(\\Seen \\Deleted)")
        client.uid("EXPUNGE", "1")
        client.uid("STORE", "6", "+FLAGS", "(\\Seen)")
    examined = connection.examine("INBOX", since)
    assert examined.delta is None
    delta = connection.changes(since.mod_seq)
    assert (set(delta.flags), delta.vanished) == ({6}, None)
    assert connection.uids() == [(2, 6)]


def test_without_esearch_uids_are_told_one_by_one(filled: str, connection: ImapConnection) -> None:
    connection._session.capabilities -= {"ESEARCH"}
    connection.examine("INBOX")
    assert [first for first, last in connection.uids() if first == last] == [1, 2, 3, 4, 5, 6]
