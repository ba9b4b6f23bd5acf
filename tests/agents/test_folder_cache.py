"""Cached folders brought level with the server, and changed on both."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.support.boxes import Box, box_on, carriers, dovecot_box, listed, strings
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, cache_view, message, quoted, save_account, server_view
from tests.support.service import Service

EVERYWHERE = pytest.mark.parametrize("box", ["dovecot", "courier"], indirect=True)
OF_AN_ACCOUNT = ["RefreshFolderForAssociate", "CacheFolderList"]


@pytest.fixture
def box(request: pytest.FixtureRequest, service: Service) -> Box:
    return box_on(request, service)


@pytest.fixture
def mine(service: Service, dovecot: DovecotServer) -> Box:
    return dovecot_box(service, dovecot)


def fill(box: Box, *names: str) -> None:
    """Folders with three messages in each; then a sync."""
    with box.client() as client:
        for name in names:
            if name != "INBOX":
                assert client.create(quoted(box.spelt(name)))[0] == "OK"
            for number in range(3):
                append(client, box.spelt(name), message(number))
    box.cache()


def alter(box: Box, name: str) -> None:
    """In a folder that `fill` has filled: one message less, one more, one flagged."""
    with box.client() as client:
        append(client, box.spelt(name), message(50), "\\Seen")
        client.select(quoted(box.spelt(name)))
        client.uid("STORE", "1", "+FLAGS", "(\\Flagged)")
        client.uid("STORE", "2", "+FLAGS", "(\\Deleted)")
        client.expunge()


def counts(extra: dict[str, str]) -> tuple[str, str, str]:
    return extra["Sync.New"], extra["Sync.Changed"], extra["Sync.Removed"]


# RefreshFolder ----------------------------------------------------------------------------------


def test_a_mailbox_without_an_account_has_no_cache_to_refresh(mine: Box) -> None:
    reply = mine.call("RefreshFolder", mine.info(), strings("Folders", ["INBOX"]))
    assert reply.exception["ExceptionType"] == "SoNotFoundException"
    message = reply.exception["Message"]
    assert message.startswith(f"ConnectionInfo: you have no mail account for '{mine.user}' at 127.")


def test_the_account_of_another_associate_is_none_of_the_callers(mine: Box) -> None:
    fill(mine, "INBOX")
    _, other = mine.service.associate("somebody else")
    reply = mine.call("RefreshFolder", mine.info(), strings("Folders", ["INBOX"]), ticket=other)
    assert "you have no mail account for" in reply.exception["Message"]


@pytest.mark.parametrize(("port", "kind"), [("", "MailServer"), (":1143", "NotFound")])
def test_the_two_usual_ports_of_a_server_lead_to_the_same_mailbox(
    service: Service, port: str, kind: str
) -> None:
    """Which is not there in this test; another port may be that of another server."""
    host = "127.84.84.84"
    _, ticket = service.associate("clara")
    save_account(service, ticket, "clara", "secret", 993, host)
    info = {"ServerName": f"{host}{port}", "UserName": "clara", "Password": "secret"}
    reply = service.call("RefreshFolder", {"ConnectionInfo": info}, ticket=ticket)
    assert reply.exception["ExceptionType"] == f"So{kind}Exception"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("Nowhere", "Folders/string[2]: there is no folder 'Nowhere'"),
        ("", "Folders/string[2]: '' is empty"),
        (None, "Folders/string[2]: '' is empty"),
        ("a\tb", "Folders/string[2]: 'a\\tb' holds a control character"),
    ],
)
def test_one_wrong_name_and_no_folder_is_refreshed(
    mine: Box, asked: str | None, message: str
) -> None:
    fill(mine, "INBOX")
    alter(mine, "INBOX")
    reply = mine.call("RefreshFolder", mine.info(), strings("Folders", ["INBOX", asked]))
    assert reply.exception["Message"].startswith(message)
    assert counts(mine.sync()) == ("1", "1", "1")


def test_while_another_syncs_the_account_the_number_of_that_run_is_given(
    mine: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.sync.errands.LEASE_SECONDS", 0.2)
    fill(mine, "INBOX")
    services = mine.service.services
    lease = services.accounts.take_lease(mine.account_id, "another", services.clock(), 600)
    assert lease is not None
    reply = mine.does("RefreshFolder", mine.info(), strings("Folders", ["INBOX"]))
    assert reply.text("Response") == str(lease.run_id)
    assert reply.extra["Sync.State"] == "running"


def test_what_takes_too_long_goes_on_by_itself(mine: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services84.sync.errands.FOLLOW_SECONDS", 0.0)
    fill(mine, "INBOX")
    alter(mine, "INBOX")
    reply = mine.does("RefreshFolder", mine.info(), strings("Folders", ["INBOX"]))
    assert int(reply.text("Response") or 0) > 0
    assert reply.extra["Sync.State"] == "running"
    wait_until_level(mine)
    alter_more(mine)
    reply = mine.does("RefreshFolderForAssociate", more=strings("Folders", ["INBOX"]))
    (told,) = json.loads(reply.text("Response") or "")
    assert (told["name"], told["refreshed"]) == ("INBOX", False)
    wait_until_level(mine)


def alter_more(box: Box) -> None:
    with box.client() as client:
        append(client, "INBOX", message(51))


def wait_until_level(box: Box) -> None:
    """Wait for a sync in the background, without asking for one."""
    deadline = time.monotonic() + 20
    while True:
        with box.client() as client:
            seen = server_view(client)
        if cache_view(box.service, box.account_id) == seen:
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_change_is_made_even_where_the_cache_cannot_follow_in_time(
    mine: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services84.sync.errands.FOLLOW_SECONDS", 0.0)
    fill(mine, "Work")
    mine.does("EmptyFolder", mine.info("Work"))
    assert mine.cached()["Work"].total == 3
    mine.sync()
    mine.assert_level()


@EVERYWHERE
def test_named_folders_are_level_and_the_others_as_they_were(box: Box) -> None:
    fill(box, "INBOX", "Entw&APw-rfe", "Work")
    for name in ("Entw&APw-rfe", "Work"):
        alter(box, name)
    names = strings("Folders", ["Entwürfe", "INBOX", box.spelt("Entwürfe")])
    reply = box.does("RefreshFolder", box.info(), names)
    assert reply.text("Response") == "0"
    assert counts(reply.extra) == ("1", "1", "1")
    assert counts(box.sync()) == ("1", "1", "1")
    box.assert_level()


def test_without_folders_the_one_of_the_connection_is_refreshed(mine: Box) -> None:
    fill(mine, "INBOX", "Work")
    alter(mine, "Work")
    assert counts(mine.does("RefreshFolder", mine.info("Work")).extra) == ("1", "1", "1")
    mine.assert_level()


def test_an_empty_list_refreshes_nothing(mine: Box) -> None:
    fill(mine, "INBOX")
    alter(mine, "INBOX")
    reply = mine.does("RefreshFolder", mine.info(), strings("Folders", []))
    assert (reply.text("Response"), counts(reply.extra)) == ("0", ("0", "0", "0"))


def test_a_folder_that_is_new_on_the_server_is_cached_by_refreshing_it(mine: Box) -> None:
    mine.cache()
    with mine.client() as client:
        client.create("Work")
        append(client, "Work", message(1))
    assert counts(mine.does("RefreshFolder", mine.info("Work")).extra) == ("1", "0", "0")
    mine.assert_level()


# RefreshFolderForAssociate ----------------------------------------------------------------------


@pytest.mark.parametrize("operation", OF_AN_ACCOUNT)
def test_without_an_account_there_is_nothing_to_refresh(mine: Box, operation: str) -> None:
    reply = mine.call(operation)
    assert reply.exception["ExceptionType"] == "SoNotFoundException"
    assert "you have no mail account" in reply.exception["Message"]


@pytest.mark.parametrize("operation", OF_AN_ACCOUNT)
def test_refused_credentials_are_told_and_the_cache_stays(
    mine: Box, dovecot: DovecotServer, operation: str
) -> None:
    fill(mine, "INBOX")
    dovecot.add_user(mine.user, "changed since")
    reply = mine.call(operation)
    assert "login refused" in reply.exception["Message"]
    assert mine.cached()["INBOX"].total == 3


def test_a_folder_that_does_not_exist_is_named_by_its_place(mine: Box) -> None:
    fill(mine, "INBOX")
    reply = mine.call("RefreshFolderForAssociate", more=strings("Folders", ["Nowhere"]))
    assert reply.exception["ExceptionType"] == "SoNotFoundException"
    assert reply.exception["Message"] == "Folders/string[1]: there is no folder 'Nowhere'"


@EVERYWHERE
def test_an_object_for_each_folder_tells_what_was_done(box: Box) -> None:
    fill(box, "INBOX", "Entw&APw-rfe")
    alter(box, "Entw&APw-rfe")
    names = strings("Folders", ["Entwürfe", "INBOX", "inbox"])
    reply = box.does("RefreshFolderForAssociate", more=names)
    cached = box.cached()
    common = {"total": 3, "refreshed": True}
    assert json.loads(reply.text("Response") or "") == [
        {
            "name": box.spelt("Entwürfe"),
            "id": cached[box.spelt("Entw&APw-rfe")].folder_id,
            "unread": 2,
            "new": 1,
            "changed": 1,
            "removed": 1,
            **common,
        },
        {
            "name": "INBOX",
            "id": cached["INBOX"].folder_id,
            "unread": 3,
            "new": 0,
            "changed": 0,
            "removed": 0,
            **common,
        },
    ]
    box.assert_level()


def test_what_moved_between_refreshed_folders_keeps_its_id(mine: Box) -> None:
    fill(mine, "INBOX", "Work")
    items = mine.service.services.items
    before = {item.item_id for item in items.list(mine.cached()["INBOX"].folder_id, limit=10)}
    with mine.client() as client:
        client.select("INBOX")
        client.uid("MOVE", "1:3", "Work")
    reply = mine.does("RefreshFolderForAssociate", more=strings("Folders", ["INBOX", "Work"]))
    told = [(one["new"], one["removed"]) for one in json.loads(reply.text("Response") or "")]
    assert told == [(0, 3), (3, 0)]
    after = {item.item_id for item in items.list(mine.cached()["Work"].folder_id, limit=10)}
    assert before < after
    mine.assert_level()


def test_without_names_inbox_and_the_subscribed_folders_are_refreshed(mine: Box) -> None:
    fill(mine, "INBOX", "Work", "Hidden")
    with mine.client() as client:
        client.subscribe("Work")
    told = json.loads(mine.does("RefreshFolderForAssociate").text("Response") or "")
    assert {one["name"] for one in told} == {"INBOX", "Work"}


def test_an_empty_list_of_names_gives_an_empty_array(mine: Box) -> None:
    fill(mine, "INBOX")
    reply = mine.does("RefreshFolderForAssociate", more=strings("Folders", []))
    assert reply.text("Response") == "[]"


def test_a_folder_that_the_server_does_not_open_is_told(
    mine: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services84.errors import MailServerRefused
    from services84.imap.surveying import Surveying
    from services84.imap.values import Surveyed

    fill(mine, "INBOX", "Work")
    alter(mine, "Work")
    plain = Surveying.survey
    refused = Surveyed("Work", None, refusal=MailServerRefused("the folder is locked"))

    def locked(self: Any, inquiries: Any) -> Any:
        for told in plain(self, inquiries):
            yield refused if told.server_name == "Work" else told

    monkeypatch.setattr(Surveying, "survey", locked)
    reply = mine.does("RefreshFolderForAssociate", more=strings("Folders", ["Work", "INBOX"]))
    told = json.loads(reply.text("Response") or "")
    assert [(one["refreshed"], one["total"]) for one in told] == [(False, 3), (True, 3)]
    reply = mine.call("RefreshFolder", mine.info("Work"))
    assert reply.exception["Message"] == "Folders: the server did not open Work"


# CacheFolderList --------------------------------------------------------------------------------


@EVERYWHERE
def test_the_list_is_cached_and_given_with_ids_and_numbers(box: Box) -> None:
    fill(box, "INBOX", "Work")
    with box.client() as client:
        client.create(quoted(box.spelt("Entw&APw-rfe")))
        client.subscribe(quoted(box.spelt("Entw&APw-rfe")))
        client.delete(quoted(box.spelt("Work")))
        append(client, "INBOX", message(60))
    given = carriers(box.does("CacheFolderList"))
    cached = box.cached()
    assert {box.spelt("Entwürfe"), "INBOX"} <= {one["Name"] for one in given}
    assert box.spelt("Work") not in {one["Name"] for one in given}
    inbox, *others = given
    assert (inbox["Name"], inbox["TotalItems"], inbox["UnreadItems"]) == ("INBOX", "3", "3")
    assert "Inbox" in inbox["Flags"].split()
    (drafts,) = (one for one in others if one["Name"] == box.spelt("Entwürfe"))
    assert drafts["Subscribed"] == "true"
    assert drafts["Delimiter"] == box.delimiter
    assert drafts["EmailFolderId"] == str(cached[box.spelt("Entw&APw-rfe")].folder_id)
    assert box.sync()["Sync.New"] == "1"
    box.assert_level()


def test_every_name_of_the_list_is_taken_by_the_other_operations(mine: Box) -> None:
    fill(mine, "A/B/C/D", "Entw&APw-rfe", 'Say "hi"', "Smith, J")
    given = [one["Name"] for one in carriers(mine.does("CacheFolderList"))]
    asked = [name for name in given if name not in ("A", "A/B", "A/B/C")]
    described = mine.does("GetFolderInfo", mine.info(), strings("Folders", asked))
    assert [one["Name"] for one in carriers(described)] == asked


# ToggleSubscription -----------------------------------------------------------------------------


@pytest.mark.parametrize("folder_id", [None, 0, -1, 4711])
def test_a_folder_id_that_does_not_exist_is_not_found(mine: Box, folder_id: int | None) -> None:
    reply = mine.call("ToggleSubscription", {} if folder_id is None else {"FolderId": folder_id})
    assert reply.exception["ExceptionType"] == "SoNotFoundException"
    assert reply.exception["Message"] == f"no mail folder {folder_id or 0}"


def test_a_folder_of_another_associate_looks_like_none(mine: Box) -> None:
    fill(mine, "Work")
    folder_id = mine.cached()["Work"].folder_id
    _, other = mine.service.associate("somebody else")
    members = {"FolderId": folder_id, "SubscriptionStatus": True}
    reply = mine.call("ToggleSubscription", members, ticket=other)
    assert reply.exception["Message"] == f"no mail folder {folder_id}"
    with mine.client() as client:
        assert listed(client, "LSUB") == set()


def test_an_administrator_may_subscribe_for_others(mine: Box) -> None:
    fill(mine, "Work")
    _, root = mine.service.associate("root", admin=True)
    members = {"FolderId": mine.cached()["Work"].folder_id, "SubscriptionStatus": True}
    assert mine.call("ToggleSubscription", members, ticket=root).succeeded
    assert mine.cached()["Work"].subscribed


@EVERYWHERE
def test_a_cached_folder_is_subscribed_and_unsubscribed_on_its_server(box: Box) -> None:
    fill(box, "Entw&APw-rfe")
    spelt = box.spelt("Entw&APw-rfe")
    for wanted in (True, True, False):
        members = {"FolderId": box.cached()[spelt].folder_id, "SubscriptionStatus": wanted}
        box.does("ToggleSubscription", members)
        with box.client() as client:
            assert (spelt in listed(client, "LSUB")) is wanted
        assert box.cached()[spelt].subscribed is wanted
    box.assert_level()


def test_a_folder_that_is_gone_from_the_server_is_told_of(mine: Box) -> None:
    fill(mine, "Work")
    with mine.client() as client:
        client.delete("Work")
    members = {"FolderId": mine.cached()["Work"].folder_id, "SubscriptionStatus": True}
    reply = mine.call("ToggleSubscription", members)
    assert reply.exception["Message"] == "FolderId: there is no folder 'Work'"
    assert [one["Name"] for one in carriers(mine.does("CacheFolderList"))] == ["INBOX"]
