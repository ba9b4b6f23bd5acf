"""Access tokens of mailboxes: used, renewed in time and after a refusal, and never twice at once.

Dovecot and aiosmtpd ask a token server whether a token is good; the service asks it for others.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from services84.errors import InvalidValue, LoginRefused, MailServerBusy, MailServerError, NotFound
from services84.security.token_answers import GivenTokens
from services84.store.values import Account, AccountDraft, AccountStatus, ServiceAuth
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import message
from tests.support.service import Reply, Service, running_service
from tests.support.submission import SubmissionServer
from tests.support.token_server import TokenListener, TokenServer, provider_file

_numbers = count(1)


@dataclass
class Mailbox:
    """An account that signs in by access tokens."""

    service: Service
    provider: TokenServer
    ticket: str
    user: str
    account_id: int

    @property
    def account(self) -> Account:
        found = self.service.services.accounts.get(self.account_id)
        assert found is not None
        return found

    @property
    def token(self) -> str:
        assert self.account.incoming is not None
        return self.account.incoming.password or ""

    def keep(self, refresh: str = "", access: str = "", seconds: int | None = 3600) -> None:
        given = GivenTokens(access, refresh or self.provider.consent(self.user), seconds)
        self.service.services.mail_tokens.keep(self.account_id, "example", given)

    def age(self, **delta: float) -> None:
        """Let time pass for the tokens."""
        then = self.service.services.mail_tokens._clock() + timedelta(**delta)
        self.service.services.mail_tokens._clock = lambda: then  # type: ignore[method-assign]

    def sync(self) -> Reply:
        members = {"SyncUserAccount": {"AccountId": self.account_id}}
        reply = self.service.call("SyncEmailAccount", members, ticket=self.ticket)
        assert reply.header("Succeeded") is not None
        return reply

    def succeeds(self) -> None:
        reply = self.sync()
        assert reply.succeeded, reply.exception
        assert self.account.status is AccountStatus.OK

    def fails(self) -> str:
        """ErrorReason after a sync that fails."""
        assert self.sync().succeeded is False
        account = self.account
        assert account.status is AccountStatus.FAILING
        for secret in (self.token, *self.provider.refreshing, *self.provider.used):
            assert not secret or secret not in account.error_reason
        return account.error_reason


def credentials(user: str, secret: str, port: int) -> dict[str, Any]:
    # In the order of the contract.
    return {
        "AuthType": "XOAUTH2",
        "Password": secret,
        "Port": port,
        "Server": "127.0.0.1",
        "Username": user,
    }


def new_mailbox(
    service: Service, provider: TokenServer, dovecot: DovecotServer, smtp_port: int = 0
) -> Mailbox:
    user = dovecot.add_user(f"bearer{next(_numbers)}", "a password that is not used")
    _, ticket = service.associate(user)
    secret = provider.access(user)
    members = {
        "EMailAddress": f"{user}@example.com",
        "IncomingCredentials": credentials(user, secret, dovecot.port_plain),
        "OutgoingCredentials": credentials(user, secret, smtp_port) if smtp_port else None,
    }
    reply = service.call("SaveEMailAccount", {"EMailAccount": members}, ticket=ticket)
    assert reply.succeeded, reply.exception
    account_id = int(reply.text("Response/EMailAccountId") or 0)
    return Mailbox(service, provider, ticket, user, account_id)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture(scope="module")
def running(folder: Path, token_listener: TokenListener) -> Iterator[Service]:
    file = provider_file(folder, f"http://127.0.0.1:{token_listener.port}/token")
    with running_service(folder, mail_oauth_file=file, backoff_cap=0.001) as service:
        yield service


@pytest.fixture
def service(running: Service) -> Iterator[Service]:
    yield running
    running.services.mail_tokens._clock = running.services.clock  # type: ignore[method-assign]


@pytest.fixture
def mailbox(service: Service, token_server: TokenServer, token_dovecot: DovecotServer) -> Mailbox:
    return new_mailbox(service, token_server, token_dovecot)


# Without the means to renew it ------------------------------------------------------------------


def test_a_bare_access_token_signs_in_until_it_is_refused(
    mailbox: Mailbox, token_dovecot: DovecotServer
) -> None:
    token_dovecot.deliver(mailbox.user, "INBOX", message(1))
    mailbox.succeeds()
    mailbox.provider.withdraw_access(mailbox.user)
    reason = mailbox.fails()
    assert "login refused" in reason
    assert mailbox.provider.renewals == 0


def test_what_cannot_be_renewed_is_not_kept(mailbox: Mailbox) -> None:
    tokens = mailbox.service.services.mail_tokens
    with pytest.raises(NotFound):
        tokens.keep(99, "example", GivenTokens("a", "r"))
    with pytest.raises(InvalidValue, match="not configured; configured: example"):
        tokens.keep(mailbox.account_id, "google", GivenTokens("a", "r"))
    with pytest.raises(InvalidValue, match="RefreshToken"):
        tokens.keep(mailbox.account_id, "example", GivenTokens("a"))
    with pytest.raises(LoginRefused, match="invalid_grant") as refused:
        tokens.keep(mailbox.account_id, "example", GivenTokens(refresh_token="never-given"))
    assert "never-given" not in refused.value.message
    assert tokens.provider_of(mailbox.account_id) is None
    assert tokens.providers == ("example",)


def test_an_account_that_signs_in_by_password_keeps_no_token(
    mailbox: Mailbox, token_dovecot: DovecotServer
) -> None:
    members = {
        "EMailAddress": "other@example.com",
        "IncomingCredentials": credentials(mailbox.user, "x", token_dovecot.port_plain)
        | {"AuthType": "Password"},
    }
    reply = mailbox.service.call(
        "SaveEMailAccount", {"EMailAccount": members}, ticket=mailbox.ticket
    )
    account_id = int(reply.text("Response/EMailAccountId") or 0)
    with pytest.raises(InvalidValue, match="OAuth"):
        mailbox.service.services.mail_tokens.keep(account_id, "example", GivenTokens("a", "r"))


# Renewing ---------------------------------------------------------------------------------------


def test_a_refresh_token_alone_is_tried_at_once(mailbox: Mailbox) -> None:
    mailbox.keep()
    assert mailbox.provider.renewals == 1
    assert mailbox.token in mailbox.provider.users
    mailbox.succeeds()
    assert mailbox.provider.renewals == 1


def test_a_token_that_is_about_to_expire_is_renewed_before_it_is_used(mailbox: Mailbox) -> None:
    old = mailbox.provider.access(mailbox.user)
    mailbox.keep(access=old, seconds=3600)
    mailbox.age(minutes=58, seconds=59)
    mailbox.succeeds()
    assert (mailbox.token, mailbox.provider.renewals) == (old, 0)
    mailbox.age(seconds=2)
    mailbox.succeeds()
    assert mailbox.token != old
    assert mailbox.provider.renewals == 1
    assert mailbox.service.services.mail_tokens.provider_of(mailbox.account_id) == "example"


def test_the_request_for_another_token_is_that_of_the_rfc(mailbox: Mailbox) -> None:
    refresh = mailbox.provider.consent(mailbox.user)
    mailbox.keep(refresh)
    path, form, headers = mailbox.provider.requests[0]
    assert path == "/token"
    assert form == {
        "grant_type": "refresh_token",
        "refresh_token": refresh,
        "client_id": "services84",
        "client_secret": "client secret/84+&=",
    }
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in headers


def test_a_client_may_show_its_secret_as_http_basic(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = mailbox.service.services.mail_tokens
    provider = replace(tokens._providers["example"], authentication="basic", scopes=("a", "b"))
    monkeypatch.setattr(tokens, "_providers", {"example": provider})
    mailbox.keep()
    _, form, headers = mailbox.provider.requests[0]
    assert "client_secret" not in form
    assert form["scope"] == "a b"
    assert headers["authorization"].startswith("Basic ")


def test_a_refused_token_is_renewed_once_and_the_sync_goes_on(mailbox: Mailbox) -> None:
    mailbox.keep()
    mailbox.age(minutes=5)
    mailbox.provider.withdraw_access(mailbox.user)
    mailbox.succeeds()
    assert mailbox.provider.renewals == 2


def test_a_token_without_a_known_end_is_used_until_it_is_refused(mailbox: Mailbox) -> None:
    mailbox.provider.tells_lifetime = False
    mailbox.keep()
    mailbox.age(days=30)
    mailbox.succeeds()
    assert mailbox.provider.renewals == 1
    mailbox.provider.withdraw_access(mailbox.user)
    mailbox.succeeds()
    assert mailbox.provider.renewals == 2


def test_a_token_that_is_refused_though_it_is_new_is_not_renewed_again(mailbox: Mailbox) -> None:
    mailbox.keep()
    mailbox.age(minutes=5)
    mailbox.provider.users.clear()
    real = mailbox.provider._access
    mailbox.provider._access = lambda user: real("somebody else")  # type: ignore[method-assign]
    reason = mailbox.fails()
    assert "had just been renewed" in reason
    assert mailbox.provider.renewals == 2
    reason = mailbox.fails()
    assert "was issued only just now" in reason
    assert mailbox.provider.renewals == 2


def test_withdrawn_consent_is_told_in_error_reason_and_asked_for_once(mailbox: Mailbox) -> None:
    mailbox.keep()
    mailbox.age(hours=2)
    mailbox.provider.withdraw_consent(mailbox.user)
    reason = mailbox.fails()
    assert reason == (
        "example gives no more access tokens (invalid_grant: *** was revoked); sign in there anew"
    )
    assert mailbox.fails() == reason
    assert mailbox.provider.renewals == 2


def test_another_consent_mends_the_account(mailbox: Mailbox) -> None:
    mailbox.keep()
    mailbox.age(hours=2)
    mailbox.provider.withdraw_consent(mailbox.user)
    mailbox.fails()
    mailbox.keep()
    mailbox.succeeds()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((500, b"<html>"), "example gives no access token now (HTTP 500)"),
        ((429, b"{}"), "example gives no access token now (HTTP 429)"),
        ((200, b"<html>"), "answered the request for an access token with HTTP 200 and no tokens"),
        ((200, b'{"access_token": ""}'), "HTTP 200 and no tokens"),
        ((200, b'{"access_token": "a\\nb"}'), "HTTP 200 and no tokens"),
        ((302, b""), "HTTP 302 and no tokens"),
        ((401, b'{"error": "invalid_client"}'), "refused to renew the access token"),
        ((200, b"x" * (1024 * 1024 + 1)), "too many bytes"),
    ],
)
def test_an_endpoint_that_gives_no_token_is_told_and_asked_again_later(
    mailbox: Mailbox, answer: tuple[int, bytes], reason: str
) -> None:
    mailbox.keep()
    mailbox.age(hours=2)
    mailbox.provider.answer = answer
    assert reason in mailbox.fails()
    mailbox.provider.answer = None
    mailbox.succeeds()


def test_an_endpoint_that_cannot_be_reached_is_told(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.keep()
    mailbox.age(hours=2)
    mailbox.provider.slow = 5.0
    monkeypatch.setattr(mailbox.service.services.mail_tokens._http, "_seconds", 0.3)
    assert "the access token cannot be renewed at example: 127.0.0.1" in mailbox.fails()
    assert "did not answer within 0.3 seconds" in mailbox.account.error_reason


def test_the_wish_of_an_endpoint_for_patience_is_heard(mailbox: Mailbox) -> None:
    mailbox.keep()
    mailbox.age(hours=2)
    mailbox.provider.answer, mailbox.provider.retry_after = (429, b"{}"), "120"
    assert mailbox.account.incoming is not None
    with pytest.raises(MailServerBusy) as busy:
        mailbox.service.services.mail_tokens.login_of(mailbox.account.incoming)
    assert busy.value.retry_after == 120


def test_a_token_that_is_forgotten_is_renewed_no_more(mailbox: Mailbox) -> None:
    mailbox.keep()
    assert mailbox.service.services.mail_tokens.forget(mailbox.account_id)
    mailbox.age(hours=2)
    mailbox.succeeds()
    assert mailbox.provider.renewals == 1


# Many at once -----------------------------------------------------------------------------------


def test_many_threads_that_need_a_token_renew_it_once(mailbox: Mailbox) -> None:
    mailbox.keep()
    mailbox.age(hours=2)
    mailbox.provider.slow = 0.2
    auth = mailbox.account.incoming
    assert auth is not None
    tokens = mailbox.service.services.mail_tokens
    with ThreadPoolExecutor(8) as threads:
        got = {login.secret for login in threads.map(lambda _: tokens.login_of(auth), range(8))}
    assert got == {mailbox.token}
    assert (mailbox.provider.renewals, mailbox.provider.reused) == (2, 0)


def _renew(folder: str, file: str, account_id: int, barrier: Any, results: Any) -> None:
    try:
        with running_service(Path(folder), mail_oauth_file=Path(file)) as service:
            account = service.services.accounts.get(account_id)
            assert account is not None
            assert account.incoming is not None
            barrier.wait(60)
            results.put(service.services.mail_tokens.login_of(account.incoming).secret)
    except BaseException as error:
        results.put(repr(error))


def test_many_processes_that_need_a_token_renew_it_once(mailbox: Mailbox, folder: Path) -> None:
    mailbox.keep(access="expired", seconds=30)  # ends so soon that it has to be renewed
    mailbox.provider.slow = 0.2
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(3), context.Queue()
    arguments = (str(folder), str(folder / "providers.toml"), mailbox.account_id)
    processes = [
        context.Process(target=_renew, args=(*arguments, barrier, results)) for _ in range(3)
    ]
    for process in processes:
        process.start()
    got = [results.get(timeout=90) for _ in processes]
    for process in processes:
        process.join(30)
    assert got == [mailbox.token] * 3
    assert (mailbox.provider.renewals, mailbox.provider.reused) == (1, 0)


def test_a_process_that_died_while_it_renewed_holds_nobody_up_for_long(mailbox: Mailbox) -> None:
    mailbox.keep(access="expired", seconds=30)
    services = mailbox.service.services
    leases = services.mail_tokens._leases
    name = f"mail token {mailbox.account_id}"
    assert leases.hold(name, "a process that is no more", services.clock(), 0.5)
    mailbox.succeeds()
    assert mailbox.provider.renewals == 1


# Sending ----------------------------------------------------------------------------------------


def test_mail_is_sent_with_a_token_that_was_renewed(
    service: Service,
    token_server: TokenServer,
    token_dovecot: DovecotServer,
    submission: SubmissionServer,
) -> None:
    mailbox = new_mailbox(service, token_server, token_dovecot, submission.port_plain)
    submission.add_user(mailbox.user, token_server.url("/introspect"))
    mailbox.keep()
    mailbox.age(minutes=5)
    token_server.withdraw_access(mailbox.user)
    to = f"friend-of-{mailbox.user}@example.org"
    mail = {"Subject": "By token", "To": {"EMailAddress": {"Address": to}}}
    emails = {"Emails": {"EMailEntity": mail}}
    reply = service.call("Send", emails, ticket=mailbox.ticket)
    assert reply.succeeded, reply.exception
    assert len(submission.received(to)) == 1
    assert token_server.renewals == 2
    assert mailbox.account.outgoing is not None
    assert mailbox.account.outgoing.password == mailbox.token

    mailbox.age(hours=2)
    token_server.withdraw_consent(mailbox.user)
    reply = service.call("Send", emails, ticket=mailbox.ticket)
    assert reply.succeeded is False
    assert "example gives no more access tokens" in reply.exception["Message"]
    assert len(submission.received(to)) == 1


def test_an_online_installation_asks_no_private_token_endpoint(
    tmp_path: Path, token_server: TokenServer
) -> None:
    file = provider_file(tmp_path, token_server.url())
    with running_service(tmp_path, mail_oauth_file=file, installation="online") as service:
        tokens = service.services.mail_tokens
        associate, _ = service.associate("anna")

        auth = ServiceAuth(0, "imap.example.com", 993, "OAuth", "anna", "token")
        account = service.services.accounts.save(
            AccountDraft(0, "a@example.com", associate.associate_id, auth, None)
        )
        with pytest.raises(MailServerError, match="not allowed"):
            tokens.keep(account.account_id, "example", GivenTokens(refresh_token="r"))
    assert token_server.requests == []
