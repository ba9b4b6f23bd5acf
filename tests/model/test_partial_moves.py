"""What other clients have moved keeps its id, also when only its old folder is brought level."""

from __future__ import annotations

import pytest

from tests.model.rig import Rig, held
from tests.support.imapmodel.server import BASIC, CONDSTORE, FULL, LISTS, serving


@pytest.mark.parametrize("offers", [FULL, BASIC | LISTS | CONDSTORE, BASIC | LISTS])
@pytest.mark.parametrize("target", ["Work", "Brandnew"])
def test_mail_that_was_moved_from_the_folder_of_an_errand_keeps_its_ids(
    service: Rig, offers: frozenset[str], target: str
) -> None:
    with serving(offers) as server:
        server.mailbox.make("Work")
        for number in range(4):
            content = b"Message-ID: <%d@x>\r\n\r\nhello\r\n" % number
            server.mailbox.add("INBOX", content)
            server.mailbox.add("Work", b"X: 1\r\n" + content)
        account_id = service.account(server)
        service.sync(account_id)
        before = {row.item_id for row in service.rows(account_id)}
        server.mailbox.make(target)
        server.mailbox.move("INBOX", target, lambda one: one.uid <= 2)
        with service.service.services.errands.for_account(account_id) as errand:
            errand.touch("INBOX")
        assert {row.item_id for row in service.rows(account_id)} == before
        report = service.sync(account_id)
        assert (report.error, report.new, report.removed) == (None, 0, 0)
        assert {row.item_id for row in service.rows(account_id)} == before
        assert service.cached(account_id) == held(server.mailbox)
