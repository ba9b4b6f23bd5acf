"""What is measured in which order: one mailbox after the other, its clients taking turns.

Within a case every round runs every client once, so that whatever else the machine does meets
all of them. The servers are warm: their indexes made, the mail in the system's cache.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import results as r
from benchmarks.changes import change
from benchmarks.contenders import Contender, Failed, Library, Mbsync, Run, Soap, Task
from benchmarks.mail import huge_message
from benchmarks.mailbox import Mailbox
from benchmarks.proxy import Proxy, running_proxy
from benchmarks.results import Progress, Results
from benchmarks.servers import PASSWORD, new_database, new_sqlite, user_of
from tests.support.dovecot import DovecotServer
from tests.support.postgresql import PostgresqlServer

ONE_WAY = 0.010  # seconds: a round trip of 20 ms
HUGE = 50_000_000  # bytes
SETTLED = 2.0  # seconds: mbsync waits for Maildirs that were written to within the last one


class Bench:
    """Runs the cases and fills `results`."""

    def __init__(
        self,
        dovecot: DovecotServer,
        postgresql: PostgresqlServer | None,
        state: Path,
        results: Results,
        progress: Progress,
    ) -> None:
        self._dovecot = dovecot
        self._postgresql = postgresql
        self._state = state
        self._results = results
        self._progress = progress

    def usual(self, mailbox: Mailbox, rounds: int) -> None:
        """All clients: first sync, nothing changed; both over a distance as well."""
        clients = self._clients()
        try:
            self._first(mailbox, clients, rounds)
            self._unchanged(mailbox, clients, rounds)
            near = [c for c in clients if c.moves and c.label not in (r.POSTGRESQL, r.MBSYNC)]
            self._far(mailbox, near, rounds)
        finally:
            _close(clients)

    def large(self, mailbox: Mailbox, rounds: int) -> None:
        """Few clients: first sync, nothing changed, a hundred changes."""
        clients = [c for c in self._clients() if c.label in (r.RAW, r.SQLITE, r.MBSYNC)]
        try:
            self._first(mailbox, clients, rounds)
            self._unchanged(mailbox, clients, rounds)
            self._changed(mailbox, [c for c in clients if c.stores], rounds)
        finally:
            _close(clients)

    def huge(self, rounds: int) -> None:
        """One message of 50 MB, by ours: what its process grows by."""
        user = self._dovecot.add_user("huge", PASSWORD)
        with self._dovecot.client(user) as client:
            client.append("INBOX", "", "", huge_message(HUGE))
        ours = Library(r.SQLITE, self._state / "huge", new_sqlite)
        try:
            for _ in range(rounds):
                ours.forget()
                run = ours.run(self._dovecot.port_plain, user, unchanged=False)
                self._note(r.HUGE_MESSAGE, ours, run)
        finally:
            ours.close()

    def _clients(self) -> list[Contender]:
        state = self._state
        clients: list[Contender] = [
            Task(r.RAW, "raw"),
            Task(r.IMAPLIB, "stdlib"),
            Library(r.SQLITE, state / "sqlite", new_sqlite),
            Soap(r.SOAP, state / "soap"),
            Mbsync(r.MBSYNC, state / "mbsync", fsync=True),
            Mbsync(r.MBSYNC_NO_FSYNC, state / "mbsync-no-fsync", fsync=False),
        ]
        if server := self._postgresql:
            library = Library(r.POSTGRESQL, state / "postgresql", lambda _: new_database(server))
            clients.insert(3, library)
        return clients

    # Cases --------------------------------------------------------------------------------------

    def _first(self, mailbox: Mailbox, clients: Sequence[Contender], rounds: int) -> None:
        case, port = r.first(mailbox.messages), self._dovecot.port_plain
        for _ in range(rounds):
            for client in clients:
                client.forget()
                self._note(case, client, self._run_whole(client, port, mailbox))

    def _unchanged(self, mailbox: Mailbox, clients: Sequence[Contender], rounds: int) -> None:
        case, user = r.unchanged(mailbox.messages), user_of(mailbox)
        time.sleep(SETTLED)
        with running_proxy(self._dovecot.port_plain) as proxy:
            for at in range(rounds + 1):
                for client in clients:
                    port = proxy.port if client.moves else self._dovecot.port_plain
                    proxy.reset()
                    run = client.run(port, user, unchanged=True)
                    if at:  # the first time, mbsync still waits and caches are cold
                        self._note(case, client, run, proxy if client.moves else None)
                if not at:
                    time.sleep(SETTLED)

    def _changed(self, mailbox: Mailbox, clients: Sequence[Contender], rounds: int) -> None:
        case, user = r.changed(mailbox.messages), user_of(mailbox)
        with running_proxy(self._dovecot.port_plain) as proxy:
            for turn in range(rounds):
                self._results.changed_bytes = change(self._dovecot, user, turn).bytes
                time.sleep(SETTLED)
                for client in clients:
                    proxy.reset()
                    self._note(case, client, client.run(proxy.port, user, unchanged=False), proxy)

    def _far(self, mailbox: Mailbox, clients: Sequence[Contender], rounds: int) -> None:
        user, messages = user_of(mailbox), mailbox.messages
        with running_proxy(self._dovecot.port_plain, ONE_WAY) as proxy:
            for client in clients:
                client.forget()
                proxy.reset()
                run = self._run_whole(client, proxy.port, mailbox)
                self._note(r.slowly(r.first(messages)), client, run, proxy)
            time.sleep(SETTLED)
            for _ in range(rounds):
                for client in clients:
                    proxy.reset()
                    run = client.run(proxy.port, user, unchanged=True)
                    self._note(r.slowly(r.unchanged(messages)), client, run, proxy)

    def _run_whole(self, client: Contender, port: int, mailbox: Mailbox) -> Run:
        run = client.run(port, user_of(mailbox), unchanged=False)
        if run.count != mailbox.messages:
            raise Failed(f"{client.label} got {run.count} of {mailbox.messages} messages")
        return run

    def _note(self, case: str, client: Contender, run: Run, proxy: Proxy | None = None) -> None:
        self._results.note(case, client.label, run, proxy.counts if proxy else None)
        self._progress(case, client.label, run)


def _close(clients: Sequence[Contender]) -> None:
    for client in clients:
        client.close()
