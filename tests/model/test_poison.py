"""Messages that the server does not give stop neither their folder nor the account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.model.rig import Rig
from tests.support.imapmodel.server import serving


@pytest.mark.parametrize("count", [3, 7])
def test_several_refused_messages_on_end_are_recorded_and_passed_by(
    service: Rig, count: int
) -> None:
    with serving() as server:
        for number in range(20):
            server.mailbox.add("INBOX", b"Message-ID: <%d@x>\r\n\r\nhello\r\n" % number)
        for message in server.mailbox.folders["INBOX"].messages[-count:]:
            message.fault = "NO"
        account_id = service.account(server)
        for _ in range(12):
            report = service.sync(account_id)
            service.clock.advance(timedelta(hours=2))
        assert report.error is None
        (inbox,) = service.service.services.folders.list(account_id)
        assert (inbox.total, inbox.complete) == (20 - count, True)
        refusals = service.service.services.items.refusals(inbox.folder_id, 1001)
        assert {one.tries for one in refusals.values()} == {3}
        assert len(refusals) == count
