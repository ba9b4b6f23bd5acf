"""Many accounts synced by an installation whose parts are killed meanwhile."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import requests
from sqlalchemy import text

from services84.errors import StoreError
from services84.security.vault import Vault
from services84.store.accounts import AccountStore
from services84.store.values import AccountDraft, AccountStatus, ServiceAuth
from tests.support import rabbitmq, redis
from tests.support.crowd import fill_maildir
from tests.support.installation import Installation, WebNode

MAIL_PASSWORD = "mail-secret-of-the-storm-84"
CALLERS = 16
TRIES = 12
AGAIN_SECONDS = 1.0

_COUNTS = text(
    "SELECT f.account_id, count(*), count(DISTINCT i.message_id) FROM email_item i"
    " JOIN email_folder f ON f.email_folder_id = i.email_folder_id GROUP BY f.account_id"
)


@dataclass
class Storm:
    """What was asked, what came back, and what there is in the end."""

    installation: Installation
    messages: int
    account_ids: list[int] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0

    def fill(self, accounts: int) -> None:
        """So many accounts, each with mail in its INBOX."""
        owner = self.installation.add_associate("anna", admin=True)
        dovecot, store = self.installation.dovecot, self._store()
        for number in range(accounts):
            user = dovecot.add_user(f"storm{number}", MAIL_PASSWORD)
            fill_maildir(dovecot, user, self.messages)
            auth = ServiceAuth(0, "127.0.0.1", dovecot.port_plain, "Password", user, MAIL_PASSWORD)
            draft = AccountDraft(0, f"{user}@example.com", owner, auth, None)
            self.account_ids.append(store.save(draft).account_id)

    def _store(self) -> AccountStore:
        return AccountStore(self.installation.database, Vault.load(self.installation.key_file))

    def well(self) -> int:
        """How many accounts have been synced with success, and are Ok."""
        try:
            accounts = self._store().list_all()
        except StoreError:
            return 0
        return sum(a.status is AccountStatus.OK and a.last_success is not None for a in accounts)

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def call_all(
        self, pool: ThreadPoolExecutor, webs: Sequence[WebNode], ticket: str
    ) -> list[Future[None]]:
        """A caller for every account, who tries again on another node until it has succeeded."""
        return [
            pool.submit(self._call, account_id, webs, ticket) for account_id in self.account_ids
        ]

    def _call(self, account_id: int, webs: Sequence[WebNode], ticket: str) -> None:
        members = {"SyncUserAccount": {"AccountId": account_id}}
        for number in range(TRIES):
            web = webs[(account_id + number) % len(webs)]
            begun = time.monotonic()
            try:
                reply = web.call("SyncEmailAccount", members, ticket=ticket)
            except requests.Timeout:
                self.answers["none"] += 1
                continue
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                self.answers["connection broken"] += 1
                time.sleep(AGAIN_SECONDS)
                continue
            finally:
                self.longest = max(self.longest, time.monotonic() - begun)
            answer = reply.exception.get("ExceptionType") or reply.extra.get("Sync.State", "?")
            self.answers[answer] += 1
            if reply.succeeded:
                return
            time.sleep(AGAIN_SECONDS)

    def losses(self) -> dict[int, tuple[int, int]]:
        """Accounts whose cache is not what is on the server: rows, and different messages."""
        with self.installation.database.reading() as connection:
            found = {row[0]: (row[1], row[2]) for row in connection.execute(_COUNTS)}
        whole = (self.messages, self.messages)
        return {one: found.get(one, (0, 0)) for one in self.account_ids if found.get(one) != whole}

    def leaks(self) -> list[str]:
        """Secrets that are in a log."""
        logs = self.installation.logs()
        return [
            secret
            for secret in (MAIL_PASSWORD, redis.PASSWORD, rabbitmq.PASSWORD)
            if secret in logs
        ]
