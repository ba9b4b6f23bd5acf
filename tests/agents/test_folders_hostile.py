"""Folders of servers that lie, refuse or say nothing: an answer in time that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.boxes import texts
from tests.support.scripted import (
    GREETING,
    LOGIN,
    LOGOUT,
    Play,
    ScriptedServer,
    answer,
    hang,
    scripted,
)
from tests.support.service import Reply, Service, running_service

LIST = answer(
    b'* LIST (\\HasNoChildren) "/" INBOX\r\n* LIST () "/" "Phantom, 1"\r\n'
    b'* LIST (\\Noselect) "/" Above\r\n* LIST () NIL Flat\r\n%t OK\r\n',
    expect=b"LIST",
)
LSUB = answer(b"%t OK done\r\n", expect=b"LSUB")
REFUSED = answer(b"%t NO [SERVERBUG] \x07 not today\r\n", expect=b"STATUS")
NO = answer(b"%t NO cannot open it\r\n", expect=b"STATUS")
Talk = Callable[..., Reply]


def status(name: bytes, numbers: bytes) -> Play:
    return answer(b"* STATUS %s (%s)\r\n%%t OK done\r\n" % (name, numbers), expect=b"STATUS")


@pytest.fixture
def talk(service: Service) -> Talk:
    _, ticket = service.associate("anna")

    def call(operation: str, server: ScriptedServer, **members: Any) -> Reply:
        info = {"ServerName": f"127.0.0.1:{server.port}", "UserName": "u", "Password": "secret"}
        info["Folder"] = members.pop("Folder", None)
        return service.call(operation, {"ConnectionInfo": info, **members}, ticket=ticket)

    return call


def test_numbers_that_no_caller_can_take_are_made_the_highest(talk: Talk) -> None:
    numbers = status(b"INBOX", b"MESSAGES 4294967295 UNSEEN 9 UIDNEXT 0 UIDVALIDITY 1")
    with scripted(GREETING, LOGIN, LIST, LSUB, numbers, LOGOUT) as server:
        reply = talk("GetFolderEMailCount", server)
    assert reply.text("Response") == "2147483647"


def test_a_folder_that_is_listed_and_cannot_be_opened_has_no_messages(talk: Talk) -> None:
    told = [
        status(b"Flat", b"MESSAGES 2 UNSEEN 1 UIDNEXT 3 UIDVALIDITY 1"),
        status(b"INBOX", b"MESSAGES 5 UNSEEN 4 UIDNEXT 6 UIDVALIDITY 1"),
    ]
    with scripted(GREETING, LOGIN, LIST, LSUB, told[1], told[0], NO, LOGOUT) as server:
        reply = talk("GetFolderList", server, IncludeItemCount=True)
    assert texts(reply) == ["/§INBOX,4,5", "§Flat,1,2", "/§Phantom, 1,0,0"]


def test_a_folder_that_holds_no_mail_is_refused_with_the_servers_reason(talk: Talk) -> None:
    with scripted(GREETING, LOGIN, LIST, LSUB, NO, LOGOUT) as server:
        reply = talk("GetFolderEMailCount", server, Folder="Above")
    reason = f"127.0.0.1:{server.port} refused STATUS: cannot open it"
    assert reply.exception["Message"] == f"ConnectionInfo/Folder: 'Above': {reason}"


def test_a_server_that_asks_for_patience_is_quoted(talk: Talk) -> None:
    with scripted(GREETING, LOGIN, LIST, LSUB, REFUSED, LOGOUT) as server:
        reply = talk("GetFolderHasNewEMail", server)
    assert "asks for patience: [SERVERBUG] not today" in reply.exception["Message"]


def test_a_server_that_tells_nothing_of_the_next_uid_is_asked_for_the_last_one(
    talk: Talk,
) -> None:
    def conversation(*uids: int) -> list[Play]:
        numbers = b"MESSAGES %d UNSEEN 0 UIDVALIDITY 1" % len(uids)
        opened = b"* %d EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n%%t OK done\r\n" % len(uids)
        found = b"* SEARCH %s\r\n%%t OK done\r\n" % b" ".join(b"%d" % uid for uid in uids)
        look = [answer(opened, expect=b"EXAMINE"), answer(found, expect=b"UID SEARCH ALL")]
        return [GREETING, LOGIN, LIST, LSUB, status(b"INBOX", numbers), *look]

    def has_new(server: ScriptedServer) -> str | None:
        return talk("GetFolderHasNewEMail", server).text("Response")

    twice = [*conversation(3, 7)[5:], LOGOUT]  # whether one is new, and which is the last
    with scripted(*conversation(3, 7), LOGOUT) as server:
        assert has_new(server) == "true"
        server._script = [*conversation(3, 7), *twice]
        assert has_new(server) == "false"
        server._script = [*conversation(3, 9), *conversation(3, 9)[5:], LOGOUT]
        assert has_new(server) == "true"


@pytest.mark.parametrize(
    "operation", ["GetFolderList", "CreateFolder", "RefreshFolderForAssociate"]
)
def test_a_server_that_falls_silent_is_given_up_in_time(
    tmp_path_factory: pytest.TempPathFactory, operation: str
) -> None:
    folder = tmp_path_factory.mktemp("silent")
    with running_service(folder, mail_read_timeout=0.5) as service:
        _, ticket = service.associate("anna")
        with scripted(GREETING, LOGIN, hang) as server:
            credentials = {
                "Server": "127.0.0.1",
                "Port": server.port,
                "Username": "u",
                "Password": "secret",
            }
            account = {"EMailAddress": "a@example.com", "IncomingCredentials": credentials}
            service.call("SaveEMailAccount", {"EMailAccount": account}, ticket=ticket)
            info = {"ServerName": f"127.0.0.1:{server.port}", "UserName": "u"}
            info |= {"Password": "secret", "Folder": "Work"}
            members = {} if operation.startswith("Refresh") else {"ConnectionInfo": info}
            reply = service.call(operation, members, ticket=ticket)
    assert "did not answer" in reply.exception["Message"]
