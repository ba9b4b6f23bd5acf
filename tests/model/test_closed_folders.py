"""Mail that left a folder before it became a mere name keeps its ids."""

from __future__ import annotations

from tests.model.rig import Rig, held
from tests.support.imapmodel.server import serving


def test_mail_moved_from_a_folder_that_became_a_name_keeps_its_ids(service: Rig) -> None:
    with serving() as server:
        mailbox = server.mailbox
        for name in ("Work", "Work/2026", "Archive"):
            mailbox.make(name)
        for number in range(4):
            mailbox.add("Work", b"Message-ID: <%d@x>\r\n\r\nhello\r\n" % number)
        account_id = service.account(server)
        service.sync(account_id)
        before = {row.item_id for row in service.rows(account_id)}
        mailbox.move("Work", "Archive", lambda one: one.uid != 4)
        mailbox.make_unselectable("Work")
        report = service.sync(account_id)
        assert (report.error, report.new) == (None, 0)
        after = {row.item_id for row in service.rows(account_id)}
        assert len(after) == 3
        assert after < before
        assert service.cached(account_id) == held(mailbox)
