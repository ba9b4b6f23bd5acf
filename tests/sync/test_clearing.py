"""DeleteOnReceive: received mail leaves its server when it is safe here, and never before."""

from __future__ import annotations

import pytest

from services84.errors import MailServerRefused
from services84.imap.connection import ImapConnection
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.values import FolderBatch, ItemFlag, Lease
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import UNCHANGED, LiveMail, Office
from tests.support.mailboxes import ODD, message
from tests.support.options import CLEAR, KEEP_ON_SERVER, set_options


@pytest.fixture
def mail(office: Office, dovecot: DovecotServer) -> LiveMail:
    """A mailbox that is to be cleared; nothing was synced yet."""
    mail = office.mailbox(dovecot)
    set_options(mail.service, mail.account_id, deletion_policy=CLEAR)
    return mail


def cached_sources(mail: LiveMail, folder: str = "INBOX") -> list[bytes]:
    """The bytes of what people see in a cached folder, in order of arrival."""
    items = mail.service.services.items
    found = (items.source(item_id) for _, item_id in sorted(mail.items(folder).items()))
    return [source or b"" for source in found]


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have the server offer less than it does."""
    hidden = frozenset(names)
    offered = property(lambda connection: connection._session.capabilities - hidden)
    monkeypatch.setattr(ImapConnection, "capabilities", offered)


def test_what_is_stored_leaves_the_server_and_stays_here(mail: LiveMail) -> None:
    sent = [message(number) for number in range(1, 6)] + [one for one in ODD.values() if one]
    mail.deliver(*sent)
    stored = mail.sources()

    extra = mail.sync()

    assert extra["Sync.New"] == str(len(sent))
    assert mail.state() == {}
    assert cached_sources(mail) == stored


@pytest.mark.parametrize("hidden", [(), ("QRESYNC",), ("QRESYNC", "CONDSTORE", "LIST-STATUS")])
def test_the_next_sync_finds_nothing_to_do_and_later_mail_joins_the_copies(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    hide(monkeypatch, *hidden)
    mail.deliver(message(1), message(2))
    mail.sync()
    first = mail.items("INBOX")
    for _ in range(2):
        extra = mail.sync()
        assert {name: extra[name] for name in UNCHANGED} == UNCHANGED
    mail.deliver(message(3))
    assert mail.sync()["Sync.New"] == "1"
    assert mail.state() == {}
    assert mail.items("INBOX").items() > first.items()
    assert cached_sources(mail) == [message(1), message(2), message(3)]


def test_only_inbox_is_cleared(mail: LiveMail) -> None:
    mail.deliver(message(1))
    mail.deliver(message(2), folder="Archive")
    mail.sync()
    assert mail.state() == {}
    assert mail.sources("Archive") == [message(2)]


def test_mail_from_before_the_policy_goes_as_well(office: Office, dovecot: DovecotServer) -> None:
    mail = office.mailbox(dovecot)
    mail.deliver(message(1), message(2))
    mail.sync()
    assert len(mail.state()) == 2
    set_options(mail.service, mail.account_id, deletion_policy=CLEAR)
    mail.sync()
    assert mail.state() == {}
    assert cached_sources(mail) == [message(1), message(2)]


@pytest.mark.parametrize("policy", [KEEP_ON_SERVER, None])
def test_without_the_policy_a_sync_changes_nothing_on_the_server(
    office: Office, dovecot: DovecotServer, policy: object
) -> None:
    mail = office.mailbox(dovecot)
    if policy is not None:
        set_options(mail.service, mail.account_id, deletion_policy=policy)
    mail.deliver(message(1))
    before = mail.state()
    mail.sync()
    assert mail.state() == before


def test_a_server_that_cannot_remove_single_messages_keeps_them(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "UIDPLUS")
    mail.deliver(message(1))
    before = mail.state()
    mail.sync()
    assert mail.state() == before
    assert cached_sources(mail) == [message(1)]


def test_a_server_that_refuses_keeps_them_and_the_sync_succeeds(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise MailServerRefused("read-only")

    monkeypatch.setattr(ImapConnection, "delete", refuses)
    mail.deliver(message(1))
    mail.sync()
    assert len(mail.state()) == 1
    monkeypatch.undo()
    mail.sync()
    assert mail.state() == {}
    assert cached_sources(mail) == [message(1)]


@pytest.mark.parametrize("read_back", [b"other bytes", None])
def test_what_does_not_come_back_as_it_was_given_stays_on_the_server(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch, read_back: bytes | None
) -> None:
    mail.deliver(message(1), message(2))
    source = ItemStore.source

    def damaged(store: ItemStore, item_id: int) -> bytes | None:
        found = source(store, item_id)
        return read_back if found == message(1) else found

    monkeypatch.setattr(ItemStore, "source", damaged)
    mail.sync()
    assert mail.sources() == [message(1)]
    monkeypatch.undo()
    mail.sync()
    assert mail.state() == {}
    assert sorted(cached_sources(mail)) == sorted([message(1), message(2)])


def test_a_message_that_was_to_go_and_went_meanwhile_is_kept(
    mail: LiveMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.deliver(message(1), message(2))

    # Marked to be kept, expunged, and the end of that not written down.
    apply = FolderStore.apply

    def dies(store: FolderStore, lease: Lease, folder_id: int, batch: FolderBatch) -> None:
        if batch.removed:
            raise RuntimeError("the process dies here")
        apply(store, lease, folder_id, batch)

    monkeypatch.setattr(FolderStore, "apply", dies)
    reply = mail.service.call(
        "SyncEmailAccount", {"SyncUserAccount": {"AccountId": mail.account_id}}, ticket=mail.ticket
    )
    assert not reply.succeeded
    assert mail.state() == {}
    monkeypatch.undo()
    set_options(mail.service, mail.account_id, deletion_policy=KEEP_ON_SERVER)

    mail.service.services.sync.sync(mail.account_id, force=True)

    assert cached_sources(mail) == [message(1), message(2)]


def test_flags_are_those_of_the_message_and_not_of_its_removal(mail: LiveMail) -> None:
    mail.deliver(message(1), flags="\\Seen")
    mail.deliver(message(2), flags="\\Deleted")
    mail.sync()
    items = mail.service.services.items
    flags = [items.get(one) for _, one in sorted(mail.items("INBOX").items())]
    assert [item.flags if item else None for item in flags] == [ItemFlag.SEEN, ItemFlag.NONE]


def test_a_message_that_moved_to_another_folder_is_there_and_no_copy(mail: LiveMail) -> None:
    set_options(mail.service, mail.account_id, deletion_policy=KEEP_ON_SERVER)
    mail.deliver(message(1))
    mail.deliver(message(2), folder="Archive")
    mail.sync()
    [item_id] = mail.items("INBOX").values()
    with mail.client() as client:
        client.select("INBOX")
        client.uid("MOVE", "1", "Archive")
    set_options(mail.service, mail.account_id, deletion_policy=CLEAR)
    mail.sync()
    assert mail.items("INBOX") == {}
    assert item_id in mail.items("Archive").values()
    assert len(mail.sources("Archive")) == 2


def test_another_uid_validity_leaves_the_copies_alone(mail: LiveMail) -> None:
    mail.deliver(message(1), message(2))
    mail.sync()
    renumber(mail)
    mail.deliver(message(3))
    mail.sync()
    assert mail.state() == {}
    assert sorted(cached_sources(mail)) == sorted(map(message, (1, 2, 3)))


def renumber(mail: LiveMail) -> None:
    """Give INBOX another UIDVALIDITY, as a server does that has lost its index."""
    assert isinstance(mail.server, DovecotServer)
    (mail.server.maildir(mail.user) / "dovecot-uidlist").unlink()
