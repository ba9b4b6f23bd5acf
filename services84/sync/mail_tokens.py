"""Access tokens for mailboxes: one that works now, renewed where it has to be.

A provider may take a refresh token back when it gives the next, and ends both when the old one
comes again. So one process at a time renews an account's; whoever waited takes what it got. What
is stored how is the store's matter, and what a mail server says to a token `mailbox`'s.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from services84.errors import (
    InvalidValue,
    LoginRefused,
    MailServerBusy,
    NotFound,
)
from services84.mailhost import AUTH_TYPES, Login, Mechanism, mechanism_for
from services84.security.mail_providers import MailProvider
from services84.security.outbound_http import HttpClient
from services84.security.token_answers import GivenTokens, TokenError
from services84.security.token_requests import PERMANENT, ask
from services84.store.accounts import AccountStore
from services84.store.mail_tokens import MailTokenStore
from services84.store.service_leases import ServiceLeases
from services84.store.values import Account, MailToken, ServiceAuth

log = structlog.get_logger(__name__)

MARGIN = timedelta(seconds=60)  # a token that ends so soon may end on its way
# A token that is so young and refused is refused for another reason than its age.
YOUNG = timedelta(seconds=60)
RENEWAL_SECONDS = 30.0  # longer than a provider is waited for; a dead process's turn ends then
WAIT_SECONDS = 15.0  # how long somebody else's renewal is waited for
POLL_SECONDS = 0.1


class MailTokens:
    """Gives logins for the sides of accounts. `owner` names this process in leases."""

    def __init__(
        self,
        tokens: MailTokenStore,
        accounts: AccountStore,
        providers: Mapping[str, MailProvider],
        http: HttpClient,
        leases: ServiceLeases,
        clock: Callable[[], datetime],
        owner: str,
    ) -> None:
        self._tokens = tokens
        self._accounts = accounts
        self._providers = providers
        self._http = http
        self._leases = leases
        self._clock = clock
        self._owner = owner

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of the providers that are configured."""
        return tuple(self._providers)

    # Keeping -------------------------------------------------------------------------------------

    def keep(self, account_id: int, provider: str, given: GivenTokens) -> None:
        """Use these tokens for the sides of an account that sign in by OAuth, and renew them.

        The refresh token is tried at once unless an access token came with it.

        Raises NotFound; InvalidValue for a provider that is not configured, for tokens without a
        refresh token, and for an account of which no side signs in by OAuth; LoginRefused when
        the provider refuses the token, and the other kinds of MailServerError.
        """
        account = self._accounts.get(account_id, secrets=False)
        if account is None:
            raise NotFound(f"no mail account {account_id}")
        asked = self._provider(provider)
        if not given.refresh_token:
            raise InvalidValue("RefreshToken", "", "is missing; only with one tokens are renewed")
        sides = _sides(account)
        if not sides:
            raise InvalidValue("AuthType", "", "of the account's credentials has to be OAuth")
        if not given.access_token:
            answer = ask(self._http, asked, given.refresh_token)
            if isinstance(answer, TokenError):
                raise _refusal(asked, answer)
            given = answer
        self._tokens.keep(
            account_id,
            asked.name,
            given.refresh_token,
            given.access_token,
            self._end_of(given),
            sides,
            self._clock(),
        )

    def forget(self, account_id: int) -> bool:
        """Renew an account's access token no more; whether it was. The last one stays in use."""
        return self._tokens.forget(account_id)

    def provider_of(self, account_id: int) -> str | None:
        """Who renews an account's access token; None when nobody does."""
        token = self._tokens.of_account(account_id)
        return None if token is None else token.provider

    # Using ---------------------------------------------------------------------------------------

    def login_of(self, auth: ServiceAuth) -> Login:
        """The login of a side of an account, with an access token that has not expired.

        Its `renewed` gives the next one when a mail server refuses this. Raises InvalidValue for
        an unknown AuthType, LoginRefused when no access token is to be had, other
        MailServerError, StoreError.
        """
        login = plain_login(auth)
        if login.mechanism is not Mechanism.OAUTH or not auth.service_auth_id or not login.secret:
            return login
        token = self._tokens.of_side(auth.service_auth_id)
        if token is None:
            return login
        if not self._is_fresh(token):
            login = replace(login, secret=self._renew(token.account_id, auth, refused=None))
        return replace(login, renewed=lambda: self._after_refusal(login, token.account_id, auth))

    def _after_refusal(self, login: Login, account_id: int, auth: ServiceAuth) -> Login:
        return replace(login, secret=self._renew(account_id, auth, refused=login.secret))

    def _renew(self, account_id: int, auth: ServiceAuth, *, refused: str | None) -> str:
        """Another access token than `refused`; None stands for one that has expired."""
        with self._turn(account_id):
            token = self._tokens.of_account(account_id)
            secret = self._tokens.password_of(auth.service_auth_id)
            if token is None or (secret != refused and self._is_fresh(token)):
                return secret
            if token.problem:
                raise LoginRefused(token.problem)
            if refused is not None and self._clock() - token.renewed < YOUNG:
                raise LoginRefused("the access token was issued only just now")
            return self._renew_now(token, auth)

    def _renew_now(self, token: MailToken, auth: ServiceAuth) -> str:
        provider = self._providers.get(token.provider)
        if provider is None:
            raise LoginRefused(
                f"the access token has to be renewed at {token.provider}, which is not configured"
            )
        account = self._accounts.get(token.account_id, secrets=False)
        given = ask(self._http, provider, token.refresh_token)
        if isinstance(given, TokenError):
            refusal = _refusal(provider, given)
            if given.code == PERMANENT:
                self._tokens.give_up(token, refusal.message)
            raise refusal
        sides = _sides(account) if account is not None else []
        end, now = self._end_of(given), self._clock()
        if self._tokens.renew(token, given.refresh_token, given.access_token, end, sides, now):
            log.info("mail_token.renewed", account=token.account_id, provider=token.provider)
        return self._tokens.password_of(auth.service_auth_id)

    def _is_fresh(self, token: MailToken) -> bool:
        """Without a known end a token is good until a server refuses it."""
        return token.expires is None or token.expires - self._clock() > MARGIN

    def _end_of(self, given: GivenTokens) -> datetime | None:
        if given.seconds is None:
            return None
        return self._clock() + timedelta(seconds=given.seconds)

    @contextmanager
    def _turn(self, account_id: int) -> Iterator[None]:
        """One renewal of an account's token at a time, in all processes together."""
        name, owner = f"mail token {account_id}", f"{self._owner} {secrets.token_hex(8)}"
        deadline = time.monotonic() + WAIT_SECONDS
        pause = threading.Event()
        while not self._leases.hold(name, owner, self._clock(), RENEWAL_SECONDS):
            if time.monotonic() > deadline:
                raise MailServerBusy("the access token of the account is being renewed")
            pause.wait(POLL_SECONDS)
        try:
            yield
        finally:
            self._leases.release(name, owner)

    def _provider(self, name: str) -> MailProvider:
        found = self._providers.get(name)
        if found is None:
            known = ", ".join(self._providers) or "none"
            raise InvalidValue("Provider", name, f"is not configured; configured: {known}")
        return found


def plain_login(auth: ServiceAuth) -> Login:
    """The login that a ServiceAuth describes; raises InvalidValue for an unknown AuthType."""
    mechanism = mechanism_for(auth.auth_type)
    if mechanism is None:
        raise InvalidValue("AuthType", auth.auth_type, f"is none of {AUTH_TYPES}")
    return Login(auth.username, auth.password or "", mechanism)


def _sides(account: Account) -> list[int]:
    """The sides of an account that sign in by OAuth, by their ids."""
    return [
        auth.service_auth_id
        for auth in (account.incoming, account.outgoing)
        if auth is not None and mechanism_for(auth.auth_type) is Mechanism.OAUTH
    ]


def _refusal(provider: MailProvider, said: TokenError) -> LoginRefused:
    if said.code == PERMANENT:
        return LoginRefused(
            f"{provider.name} gives no more access tokens ({said}); sign in there anew"
        )
    return LoginRefused(f"{provider.name} refused to renew the access token ({said})")
