"""Changes that a server does halfway, late, or not at all: what is said and what is not done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from services84.errors import FolderMissing, MailServerBusy, MailServerRefused
from services84.imap.connection import ImapConnection
from services84.imap.values import Copied, Moved, Removed
from services84.mailhost import Login
from tests.imap.conftest import SECRET, open_imap
from tests.support.scripted import GREETING, LOGOUT, Play, answer, scripted

OPENED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n%t OK [READ-WRITE] done\r\n"
DONE = b"%t OK done\r\n"


@contextlib.contextmanager
def selected(
    capabilities: bytes, *script: Play, opened: bytes = OPENED
) -> Iterator[ImapConnection]:
    """A connection with INBOX open, to a server that goes on with `script`."""
    login = answer(b"%t OK [CAPABILITY IMAP4rev1 " + capabilities + b"] in\r\n")
    with (
        scripted(GREETING, login, answer(opened, expect=b"SELECT"), *script, LOGOUT) as server,
        open_imap(server.port, Login("anna", SECRET), read=2) as connection,
    ):
        connection.select("INBOX")
        yield connection


def test_a_folder_that_opens_read_only_is_no_place_for_changes() -> None:
    opened = OPENED.replace(b"READ-WRITE", b"READ-ONLY")
    with (
        pytest.raises(MailServerRefused, match="allows no changes in 'INBOX'"),
        selected(b"", opened=opened),
    ):
        pass


def test_a_refused_change_is_told() -> None:
    script = [
        answer(b"%t NO [NOPERM] not you\r\n", expect=b"UID STORE 1 +FLAGS.SILENT (\\Seen)"),
        answer(b"%t NO [TRYCREATE] where?\r\n", expect=b'UID COPY 1 "Box"'),
        answer(b"%t NO [INUSE] later\r\n", expect=b'UID COPY 1 "Box"'),
    ]
    with selected(b"", *script) as connection:
        with pytest.raises(MailServerRefused, match=r"refused UID STORE: \[NOPERM\] not you"):
            connection.store_flags([1], add=frozenset({"\\Seen"}))
        with pytest.raises(FolderMissing):
            connection.copy([1], "Box")
        with pytest.raises(MailServerBusy):
            connection.copy([1], "Box")


def test_a_change_that_meets_expunged_messages_is_tried_once_more() -> None:
    late = b"%t NO [EXPUNGEISSUED] some are gone\r\n"
    script = [
        answer(late, expect=b"UID STORE 1:2"),
        answer(b"* 1 EXPUNGE\r\n" + DONE, expect=b"NOOP"),
        answer(DONE, expect=b"UID STORE 1:2"),
        answer(late, expect=b"UID COPY"),
        answer(DONE, expect=b"NOOP"),
        answer(late, expect=b"UID COPY"),
    ]
    with selected(b"", *script) as connection:
        connection.store_flags([1, 2], add=frozenset({"\\Seen"}))
        with pytest.raises(MailServerRefused, match=r"refused UID COPY: \[EXPUNGEISSUED\]"):
            connection.copy([1, 2], "Box")


def test_uids_of_moved_messages_come_before_they_go() -> None:
    script = [
        answer(b"* SEARCH 1 2\r\n" + DONE, expect=b"UID SEARCH UID 1:2"),
        answer(
            b"* OK [COPYUID 9 1:2 31:32] moved\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n" + DONE,
            expect=b'UID MOVE 1:2 "Box"',
        ),
        answer(b"* SEARCH\r\n" + DONE, expect=b"UID SEARCH UID 1:2"),
    ]
    with selected(b"MOVE", *script) as connection:
        assert connection.move([1, 2], "Box") == Moved(
            Copied(9, {1: 31, 2: 32}), Removed(frozenset({1, 2}))
        )


def test_uids_that_make_no_sense_are_not_told() -> None:
    wrong = b"* OK [COPYUID 9 1:3 31:32] moved\r\n" + DONE
    with selected(b"", answer(wrong, expect=b"UID COPY")) as connection:
        assert connection.copy([1, 2], "Box") == Copied()


def test_copied_messages_that_cannot_be_removed_are_told_of() -> None:
    script = [
        answer(b"* SEARCH 1\r\n" + DONE, expect=b"UID SEARCH UID 1"),
        answer(b"%t OK [COPYUID 9 1 31] done\r\n", expect=b"UID COPY 1"),
        answer(b"%t NO [NOPERM] not here\r\n", expect=b"UID STORE 1 +FLAGS.SILENT (\\Deleted)"),
    ]
    with (
        selected(b"UIDPLUS", *script) as connection,
        pytest.raises(MailServerRefused, match=r"were copied and could not be removed: .*NOPERM"),
    ):
        connection.move([1], "Box")


def test_without_uidplus_nothing_is_expunged_beside_what_others_have_marked() -> None:
    script = [
        answer(b"* SEARCH 1\r\n" + DONE, expect=b"UID SEARCH UID 1"),
        answer(DONE, expect=b"UID STORE 1 +FLAGS.SILENT (\\Deleted)"),
        answer(b"* SEARCH 1 3\r\n" + DONE, expect=b"UID SEARCH DELETED"),
        answer(b"* SEARCH 1\r\n" + DONE, expect=b"UID SEARCH UID 1"),
    ]
    with selected(b"", *script) as connection:
        assert connection.delete([1]) == Removed(frozenset(), frozenset({1}))


def test_without_uidplus_what_is_marked_alone_is_expunged() -> None:
    script = [
        answer(b"* SEARCH 1\r\n" + DONE, expect=b"UID SEARCH UID 1"),
        answer(DONE, expect=b"UID STORE 1 +FLAGS.SILENT (\\Deleted)"),
        answer(b"* SEARCH 1\r\n" + DONE, expect=b"UID SEARCH DELETED"),
        answer(b"* 1 EXPUNGE\r\n" + DONE, expect=b" EXPUNGE\r\n"),
        answer(b"* SEARCH\r\n" + DONE, expect=b"UID SEARCH UID 1"),
    ]
    with selected(b"", *script) as connection:
        assert connection.delete([1]) == Removed(frozenset({1}))


def test_a_server_that_says_it_expunged_and_did_not_is_found_out() -> None:
    script = [
        answer(b"* SEARCH 1\r\n" + DONE, expect=b"UID SEARCH UID 1"),
        answer(DONE, expect=b"UID STORE 1 +FLAGS.SILENT (\\Deleted)"),
        answer(DONE, expect=b"UID EXPUNGE 1"),
        answer(b"* SEARCH 1\r\n" + DONE, expect=b"UID SEARCH UID 1"),
    ]
    with selected(b"UIDPLUS", *script) as connection:
        assert connection.delete([1]) == Removed(frozenset(), frozenset({1}))


def test_without_move_or_copyuid_the_new_uids_are_not_known() -> None:
    with selected(b"UIDPLUS", answer(DONE, expect=b'UID COPY 3 "Box"')) as connection:
        assert connection.copy([3], "Box") == Copied()


def test_a_folder_is_let_go_of_where_close_is_refused() -> None:
    script = [
        answer(OPENED, expect=b'EXAMINE "INBOX"'),
        answer(b"%t NO [READ-ONLY] Mailbox is read-only.\r\n", expect=b"CLOSE"),
        answer(OPENED, expect=b'EXAMINE "INBOX"'),
        answer(DONE, expect=b'DELETE "INBOX"'),
    ]
    with selected(b"", *script) as connection:
        connection.delete_folder("INBOX")


@pytest.mark.parametrize(
    ("reason", "missing"),
    [
        (b"[TRYCREATE] no", True),
        (b"[NONEXISTENT] no", True),
        (b"Mailbox does not exist, or must be subscribed to.", True),
        (b"Mailbox doesn't exist: Box", True),
        (b"No such mailbox", True),
        (b"[NOPERM] No such mailbox", False),
        (b"[OVERQUOTA] Quota exceeded", False),
    ],
)
def test_a_missing_folder_is_told_apart(reason: bytes, missing: bool) -> None:
    said = answer(b"%t NO " + reason + b"\r\n", expect=b"UID COPY")
    with selected(b"", said) as connection, pytest.raises(MailServerRefused) as caught:
        connection.copy([1], "Box")
    assert (type(caught.value) is FolderMissing) == missing
