"""With a first window, only what was there before the first sync is left out, never what comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.model.rig import Rig, held
from tests.support.imapmodel import session
from tests.support.imapmodel.faults import Fault, Kind
from tests.support.imapmodel.mailbox import Message
from tests.support.imapmodel.server import Server, serving
from tests.support.imapmodel.wire import Command


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def add(service: Rig, server: Server, number: int, days: int) -> Message:
    content = b"Message-ID: <%d@x>\r\n\r\nhello\r\n" % number
    made = server.mailbox.add("INBOX", content, date=service.clock() - timedelta(days=days))
    assert made is not None
    return made


def window(service: Rig, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    monkeypatch.setitem(vars(service.service.application.settings), "sync_days", days)


def there(service: Rig, account_id: int) -> list[int]:
    return sorted(row.uid for row in service.rows(account_id))


@pytest.mark.parametrize("how", ["poison", "miscount"])
@pytest.mark.parametrize("first", [30, 0])
def test_old_mail_that_comes_while_a_folder_is_incomplete_is_fetched(
    service: Rig, server: Server, monkeypatch: pytest.MonkeyPatch, how: str, first: int
) -> None:
    window(service, monkeypatch, first)
    account_id = service.account(server)
    add(service, server, 1, 300)
    add(service, server, 2, 0)
    service.sync(account_id)
    if how == "poison":
        add(service, server, 3, 0).fault = "NO"
    else:
        add(service, server, 3, 0)
        server.faults.set(Fault(Kind.COUNT, word="EXAMINE", amount=1))
    add(service, server, 4, 0)
    service.sync(account_id)
    (inbox,) = service.service.services.folders.list(account_id)
    assert not inbox.complete
    window(service, monkeypatch, 30)
    server.mailbox.folders["INBOX"].messages[2].fault = ""
    add(service, server, 5, 200)
    for _ in range(2):
        service.clock.advance(timedelta(hours=2))
        service.sync(account_id)
    assert there(service, account_id) == ([2, 3, 4, 5] if first else [1, 2, 3, 4, 5])
    window(service, monkeypatch, 0)
    service.sync(account_id)
    assert service.cached(account_id) == held(server.mailbox)


def test_a_search_whose_answer_is_lost_leaves_nothing_out(
    service: Rig, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    window(service, monkeypatch, 30)
    account_id = service.account(server)
    add(service, server, 1, 1)

    def lost(self: session.Session, said: Command) -> list[bytes]:
        return []

    monkeypatch.setattr(session.Session, "_search", lost)
    service.sync(account_id)
    assert there(service, account_id) == [1]
