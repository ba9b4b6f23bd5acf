"""Telling an account's notification address of new mail: one notice a sync, through its own server.

A message is told of at most once: that it is being told of is committed before the notice is sent,
and a notice that cannot be sent is not sent later. Which mail is new, `plan.news` says. A notice is
none of the things that are told of, nor is what machines answer to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from email.utils import make_msgid

import structlog

from services84.errors import LoginRefused, Services84Error, StoreError
from services84.mime.addresses import Address, domain_of
from services84.mime.automatic import is_automatic_reply
from services84.mime.compose import compose
from services84.mime.draft import Draft
from services84.store.accounts import AccountStore
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.slots import host_key
from services84.store.values import Account, Item, Lease, ServiceAuth
from services84.sync.mailbox import MailServers
from services84.sync.slots import HostSlots, Slot
from services84.texts.languages import speech_for
from services84.texts.translation import translate

log = structlog.get_logger(__name__)

SHOWN = 20  # messages that a notice names
LOOKED_AT = 200  # messages whose bytes are looked at; that many at once are no answers to a notice
LONGEST_LINE = 120  # characters of a sender or a subject
MARK = "services84-notice"
SLOT_SECONDS = 10.0  # how long a connection to the outgoing server is waited for
PATIENCE = 20.0
VERDICT_SECONDS = 30.0


class Notices:
    """Sends notices for syncs, which call `tell` when they have succeeded."""

    def __init__(
        self,
        accounts: AccountStore,
        folders: FolderStore,
        items: ItemStore,
        mail: MailServers,
        slots: HostSlots,
        clock: Callable[[], datetime],
        language_of: Callable[[int], str],
    ) -> None:
        """`language_of` tells the language of the associate of an id."""
        self._accounts = accounts
        self._folders = folders
        self._items = items
        self._mail = mail
        self._slots = slots
        self._clock = clock
        self._language_of = language_of

    def tell(self, lease: Lease, slot: Slot | None, close: Callable[[], None]) -> None:
        """Tell of what is new in the account of `lease`, if there is something and somebody.

        `slot` is the sync's, whose connection `close` closes before there is another. What goes
        wrong with the notice is no failure of the sync. Raises StoreError, LeaseLost.
        """
        news = self._folders.take_news(lease)
        if not news:
            return
        close()
        try:
            account = self._accounts.get(lease.account_id)
            if account is None or not _wants_notices(account):
                return
            told = [*filter(self._is_worth_it, news[:LOOKED_AT]), *news[LOOKED_AT:]]
            if told:
                self._send(account, told, slot)
        except StoreError:
            raise
        except Services84Error as error:
            log.warning("notice.not_sent", account=lease.account_id, reason=error.message)

    def _is_worth_it(self, item: Item) -> bool:
        if MARK in item.message_id:
            return False
        source = self._items.source(item.item_id)
        return source is None or not is_automatic_reply(source)

    def _send(self, account: Account, told: Sequence[Item], slot: Slot | None) -> None:
        auth = _outgoing(account)
        sender = Address(account.options.display_name, account.email_address)
        recipient = account.options.notification_email
        date, language = self._clock(), self._language_of(account.associate_id)
        source = compose(notice(sender, recipient, told, language), date=date)
        host, login = self._mail.where_of(auth), self._mail.login_of(auth)
        with (
            self._slot(auth, slot),
            self._mail.smtp(host, login, patience=PATIENCE, verdict=VERDICT_SECONDS) as session,
        ):
            session.send(account.email_address, [recipient], source)
        log.info("notice.sent", account=account.account_id, messages=len(told))

    def _slot(self, auth: ServiceAuth, slot: Slot | None) -> AbstractContextManager[object]:
        """A connection that the host may have: the sync's own, where it is the same host."""
        if slot is not None and slot.host == host_key(auth.server):
            return nullcontext()
        return self._slots.held(auth.server, SLOT_SECONDS)


def notice(sender: Address, recipient: str, told: Sequence[Item], language: str = "en") -> Draft:
    """The notice of some new messages, in a language; pure, apart from its Message-ID."""
    speech = speech_for([language])
    subject = translate(_subject(sender.address, len(told)), speech)
    nobody, nothing = translate(_NOBODY_WORDS, speech), translate(_NOTHING_WORDS, speech)
    lines = [
        f"{_short(item.sender) or f'({nobody})'}: {_short(item.subject) or f'({nothing})'}"
        for item in told[:SHOWN]
    ]
    if len(told) > SHOWN:
        count = len(told) - SHOWN
        more_words = f"and {count} more"
        lines.append(translate(more_words, speech))
    return Draft(
        sender=sender,
        to=(Address("", recipient),),
        subject=subject,
        plain="\n".join([f"{subject}:", "", *lines, ""]),
        message_id=make_msgid(MARK, domain=domain_of(sender.address)),
        custom_headers=(("Auto-Submitted", "auto-generated"),),
    )


_NOBODY_WORDS = "no sender"
_NOTHING_WORDS = "no subject"


def _subject(address: str, count: int) -> str:
    one_words = f"1 new message for {address}"
    many_words = f"{count} new messages for {address}"
    return one_words if count == 1 else many_words


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def _wants_notices(account: Account) -> bool:
    options = account.options
    return options.send_notification and bool(options.notification_email)


def _outgoing(account: Account) -> ServiceAuth:
    auth = account.outgoing
    if auth is None or not auth.server or not auth.password:
        raise LoginRefused("the account has no outgoing mail server, or no password for it")
    return auth
