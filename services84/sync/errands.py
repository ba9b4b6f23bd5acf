"""Errands: what an operation does on a mail server, with the cache following at once.

An errand has one connection under one of its host's slots. When it is done, the folders that it
touched are brought level over the same connection, so that the cache shows what the server has
and the next sync finds nothing to do. What is done on the connection is the operation's matter.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services84.errors import (
    AccountInactive,
    CacheBehind,
    LoginRefused,
    MailServerUnreachable,
    NotFound,
    Services84Error,
)
from services84.imap.connection import ImapConnection
from services84.mailhost import Login, MailHost
from services84.settings import Settings
from services84.store.accounts import AccountStore
from services84.store.folders import FolderStore
from services84.store.values import Account, FolderChanges, Lease, RunOutcome, ServiceAuth
from services84.sync.engine import SyncEngine
from services84.sync.mailbox import MailServers
from services84.sync.moves import Told
from services84.sync.politeness import outcome_of_error
from services84.sync.slots import HostSlots
from services84.sync.turns import MailboxTurns
from services84.sync.values import SyncReport

log = structlog.get_logger(__name__)

SLOT_SECONDS = 10.0  # how long a caller waits for a connection that the host may have
# The longest silence of a server: a caller gives up after a minute (WCF's default), and shall
# hear the reason before that.
PATIENCE = 20.0
FOLLOW_SECONDS = 25.0  # how long the cache may take to follow
LEASE_SECONDS = 15.0  # how long the cache is waited for when a sync has the account
POLL_SECONDS = 0.1


@dataclass
class Errand:
    """One errand under way. `account_id` is the cached account of this mailbox, where there is
    one."""

    connection: ImapConnection
    account_id: int | None
    touched: set[str] = field(default_factory=set)
    told: list[Told] = field(default_factory=list)
    list_changed: bool = False
    deleted: set[str] = field(default_factory=set)
    take_turn: Callable[[], None] = field(default=lambda: None, repr=False)

    def alone(self) -> None:
        """Wait until no other call moves or saves messages of this mailbox, and let none do so
        until the errand is done and the cache has followed. What was looked up before may have
        changed by then. Raises MailServerBusy.
        """
        self.take_turn()

    def touch(self, *server_names: str) -> None:
        """These folders, by their server names, are not what they were: changed, made, deleted."""
        self.touched.update(server_names)

    def relist(self) -> None:
        """The list of folders is not what it was, nor their attributes; their mail is."""
        self.list_changed = True

    def delete(self, server_name: str) -> None:
        """Remove a folder with all its messages.

        Its cache goes as well: a server may go on listing it, because of folders below it (RFC
        3501 section 6.3.4) or, for a while, by mistake. Raises as `ImapConnection.delete_folder`.
        """
        self.touch(server_name)
        self.connection.delete_folder(server_name)
        self.deleted.add(server_name)

    def moved(
        self, source: str, target: str, uid_validity: int | None, uids: Mapping[int, int]
    ) -> None:
        """Messages went from one folder to another; old UID → new UID where the server told."""
        self.touch(source, target)
        if uid_validity is not None and uids:
            self.told.append(Told(source, target, uid_validity, dict(uids)))


class Errands:
    """Runs errands for operations. `owner` names this process in leases."""

    def __init__(
        self,
        accounts: AccountStore,
        folders: FolderStore,
        engine: SyncEngine,
        mail: MailServers,
        slots: HostSlots,
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
        turns: MailboxTurns,
    ) -> None:
        self._accounts = accounts
        self._folders = folders
        self._engine = engine
        self._mail = mail
        self._slots = slots
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._turns = turns

    @contextlib.contextmanager
    def for_account(self, account_id: int) -> Iterator[Errand]:
        """An errand in the mailbox of a cached account.

        Raises NotFound, LoginRefused for an account without server or password, and every other
        MailServerError; an error of the block goes through, after the cache has followed what
        was touched by then.
        """
        account = self._accounts.get(account_id)
        if account is None:
            raise NotFound(f"no mail account {account_id}")
        auth = _incoming(account)
        _let_rest(account, self._clock())
        with (
            self._slots.held(auth.server, SLOT_SECONDS),
            self._signed_in(account, auth) as connection,
        ):
            errand = Errand(connection, account_id)
            yield from self._follow_up(errand, auth.server, auth.username)

    @contextlib.contextmanager
    def at(self, host: MailHost, login: Login, *, account_id: int | None) -> Iterator[Errand]:
        """An errand in the mailbox that this login opens; `account_id` is the cached account
        of the same mailbox, if the caller has one. Raises as `for_account`."""
        with (
            self._slots.held(host.host, SLOT_SECONDS),
            self._mail.imap(host, login, patience=PATIENCE) as connection,
        ):
            errand = Errand(connection, account_id)
            yield from self._follow_up(errand, host.host, login.username)

    def _signed_in(self, account: Account, auth: ServiceAuth) -> ImapConnection:
        """A refused login counts as that of a sync does: it is the same to the mail server."""
        try:
            return self._mail.imap_of(auth, patience=PATIENCE)
        except LoginRefused as refusal:
            self._count(account.account_id, refusal)
            raise

    def _count(self, account_id: int, refusal: LoginRefused) -> None:
        settings, now = self._settings, self._clock()
        lease = self._accounts.take_lease(account_id, self._owner, now, settings.lease_seconds)
        account = self._accounts.get(account_id, secrets=False)
        if lease is None or account is None:
            return  # a sync has the account, and counts its own
        outcome = outcome_of_error(
            account,
            refusal,
            now,
            max_errors=settings.sync_max_errors,
            base=settings.backoff_base,
            cap=settings.backoff_cap,
        )
        self._accounts.finish_run(lease, outcome, now)

    def refresh(self, errand: Errand, server_names: Iterable[str]) -> SyncReport | None:
        """Bring folders level now; the block learns what came of it. None without an account.

        The list of folders is brought level in any case. Raises CacheBehind when that takes too
        long, after which the connection may be of no use, or when a sync of the account does;
        AccountInactive, MailServerError, LeaseLost, SyncInterrupted, StoreError.
        """
        if errand.account_id is None:
            return None
        account = self._accounts.get(errand.account_id, secrets=False)
        if account is not None and not account.options.active:
            raise AccountInactive(account.account_id, account.email_address)
        return self._level(errand, errand.account_id, server_names)

    def _level(self, errand: Errand, account_id: int, server_names: Iterable[str]) -> SyncReport:
        only = {*server_names, *errand.touched}
        lease = self._lease(account_id)
        self._forget(lease, errand)
        told, errand.told = errand.told, []
        errand.touched.clear()
        errand.list_changed = False
        with _time_limit(errand.connection, lease.account_id):
            return self._engine.follow(lease, errand.connection, only, told)

    def _forget(self, lease: Lease, errand: Errand) -> None:
        """Drop the cache of folders that were deleted; the list tells what is in their place."""
        cached = self._folders.list(lease.account_id) if errand.deleted else []
        ids = [one.folder_id for one in cached if one.server_name in errand.deleted]
        errand.deleted.clear()
        try:
            self._folders.reconcile(lease, FolderChanges(removed=ids))
        except Services84Error:
            self._accounts.finish_run(lease, RunOutcome(partial=True), self._clock())
            raise

    def _follow_up(self, errand: Errand, host: str, username: str) -> Iterator[Errand]:
        with contextlib.ExitStack() as turns:

            def take_turn() -> None:
                turns.enter_context(self._turns.taken(host, username))
                errand.take_turn = lambda: None  # it has it already

            errand.take_turn = take_turn
            try:
                yield errand
            finally:
                if errand.touched or errand.list_changed:
                    self._catch_up(errand)

    def _catch_up(self, errand: Errand) -> None:
        """What was asked for has happened; that the cache lags behind for a while is no failure
        of the operation, and the next sync mends it."""
        if errand.account_id is None:
            return
        try:
            self._level(errand, errand.account_id, ())
        except Services84Error as error:
            log.warning("errand.cache_lags", account=errand.account_id, error=error.message)

    def _lease(self, account_id: int) -> Lease:
        """The account's lease, waited for while a sync has it."""
        deadline = time.monotonic() + LEASE_SECONDS
        pause = threading.Event()
        while True:
            lease = self._accounts.take_lease(
                account_id, self._owner, self._clock(), self._settings.lease_seconds
            )
            if lease is not None:
                return lease
            if self._accounts.get(account_id, secrets=False) is None:
                raise NotFound(f"no mail account {account_id}")
            if self._engine.stopping or time.monotonic() > deadline:
                raise CacheBehind(
                    f"account {account_id} is being synced; ask again when that is done",
                    account_id,
                    retry_after=LEASE_SECONDS,
                )
            pause.wait(POLL_SECONDS)


@contextlib.contextmanager
def _time_limit(connection: ImapConnection, account_id: int) -> Iterator[None]:
    """Break the connection when the block takes too long; what was committed by then stays."""
    over = threading.Event()

    def end() -> None:
        over.set()
        connection.close()

    timer = threading.Timer(FOLLOW_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except MailServerUnreachable as error:
        if not over.is_set():
            raise
        raise CacheBehind(
            f"there is more new in account {account_id} than can be fetched while a caller waits;"
            " the next sync fetches the rest",
            account_id,
            retry_after=FOLLOW_SECONDS,
        ) from error
    finally:
        timer.cancel()


def _let_rest(account: Account, now: datetime) -> None:
    """Logins that were refused are not tried again before their time, whoever asks."""
    if account.refused_count and account.next_attempt is not None and account.next_attempt > now:
        seconds = max(1.0, (account.next_attempt - now).total_seconds())
        raise LoginRefused(
            f"not tried again for {seconds:.0f} seconds after: {account.error_reason}"
        )


def _incoming(account: Account) -> ServiceAuth:
    auth = account.incoming
    if auth is None or not auth.server:
        raise LoginRefused("the account has no incoming mail server")
    if not auth.password:
        raise LoginRefused("the account has no password for its incoming mail server")
    return auth
