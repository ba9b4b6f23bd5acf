"""What calls are told of the folders of the server that they name: Dovecot's and Courier's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.boxes import Box, box_on, carriers, dovecot_box, strings, texts
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message, quoted
from tests.support.service import Service

# By their names for people: modified UTF-7 and a quote, a comma, four levels, spaces around.
ODD = {
    "Entwürfe": "Entw&APw-rfe",
    "日本語": "&ZeVnLIqe-",
    'Say "hi" & bye': 'Say "hi" &- bye',
    "Smith, Jones, 3": "Smith, Jones, 3",
    "A/B/C/D": "A/B/C/D",
    "back\\slash": "back\\slash",
}
EVERYWHERE = pytest.mark.parametrize("box", ["dovecot", "courier"], indirect=True)
READING = ["GetFolderList", "GetFolderEMailCount", "GetFolderInfo", "GetFolderHasNewEMail"]


@pytest.fixture
def box(request: pytest.FixtureRequest, service: Service) -> Box:
    return box_on(request, service)


@pytest.fixture
def mine(service: Service, dovecot: DovecotServer) -> Box:
    return dovecot_box(service, dovecot)


def make(box: Box, *names: str, messages: int = 0, flags: str = "") -> None:
    """Folders by their server's spelling with slashes, each with messages."""
    with box.client() as client:
        for name in names:
            if name != "INBOX":
                assert client.create(quoted(box.spelt(name)))[0] == "OK"
            for number in range(messages):
                append(client, box.spelt(name), message(number), flags)


# Refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", READING)
def test_a_wrong_password_is_told(mine: Box, operation: str) -> None:
    reply = mine.call(operation, mine.info(Password="wrong"))
    assert reply.exception["ExceptionType"] == "SoMailServerException"
    assert "login refused" in reply.exception["Message"]
    assert "wrong" not in reply.exception["Message"]


@pytest.mark.parametrize("operation", READING)
def test_connection_info_is_required(mine: Box, operation: str) -> None:
    reply = mine.call(operation)
    assert reply.exception["Message"] == "ConnectionInfo: 'nil' is required"


@EVERYWHERE
@pytest.mark.parametrize("operation", ["GetFolderEMailCount", "GetFolderHasNewEMail"])
def test_a_folder_that_does_not_exist_is_named(box: Box, operation: str) -> None:
    reply = box.call(operation, box.info("Nowhere"))
    assert reply.exception["ExceptionType"] == "SoNotFoundException"
    assert reply.exception["Message"] == "ConnectionInfo/Folder: there is no folder 'Nowhere'"


@pytest.mark.parametrize("operation", ["GetFolderEMailCount", "GetFolderHasNewEMail"])
@pytest.mark.parametrize("name", ["a\tb", "a//b", "a/"])
def test_a_name_that_no_folder_has_is_named(mine: Box, operation: str, name: str) -> None:
    reply = mine.call(operation, mine.info(name))
    assert reply.exception["ExceptionType"] == "SoArgumentException"
    assert reply.exception["Message"].startswith("ConnectionInfo/Folder: ")


@EVERYWHERE
@pytest.mark.parametrize(
    ("asked", "problem"),
    [("Nowhere", "there is no folder 'Nowhere'"), ("", "'' is empty"), (None, "'' is empty")],
)
def test_what_is_no_folder_is_named_by_its_place(box: Box, asked: str | None, problem: str) -> None:
    reply = box.call("GetFolderInfo", box.info(), strings("Folders", ["INBOX", asked]))
    assert reply.exception["Message"].startswith(f"Folders/string[2]: {problem}")


# GetFolderList ----------------------------------------------------------------------------------


@EVERYWHERE
def test_the_list_has_delimiter_section_sign_and_name_with_inbox_first(box: Box) -> None:
    make(box, "Work", "Archive")
    lines = texts(box.does("GetFolderList", box.info()))
    sign = f"{box.delimiter}§"
    own = [f"{sign}{box.prefix}{name}" for name in ("Archive", "Work")]
    assert lines[0] == f"{sign}INBOX"
    assert [line for line in lines if line in own] == own


@EVERYWHERE
def test_the_list_counts_unread_and_all_messages_where_asked_to(box: Box) -> None:
    make(box, "INBOX", messages=2)
    make(box, "Smith, Jones, 3", messages=3, flags="\\Seen")
    with box.client() as client:
        append(client, box.spelt("Smith, Jones, 3"), message(9))
    lines = texts(box.does("GetFolderList", box.info() | {"IncludeItemCount": True}))
    assert f"{box.delimiter}§INBOX,2,2" in lines
    named = next(line for line in lines if "Smith" in line)
    name, unread, total = named.rsplit(",", 2)
    assert (name, unread, total) == (f"{box.delimiter}§{box.spelt('Smith, Jones, 3')}", "1", "4")


@EVERYWHERE
def test_every_folder_of_the_list_can_be_named_by_what_the_list_says(box: Box) -> None:
    for number, spelt in enumerate(ODD.values(), start=1):
        make(box, spelt, messages=number)
    lines = texts(box.does("GetFolderList", box.info() | {"IncludeItemCount": True}))
    wanted = {box.spelt(name): str(number) for number, name in enumerate(ODD, start=1)}
    seen = {}
    for line in lines:
        name, _, total = line.partition("§")[2].rsplit(",", 2)
        seen[name] = total
        counted = box.does("GetFolderEMailCount", box.info(name))
        assert counted.text("Response") == total
    assert wanted.items() <= seen.items()


@EVERYWHERE
def test_a_folder_that_holds_no_mail_is_not_in_the_list(box: Box) -> None:
    make(box, "Above/Below")
    lines = texts(box.does("GetFolderList", box.info()))
    assert f"{box.delimiter}§{box.spelt('Above/Below')}" in lines
    assert f"{box.delimiter}§{box.spelt('Above')}" not in lines


# GetFolderEMailCount ----------------------------------------------------------------------------


@EVERYWHERE
def test_messages_are_counted_and_unread_ones_where_asked_to(box: Box) -> None:
    make(box, "Work", messages=2)
    with box.client() as client:
        append(client, box.spelt("Work"), message(7), "\\Seen")

    def counted(**members: Any) -> str | None:
        return box.does("GetFolderEMailCount", box.info("Work") | members).text("Response")

    assert (counted(), counted(OnlyUnread=False), counted(OnlyUnread=True)) == ("3", "3", "2")


@EVERYWHERE
@pytest.mark.parametrize("name", [None, "", "inbox", "Inbox"])
def test_without_a_name_and_in_any_case_inbox_is_meant(box: Box, name: str | None) -> None:
    make(box, "INBOX", messages=1)
    assert box.does("GetFolderEMailCount", box.info(name)).text("Response") == "1"


def test_a_name_with_spaces_around_it_is_not_taken_for_the_one_without(mine: Box) -> None:
    make(mine, " Work", messages=1)
    make(mine, "Work", messages=2)
    assert mine.does("GetFolderEMailCount", mine.info(" Work")).text("Response") == "1"
    assert mine.does("GetFolderEMailCount", mine.info("Work ")).text("Response") == "2"


def test_soap_1_2_counts_alike(mine: Box) -> None:
    make(mine, "INBOX", messages=1)
    reply = mine.call("GetFolderEMailCount", mine.info(), version="1.2")
    assert (reply.succeeded, reply.text("Response")) == (True, "1")


# GetFolderInfo ----------------------------------------------------------------------------------


@EVERYWHERE
def test_without_names_the_subscribed_folders_are_described(box: Box) -> None:
    make(box, "Work", "Hidden", messages=1)
    with box.client() as client:
        client.subscribe(quoted(box.spelt("Work")))
    described = carriers(box.does("GetFolderInfo", box.info()))
    work = next(one for one in described if one["Name"] == box.spelt("Work"))
    assert box.spelt("Hidden") not in {one["Name"] for one in described}
    flags = work.pop("Flags").split()
    assert "Subscribed" in flags
    assert "HasNoChildren" in flags
    assert work == {
        "Name": box.spelt("Work"),
        "Delimiter": box.delimiter,
        "TotalItems": "1",
        "UnreadItems": "1",
        "Subscribed": "true",
        "EmailFolderId": "0",
    }


@EVERYWHERE
def test_named_folders_are_described_each_once_in_their_order(box: Box) -> None:
    make(box, "Entw&APw-rfe", messages=2, flags="\\Seen")
    make(box, "INBOX", messages=1)
    names = ["Entwürfe", "inbox", "INBOX", box.spelt("Entwürfe")]
    described = carriers(box.does("GetFolderInfo", box.info(), strings("Folders", names)))
    shown = [(one["Name"], one["TotalItems"], one["UnreadItems"]) for one in described]
    assert shown == [(box.spelt("Entwürfe"), "2", "0"), ("INBOX", "1", "1")]
    assert "Inbox" in described[1]["Flags"].split()


def test_an_empty_list_of_names_describes_nothing(mine: Box) -> None:
    assert carriers(mine.does("GetFolderInfo", mine.info(), strings("Folders", []))) == []


def test_a_cached_folder_is_described_with_its_id(mine: Box) -> None:
    make(mine, "Work", messages=1)
    mine.cache()
    (described,) = carriers(mine.does("GetFolderInfo", mine.info(), strings("Folders", ["Work"])))
    assert described["EmailFolderId"] == str(mine.cached()["Work"].folder_id)


def test_the_ids_of_another_associates_cache_are_not_told(mine: Box) -> None:
    make(mine, "Work")
    mine.cache()
    _, other = mine.service.associate("somebody else")
    reply = mine.call("GetFolderInfo", mine.info(), strings("Folders", ["Work"]), ticket=other)
    assert [one["EmailFolderId"] for one in carriers(reply)] == ["0"]


def test_attributes_are_told_by_their_names(mine: Box) -> None:
    make(mine, "Trash", "A/B")
    asked = strings("Folders", ["Trash", "A"])
    trash, above = carriers(mine.does("GetFolderInfo", mine.info(), asked))
    assert trash["Flags"].split() == ["HasNoChildren", "Trash"]
    assert above["Flags"].split() == ["NoSelect", "NonExistent", "HasChildren"]


# GetFolderHasNewEMail ---------------------------------------------------------------------------


@EVERYWHERE
def test_mail_is_new_once(box: Box) -> None:
    make(box, "Work")

    def has_new() -> str | None:
        return box.does("GetFolderHasNewEMail", box.info("Work")).text("Response")

    assert (has_new(), has_new()) == ("false", "false")
    with box.client() as client:
        append(client, box.spelt("Work"), message(1))
        # Another client that looks, which takes away \Recent, does not make it old.
        client.select(quoted(box.spelt("Work")))
    assert (has_new(), has_new()) == ("true", "false")


def test_at_the_first_time_all_mail_is_new(mine: Box) -> None:
    make(mine, "INBOX", messages=1, flags="\\Seen")
    assert mine.does("GetFolderHasNewEMail", mine.info()).text("Response") == "true"
    assert mine.does("GetFolderHasNewEMail", mine.info()).text("Response") == "false"


def test_what_came_and_went_is_not_new(mine: Box) -> None:
    make(mine, "INBOX", messages=1)
    mine.does("GetFolderHasNewEMail", mine.info())
    with mine.client() as client:
        append(client, "INBOX", message(5))
        client.select("INBOX")
        client.store("2", "+FLAGS", "\\Deleted")
        client.expunge()
    assert mine.does("GetFolderHasNewEMail", mine.info()).text("Response") == "false"


def test_a_folder_made_anew_is_new_as_a_whole(mine: Box) -> None:
    make(mine, "Work", messages=3)
    mine.does("GetFolderHasNewEMail", mine.info("Work"))
    with mine.client() as client:
        client.delete("Work")
    make(mine, "Work", messages=1)
    assert mine.does("GetFolderHasNewEMail", mine.info("Work")).text("Response") == "true"


def test_each_associate_and_each_folder_has_a_memory_of_its_own(mine: Box) -> None:
    make(mine, "INBOX", "Work", messages=1)
    _, other = mine.service.associate("somebody else")
    asked = mine.info("INBOX")
    assert mine.does("GetFolderHasNewEMail", asked).text("Response") == "true"
    assert mine.does("GetFolderHasNewEMail", mine.info("Work")).text("Response") == "true"
    reply = mine.call("GetFolderHasNewEMail", asked, ticket=other)
    assert reply.text("Response") == "true"
    assert mine.does("GetFolderHasNewEMail", asked).text("Response") == "false"
