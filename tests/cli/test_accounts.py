"""`services84 account add`, `sync` and `status`, against a real mail server."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

from services84.application import Application
from services84.store.values import AccountStatus
from tests.cli.conftest import Run
from tests.support.dovecot import DovecotServer
from tests.support.mailboxes import append, message
from tests.support.server import free_port
from tests.support.token_server import TokenServer, provider_file

PASSWORD = "mail secret"


@pytest.fixture
def anna(installed: Run) -> Run:
    """An installation with the associate anna."""
    assert (
        installed("associate", "add", "anna", "--password-stdin", stdin="long enough").exit_code
        == 0
    )
    return installed


def add(run: Run, address: str, *options: str, imap: str = "imap.example.com:993") -> Result:
    command = ["account", "add", address, "--associate", "anna", "--imap", imap]
    command += ["--username", "anna", "--password-stdin", *options]
    return run(*command, stdin=PASSWORD)


@pytest.mark.parametrize(
    "imap",
    [
        *["h:0", "h:65536", "h:imap", "host:", ":993", "", "h h:1", f"h:{'9' * 5000}", "a:b:c"],
        *["[::1", "[::1]:", "[::1]x", "[::1]993", "[]:993", "[h]:993", "[::1]:0", "::1]:993"],
    ],
)
def test_a_wrong_server_is_refused(anna: Run, imap: str) -> None:
    result = add(anna, "anna@example.com", imap=imap)
    assert result.exit_code == 2
    assert "--imap" in result.stderr


def test_an_unknown_associate_is_named(installed: Run) -> None:
    result = add(installed, "anna@example.com")
    assert result.exit_code == 1
    assert "no associate anna" in result.stderr


@pytest.mark.parametrize(
    ("address", "options", "problem"),
    [
        ("anna", [], "EMailAddress"),
        ("anna@example.com", ["--auth-type", "kerberos"], "AuthType"),
    ],
)
def test_the_rules_are_those_of_save_email_account(
    anna: Run, address: str, options: list[str], problem: str
) -> None:
    result = add(anna, address, *options)
    assert result.exit_code == 2
    assert problem in result.stderr


def test_an_account_is_stored_with_both_servers(anna: Run, application: Application) -> None:
    result = add(anna, "anna@example.com", "--smtp", "smtp.example.com", "--auth-type", "OAuth2")
    assert result.exit_code == 0, result.stderr
    (listed,) = application.services.accounts.list_all()
    assert f"id {listed.account_id}" in result.stdout
    account = application.services.accounts.get(listed.account_id)
    assert account is not None
    assert account.associate_name == "anna"
    assert account.incoming is not None
    assert account.outgoing is not None
    assert (account.incoming.server, account.incoming.port) == ("imap.example.com", 993)
    assert (account.outgoing.server, account.outgoing.port) == ("smtp.example.com", 465)
    assert account.incoming.password == account.outgoing.password == PASSWORD
    assert account.incoming.auth_type == "OAuth2"


def test_a_literal_address_that_is_never_connected_to_is_refused(anna: Run) -> None:
    result = add(anna, "anna@example.com", imap="169.254.169.254:993")
    assert result.exit_code == 2
    assert "169.254.169.254" in result.stderr


def test_nothing_to_sync_is_no_failure(installed: Run) -> None:
    assert installed("sync").exit_code == 0
    assert installed("sync", "--all").exit_code == 0


def test_sync_of_an_unknown_account_fails(installed: Run) -> None:
    result = installed("sync", "77")
    assert result.exit_code == 1
    assert "no mail account 77" in result.stderr


def test_accounts_and_all_are_one_too_many(installed: Run) -> None:
    assert installed("sync", "--all", "1").exit_code == 2


def test_a_sync_that_fails_ends_with_1_and_its_reason(anna: Run, application: Application) -> None:
    port = free_port()
    add(anna, "anna@example.com", imap=f"127.0.0.1:{port}")
    result = anna("sync", "anna@example.com")
    assert result.exit_code == 1
    assert "anna@example.com" in result.stderr
    assert f"127.0.0.1:{port}" in result.stderr
    (account,) = application.services.accounts.list_all()
    assert account.status is AccountStatus.FAILING
    status = anna("status")
    assert status.exit_code == 0
    assert "Failing" in status.stdout
    assert account.error_reason in status.stdout


def test_a_sync_shows_what_came_and_status_says_so(anna: Run, dovecot: DovecotServer) -> None:
    dovecot.add_user("anna-cli", PASSWORD)
    with dovecot.client("anna-cli") as client:
        for number in range(3):
            append(client, "INBOX", message(number))
    added = anna(
        *["account", "add", "Anna@example.com", "--associate", "anna"],
        *["--imap", f"127.0.0.1:{dovecot.port_plain}", "--username", "anna-cli"],
        "--password-stdin",
        stdin=PASSWORD,
    )
    assert added.exit_code == 0, added.stderr
    assert "New" in anna("status").stdout
    first = anna("sync")
    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith("Anna@example.com: 3 new, 0 changed, 0 removed")
    second = anna("sync", "anna@EXAMPLE.com")
    assert second.stdout.startswith("Anna@example.com: 0 new, 0 changed, 0 removed")
    shown = anna("status").stdout
    assert "Anna@example.com" in shown
    assert "Ok" in shown


def test_status_without_accounts(installed: Run) -> None:
    result = installed("status")
    assert result.exit_code == 0
    assert "no mail accounts" in result.stdout


@pytest.fixture
def bearer(anna: Run, token_server: TokenServer, installation: Path) -> Run:
    """An installation with a provider of access tokens, and an account that signs in by them."""
    provider_file(installation, token_server.url())
    assert add(anna, "anna@example.com", "--auth-type", "XOAUTH2").exit_code == 0
    return anna


def token(run: Run, *options: str, stdin: str = "", account: str = "ANNA@example.com") -> Result:
    command = ["account", "token", account, *options, "--token-stdin"]
    return run(*command, stdin=stdin)


@pytest.mark.parametrize(
    ("options", "stdin", "code", "problem"),
    [
        ([], "r", 2, "--provider or --forget"),
        (["--provider", "example", "--forget"], "r", 2, "--provider or --forget"),
        (["--provider", "example"], " \n", 2, "it is empty"),
        (["--provider", "example"], "two words", 2, "is no token"),
        (["--provider", "example"], '{"access_token": "only"}', 2, "RefreshToken"),
        (["--provider", "google"], "r", 2, "not configured"),
        (["--provider", "example"], "never-given", 1, "invalid_grant"),
    ],
)
def test_a_token_that_cannot_be_renewed_is_refused(
    bearer: Run,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    stdin: str,
    code: int,
    problem: str,
) -> None:
    monkeypatch.setenv("SERVICES84_MAIL_OAUTH_FILE", "providers.toml")
    result = token(bearer, *options, stdin=stdin)
    assert (result.exit_code, problem in result.stderr) == (code, True), result.stderr
    assert "never-given" not in result.output


def test_a_refresh_token_is_taken_and_forgotten(
    bearer: Run,
    application: Application,
    token_server: TokenServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SERVICES84_MAIL_OAUTH_FILE", "providers.toml")
    refresh = token_server.consent("anna")
    result = token(bearer, "--provider", "example", stdin=f"{refresh}\n")
    assert result.exit_code == 0, result.stderr
    assert "signs in by access tokens of example" in result.stdout
    account = application.services.accounts.list_all()[0]
    opened = application.services.accounts.get(account.account_id)
    assert opened is not None
    assert opened.incoming is not None
    assert opened.incoming.password in token_server.users
    assert application.services.mail_tokens.provider_of(account.account_id) == "example"
    result = token(bearer, "--forget", account=str(account.account_id))
    assert "its token is forgotten" in result.stdout
    assert application.services.mail_tokens.provider_of(account.account_id) is None
    assert "has no token" in token(bearer, "--forget").stdout


def test_an_account_that_is_not_the_only_one_is_asked_for_by_id(bearer: Run) -> None:
    add(bearer, "anna@example.com")
    result = token(bearer, "--forget")
    assert result.exit_code == 2
    assert "give one of 1, 2" in result.stderr
    assert token(bearer, "--forget", account="9").exit_code == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[example", "is no TOML"),
        ("[example]\nclient_id = 'x'\nclient_secret = 'hush'\n", "has no token_url"),
        ("[example]\nclient_sekret = 'hush'\n", "client_sekret is not known"),
    ],
)
def test_a_wrong_file_of_providers_stops_every_process_and_shows_no_secret(
    installed: Run, installation: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    (installation / "providers.toml").write_text(text)
    (installation / "providers.toml").chmod(0o600)
    monkeypatch.setenv("SERVICES84_MAIL_OAUTH_FILE", "providers.toml")
    for command in (["sync", "--all"], ["serve"]):
        result = installed(*command)
        assert result.exit_code == 2
        assert problem in result.stderr
        assert "hush" not in result.output
