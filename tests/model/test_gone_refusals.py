"""A message that was never given and is gone is forgotten."""

from __future__ import annotations

from datetime import timedelta

from tests.model.rig import Rig
from tests.support.imapmodel.server import serving


def test_after_a_refused_message_is_gone_deltas_are_enough_again(service: Rig) -> None:
    with serving() as server:
        mailbox = server.mailbox
        for number in range(5):
            mailbox.add("INBOX", b"Message-ID: <%d@x>\r\n\r\nhello\r\n" % number)
        mailbox.folders["INBOX"].messages[3].fault = "NO"
        account_id = service.account(server)
        for _ in range(4):
            service.sync(account_id)
            service.clock.advance(timedelta(hours=2))
        mailbox.expunge("INBOX", lambda one: bool(one.fault))
        service.sync(account_id)
        (inbox,) = service.service.services.folders.list(account_id)
        assert service.service.services.items.refusals(inbox.folder_id, 1001) == {}
        server.commands.clear()
        mailbox.flag("INBOX", lambda one: one.uid == 1, "\\Flagged", on=True)
        assert service.sync(account_id).changed == 1
        assert not [said for said in server.commands if "1:* (FLAGS)" in said]
