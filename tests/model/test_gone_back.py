"""A server that is restored from its backup gives the same UIDs to other messages."""

from __future__ import annotations

import pytest

from tests.model.history import OFFERS
from tests.model.rig import Rig, held
from tests.support.imapmodel.server import serving


def content(number: int) -> bytes:
    return b"Message-ID: <%d@x>\r\n\r\nhello %d\r\n" % (number, number)


@pytest.mark.parametrize("offers", OFFERS)
@pytest.mark.parametrize("above", [0, 3])
def test_uids_that_are_given_again_are_other_messages(
    service: Rig, offers: str, above: int
) -> None:
    with serving(OFFERS[offers]) as server:
        for number in range(6):
            server.mailbox.add("INBOX", content(number))
        account_id = service.account(server)
        service.sync(account_id)
        before = {row.uid: row.item_id for row in service.rows(account_id)}
        inbox = server.mailbox.folders["INBOX"]
        del inbox.messages[4:]
        inbox.uid_next, inbox.mod_seq = 5, 5 + above
        server.mailbox.add("INBOX", content(77))
        for _ in range(2):
            assert service.sync(account_id).error is None
        assert service.cached(account_id) == held(server.mailbox)
        after = {row.uid: row.item_id for row in service.rows(account_id)}
        assert {uid: after[uid] for uid in range(1, 5)} == {u: before[u] for u in range(1, 5)}
