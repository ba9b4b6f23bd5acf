"""Folders that go on under other names, and how few questions that takes."""

from __future__ import annotations

import pytest

from tests.model.rig import Rig, held
from tests.support.imapmodel.server import BASIC, FULL, LISTS, QRESYNC, serving


def test_a_renamed_folder_keeps_its_id_whatever_lacks_a_message_id(service: Rig) -> None:
    with serving() as server:
        server.mailbox.make("Work")
        server.mailbox.add("Work", b"Message-ID: <1@x>\r\n\r\nhello\r\n")
        server.mailbox.add("Work", b"Subject: nameless\r\n\r\nhello\r\n")
        account_id = service.account(server)
        service.sync(account_id)
        before = {row.item_id for row in service.rows(account_id)}
        folders = service.service.services.folders
        work = {one.name: one.folder_id for one in folders.list(account_id)}["Work"]
        server.mailbox.rename("Work", "Job")
        report = service.sync(account_id)
        assert (report.new, report.removed) == (0, 0)
        assert {row.item_id for row in service.rows(account_id)} == before
        assert {one.name: one.folder_id for one in folders.list(account_id)}["Job"] == work


@pytest.mark.parametrize("offers", [FULL, (BASIC | LISTS | QRESYNC) - {"LIST-STATUS"}])
def test_many_folders_that_go_and_come_are_opened_a_few_times_each(
    service: Rig, offers: frozenset[str]
) -> None:
    with serving(offers) as server:
        for number in range(12):
            server.mailbox.make(f"F{number}")
            server.mailbox.add(f"F{number}", b"Message-ID: <%d@x>\r\n\r\nhello\r\n" % number)
        account_id = service.account(server)
        service.sync(account_id)
        for number in range(12):
            server.mailbox.delete(f"F{number}")
            server.mailbox.make(f"G{number}")
        server.commands.clear()
        service.sync(account_id)
        assert sum("EXAMINE" in said for said in server.commands) <= 12 * 2 + 1
        assert service.cached(account_id) == held(server.mailbox)
