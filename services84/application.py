"""The composition root: settings → store → engine → agents, and the front ends on top.

Puts rooms together and routes addresses to front ends; decides nothing else.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from services84.agents import TABLES
from services84.agents.gate import admit
from services84.agents.services import Services
from services84.metrics import Metrics
from services84.requestids import identified
from services84.rest.front import RestFront
from services84.rest.front import serves as is_of_the_web_api
from services84.security.identity_tokens import IdentityTokens, Rules
from services84.security.issuer_keys import IssuerKeys
from services84.security.known_passwords import KnownPasswords
from services84.security.mail_providers import read_providers
from services84.security.outbound import Dialer
from services84.security.outbound_http import HttpClient
from services84.security.vault import Vault
from services84.settings import Settings, read_settings
from services84.soap.endpoint import SoapEndpoint, asks_for_wsdl
from services84.store.accounts import AccountStore
from services84.store.attempts import LoginAttempts
from services84.store.clients import ClientStore
from services84.store.contacts import ContactStore
from services84.store.database import Database
from services84.store.documents import DocumentStore
from services84.store.folders import FolderStore
from services84.store.items import ItemStore
from services84.store.mail_tokens import MailTokenStore
from services84.store.principals import PrincipalStore
from services84.store.progress import ProgressStore
from services84.store.requests import SyncRequests
from services84.store.service_leases import ServiceLeases
from services84.store.slots import SlotStore
from services84.store.tokens import TokenStore
from services84.store.visits import FolderVisits
from services84.sync.broker import open_broker, run_worker
from services84.sync.desk import SyncDesk
from services84.sync.engine import SyncEngine
from services84.sync.errands import Errands
from services84.sync.mail_tokens import MailTokens
from services84.sync.mailbox import MailServers
from services84.sync.notices import Notices
from services84.sync.remote import RemoteDesk
from services84.sync.scheduler import Scheduler
from services84.sync.serving import Serving
from services84.sync.slots import HostSlots
from services84.sync.turns import MailboxTurns
from services84.sync.watch import InboxWatch
from services84.web.help import help_reply, index_reply, not_found_reply
from services84.web.probes import Probes
from services84.web.status.front import StatusFront
from services84.web.status.front import serves as is_of_the_status_page
from services84.wire.budget import BodyBudget

# As under IIS: case does not matter, and a tenant's segment may stand in front.
_SERVICE = re.compile(r"(?:/[^/]+)?/remote/services84/([a-z]+)\.svc/?", re.IGNORECASE)
# How long a provider of access tokens is waited for; mail servers and callers wait meanwhile.
TOKEN_SECONDS = 10.0

Environ = dict[str, Any]
Part = Literal["command", "server", "worker", "scheduler"]
StartResponse = Callable[..., Any]


def now() -> datetime:
    """The clock of the product: aware, UTC."""
    return datetime.now(UTC)


def owner_name() -> str:
    """A name for this process in leases, unlike any other process's, also after a restart."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def identity_tokens(
    settings: Settings, dialer: Dialer, clock: Callable[[], datetime]
) -> IdentityTokens | None:
    """Who says whose the configured provider's tokens are; raises ConfigurationError."""
    if not settings.oidc_issuer:
        return None
    http = HttpClient(dialer.dial, ca_file=settings.mail_ca_file, seconds=TOKEN_SECONDS)
    keys = IssuerKeys(http, settings.oidc_issuer, settings.oidc_jwks_url, time.monotonic)
    rules = Rules(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        algorithms=settings.oidc_algorithms,
        claim=settings.oidc_claim,
        leeway=settings.oidc_leeway,
    )
    return IdentityTokens(rules, keys, lambda: clock().timestamp())


class Application:
    """One process of the service; the WSGI callable is the instance itself.

    `part` is what this process is for. A server (for which `background` is short) syncs by the
    clock as well, where the settings want that and there are no workers. A worker and a scheduler
    belong to an installation of many; a command syncs in its own process, whatever is beside it.
    Raises KeyUnavailable when the key file cannot be used and SchemaMismatch when the database is
    of another version; `services84 init` makes both. Raises ConfigurationError for a wrong file
    of providers.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Callable[[], datetime] = now,
        background: bool = False,
        part: Part = "command",
    ) -> None:
        part = "server" if background else part
        self.settings = settings or read_settings()
        self.vault = Vault.load(self.settings.key_file)
        self.database = Database(
            self.settings.database_url, pool_size=self.settings.database_pool, clock=clock
        )
        self.database.check_schema()
        accounts = AccountStore(self.database, self.vault)
        folders, items = FolderStore(self.database), ItemStore(self.database)
        dialer = Dialer(online=self.settings.online, timeout=self.settings.mail_connect_timeout)
        accounts.finish_deletions()
        owner = owner_name()
        tokens = self._mail_tokens(accounts, dialer, clock, owner)
        mail = MailServers(dialer, self.settings, tokens)
        slots = HostSlots(
            SlotStore(self.database),
            clock,
            owner=owner,
            limit=self.settings.mail_connections_per_host,
            seconds=self.settings.lease_seconds,
        )
        turns = MailboxTurns(ServiceLeases(self.database), clock, owner)
        self.metrics = Metrics()
        self.engine = SyncEngine(
            accounts,
            folders,
            items,
            mail,
            self.settings,
            clock,
            self.metrics,
            Notices(accounts, folders, items, mail, slots, clock, self._language_of),
            ProgressStore(self.database),
            turn=self.settings.sync_turn if part == "worker" else None,
        )
        self.desk = SyncDesk(accounts, self.engine, slots, self.settings, clock, owner)
        requests = SyncRequests(self.database, self.settings.lease_seconds)
        self._serving = Serving(self.desk, requests, self.settings, clock, owner)
        remote = self.settings.executor == "celery" and part in ("server", "scheduler")
        self.services = Services(
            settings=self.settings,
            database=self.database,
            accounts=accounts,
            folders=folders,
            items=items,
            visits=FolderVisits(self.database),
            contacts=ContactStore(self.database),
            documents=DocumentStore(self.database),
            principals=PrincipalStore(self.database),
            clients=ClientStore(self.database),
            tokens=TokenStore(self.database),
            identity=identity_tokens(self.settings, dialer, clock),
            attempts=LoginAttempts(self.database),
            passwords=KnownPasswords(),
            sync=(
                RemoteDesk(
                    accounts, requests, open_broker(self.settings), self.settings, clock, owner
                )
                if remote
                else self.desk
            ),
            errands=Errands(
                accounts, folders, self.engine, mail, slots, self.settings, clock, owner, turns
            ),
            mail=mail,
            mail_tokens=tokens,
            slots=slots,
            metrics=self.metrics,
            clock=clock,
        )
        self._stopping = threading.Lock()
        self.scheduler = self._make_scheduler(owner)
        budget = BodyBudget(self.settings.body_budget_bytes)
        self._endpoints = {
            name.lower(): SoapEndpoint(
                table, partial(admit, self.services), self.settings, budget, self.metrics
            )
            for name, table in TABLES.items()
        }
        self._web_api = RestFront(self.services, budget)
        self._probes = Probes(self.services)
        self._status = StatusFront(self.services)
        if part == "scheduler" or (part == "server" and not remote):
            self.scheduler.start()

    def _mail_tokens(
        self, accounts: AccountStore, dialer: Dialer, clock: Callable[[], datetime], owner: str
    ) -> MailTokens:
        return MailTokens(
            MailTokenStore(self.database, self.vault),
            accounts,
            read_providers(self.settings.mail_oauth_file),
            HttpClient(dialer.dial, ca_file=self.settings.mail_ca_file, seconds=TOKEN_SECONDS),
            ServiceLeases(self.database),
            clock,
            owner,
        )

    def _language_of(self, associate_id: int) -> str:
        """In which language an associate is written to."""
        return PrincipalStore(self.database).language_of(associate_id) or self.settings.language

    def _make_scheduler(self, owner: str) -> Scheduler:
        services = self.services
        watch = InboxWatch(
            services.accounts, services.mail, services.slots, services.sync, self.settings
        )
        leases = ServiceLeases(self.database)
        return Scheduler(
            leases, services.accounts, services.sync, watch, self.settings, services.clock, owner
        )

    def work(self) -> int:
        """Serve what is asked of workers, until a signal; gives the process's exit code."""
        return run_worker(
            self.settings, self._serving.serve, self.stop, f"services84-{os.getpid()}"
        )

    def stop(self) -> None:
        """Begin no more syncs, and end the running ones at their next commit; within seconds.

        Calls are answered on; those that ask for a sync fail.
        """
        with self._stopping:
            self.scheduler.stop()
            self._serving.stop()
            self.services.sync.stop()
            self.desk.stop()

    def close(self) -> None:
        """Stop, and let go of the database."""
        self.stop()
        self.services.slots.close()
        self.database.close()

    def probe(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application that has nothing but the addresses for monitoring."""
        if environ.get("PATH_INFO") in self._probes:
            return self._probes(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"/healthz, /readyz and /metrics are here\n"]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with identified(environ, start_response, self.settings) as start:
            return self._answer(environ, start)

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO") or "/")
        if is_of_the_web_api(path):
            return self._web_api(environ, start_response)
        if path in self._probes:
            return self._probes(environ, start_response)
        if is_of_the_status_page(path):
            return self._status(environ, start_response)
        match = _SERVICE.fullmatch(path)
        endpoint = self._endpoints.get(match.group(1).lower()) if match else None
        if endpoint is None:
            reply = index_reply if path == "/" else not_found_reply
            return reply(environ, start_response, self.settings, TABLES.values())
        if environ.get("REQUEST_METHOD") in ("GET", "HEAD") and not asks_for_wsdl(environ):
            return help_reply(environ, start_response, self.settings, endpoint.table)
        return endpoint(environ, start_response)
