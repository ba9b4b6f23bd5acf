"""Servers that speak UTF-8 (RFC 6855): asked to, and spoken to in the same few words."""

from __future__ import annotations

import pytest

from services84.errors import MailServerRefused
from services84.imap.values import Appended
from services84.mailhost import Login
from tests.imap.conftest import SECRET, open_imap
from tests.support.scripted import GREETING, LOGOUT, Play, answer, scripted

ANNA = Login("anna", SECRET)
ENABLED = answer(b"* ENABLED UTF8=ACCEPT\r\n%t OK done\r\n", expect=b"ENABLE UTF8=ACCEPT\r\n")
LISTED = '* LIST () "." "Entwürfe"\r\n* LIST () "." "R&D"\r\n%t OK done\r\n'.encode()
OPENED = b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n%t OK [READ-WRITE] done\r\n"


def signing_in(capabilities: bytes) -> Play:
    return answer(b"%t OK [CAPABILITY IMAP4rev1 LIST-EXTENDED " + capabilities + b"] in\r\n")


@pytest.mark.parametrize("offered", [b"ENABLE UTF8=ACCEPT", b"UTF8=ONLY", b"ENABLE UTF8=ONLY"])
def test_names_travel_in_utf_8_and_keep_their_spelling(offered: bytes) -> None:
    script = [
        signing_in(offered),
        ENABLED,
        answer(LISTED, expect=b'LIST "" "*"'),
        answer(OPENED, expect='SELECT "Entwürfe"\r\n'.encode()),
        answer(b"%t OK done\r\n", expect='CREATE "日本語 & more"\r\n'.encode()),
        answer(b"%t OK done\r\n", expect='RENAME "R&D" "Größe"\r\n'.encode()),
        LOGOUT,
    ]
    with (
        scripted(GREETING, *script) as server,
        open_imap(server.port, ANNA) as connection,
    ):
        drafts, research = connection.folders()
        assert (drafts.name, drafts.server_name) == ("Entwürfe", "Entw&APw-rfe")
        assert (research.name, research.server_name) == ("R&D", "R&-D")
        connection.select(drafts.server_name)
        connection.create_folder("&ZeVnLIqe- &- more")
        connection.rename_folder(research.server_name, "Gr&APYA3w-e")


def test_a_status_with_the_list_is_found_by_the_same_name() -> None:
    told = 'STATUS "Entwürfe" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7)\r\n%t OK done\r\n'
    listing = '* LIST () "." "Entwürfe"\r\n* ' + told
    script = [signing_in(b"UTF8=ONLY LIST-STATUS"), ENABLED, answer(listing.encode()), LOGOUT]
    with scripted(GREETING, *script) as server, open_imap(server.port, ANNA) as connection:
        (drafts,) = connection.folders()
        assert drafts.status is not None
        assert drafts.status.exists == 3


def test_a_server_that_does_not_enable_it_is_spoken_to_in_modified_utf_7() -> None:
    script = [
        signing_in(b"ENABLE UTF8=ACCEPT"),
        answer(b"* ENABLED\r\n%t OK done\r\n", expect=b"ENABLE UTF8=ACCEPT"),
        answer(OPENED, expect=b'EXAMINE "Entw&APw-rfe"'),
        LOGOUT,
    ]
    with scripted(GREETING, *script) as server, open_imap(server.port, ANNA) as connection:
        assert connection.examine("Entw&APw-rfe").exists == 0


def test_it_is_enabled_once_with_all_that_has_to_be() -> None:
    script = [
        signing_in(b"ENABLE UTF8=ACCEPT CONDSTORE QRESYNC"),
        answer(
            b"* ENABLED QRESYNC UTF8=ACCEPT\r\n%t OK done\r\n",
            expect=b"ENABLE QRESYNC UTF8=ACCEPT",
        ),
        answer(OPENED, expect=b"EXAMINE"),
        answer(OPENED, expect='EXAMINE "ü"'.encode()),
        LOGOUT,
    ]
    with scripted(GREETING, *script) as server, open_imap(server.port, ANNA) as connection:
        connection.examine("INBOX")
        connection.examine("&APw-")


def test_headers_in_utf_8_are_stored_as_such() -> None:
    internationalised = "Subject: Grüße\r\n\r\nText".encode()
    usual = "Subject: x\r\n\r\nGrüße".encode()
    stored = b"%t OK [APPENDUID 7 1] done\r\n"
    script = [
        signing_in(b"ENABLE UTF8=ACCEPT"),
        ENABLED,
        answer(b"+ go\r\n", expect=b'APPEND "INBOX" (\\Seen) UTF8 (~{24}\r\n'),
        answer(b"", expect="Subject: Grüße".encode()),
        answer(b"", expect=b"\r\n"),
        answer(stored, expect=b"Text)\r\n"),
        answer(b"+ go\r\n", expect=b'APPEND "INBOX" {21}\r\n'),
        answer(b"", expect=b"Subject: x"),
        answer(b"", expect=b"\r\n"),
        answer(stored, expect="Grüße\r\n".encode()),
        LOGOUT,
    ]
    with scripted(GREETING, *script) as server, open_imap(server.port, ANNA) as connection:
        assert connection.append("INBOX", internationalised, ["\\Seen"]) == Appended(7, 1)
        assert connection.append("INBOX", usual) == Appended(7, 1)


def test_a_server_that_speaks_nothing_else_and_refuses_to_is_refused() -> None:
    script = [signing_in(b"UTF8=ONLY"), answer(b"%t NO not today\r\n", expect=b"ENABLE"), LOGOUT]
    with (
        scripted(GREETING, *script) as server,
        open_imap(server.port, ANNA) as connection,
        pytest.raises(MailServerRefused, match="refused ENABLE: not today"),
    ):
        connection.folders()
