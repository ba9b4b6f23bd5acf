"""`services84 account`: mail accounts, by the same rules as SaveEMailAccount."""

from __future__ import annotations

from collections.abc import Callable

import click

from services84.agents.email.accounts import check_hosts
from services84.agents.email.drafts import draft_of
from services84.application import Application
from services84.carriers.account import EMailAccount, ServiceAuth
from services84.cli.opening import opened_application
from services84.cli.output import say
from services84.cli.secrets_input import password_stdin, read_password, read_token, token_stdin
from services84.errors import InvalidValue, NotFound
from services84.mailhost import AUTH_TYPES, split_server
from services84.store.values import Account

IMAPS_PORT = 993
SUBMISSIONS_PORT = 465

Where = tuple[str, int]
Callback = Callable[[click.Context, click.Parameter, str | None], Where | None]


def host_and_port(usual_port: int) -> Callback:
    """Reads HOST:PORT, or HOST alone for the usual port with TLS; IPv6 addresses in brackets."""

    def read(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Where | None:
        if value is None:
            return None
        try:
            return split_server(value, usual_port)
        except ValueError as error:
            raise click.BadParameter(f"{value!r} {error}", ctx, parameter) from error

    return read


@click.group()
def account() -> None:
    """The mail accounts that are synced."""


@account.command("add")
@click.argument("address")
@click.option("--associate", "owner", required=True, metavar="NAME", help="Whose account it is.")
@click.option(
    "--imap",
    required=True,
    metavar="HOST:PORT",
    callback=host_and_port(IMAPS_PORT),
    help="Incoming mail server.",
)
@click.option(
    "--smtp",
    metavar="HOST:PORT",
    callback=host_and_port(SUBMISSIONS_PORT),
    help="Outgoing mail server.",
)
@click.option("--username", required=True, metavar="NAME", help="User name at the mail servers.")
@click.option("--auth-type", default="", metavar="TYPE", help=f"One of {AUTH_TYPES}.")
@password_stdin
def add_account(
    address: str,
    owner: str,
    imap: Where,
    smtp: Where | None,
    username: str,
    auth_type: str,
    password_stdin: bool,
) -> None:
    """Add a mail account with ADDRESS; one user name and password serve both servers."""
    with opened_application() as application:
        associate = application.services.principals.associate_by_name(owner)
        if associate is None:
            raise NotFound(f"no associate {owner}; `services84 associate add {owner}` adds one")
        password = read_password(f"Password of {username}", from_stdin=password_stdin)

        def auth(server: Where) -> ServiceAuth:
            return ServiceAuth(
                Server=server[0],
                Port=server[1],
                Username=username,
                Password=password,
                AuthType=auth_type,
            )

        carrier = EMailAccount(
            EMailAddress=address,
            IncomingCredentials=auth(imap),
            OutgoingCredentials=auth(smtp) if smtp else None,
        )
        draft = draft_of(carrier, None, associate.associate_id)
        check_hosts(draft, online=application.settings.online)
        saved = application.services.accounts.save(draft)
    say(f"account {saved.email_address} of {saved.associate_name} added, id {saved.account_id}")


@account.command("token")
@click.argument("wanted", metavar="ACCOUNT")
@click.option("--provider", metavar="NAME", help="Who renews it, a table of the providers' file.")
@click.option("--forget", is_flag=True, help="Renew the account's access token no more.")
@token_stdin
def account_token(wanted: str, provider: str | None, forget: bool, token_stdin: bool) -> None:
    """Let ACCOUNT (its id or address) sign in by access tokens that PROVIDER renews.

    Asks for what the provider gave at the consent: its token answer (JSON), or the refresh token
    alone, which is tried at once.
    """
    if forget == bool(provider):
        raise click.UsageError("give --provider or --forget.")
    with opened_application() as application:
        tokens = application.services.mail_tokens
        found = named_account(application, wanted)
        if forget:
            was = tokens.forget(found.account_id)
            say(f"{found.email_address}: " + ("its token is forgotten" if was else "has no token"))
            return
        assert provider is not None
        given = read_token(f"Token of {found.email_address}", from_stdin=token_stdin)
        tokens.keep(found.account_id, provider, given)
    say(f"{found.email_address}: signs in by access tokens of {provider}")


def named_account(application: Application, name: str) -> Account:
    """The one account of this id or address.

    Raises NotFound when there is none, InvalidValue when there are several.
    """
    found = [
        each
        for each in application.services.accounts.list_all()
        if str(each.account_id) == name or each.email_address.casefold() == name.casefold()
    ]
    if not found:
        raise NotFound(f"no mail account {name}; `services84 status` lists them")
    if len(found) > 1:
        ids = ", ".join(str(each.account_id) for each in found)
        raise InvalidValue("ACCOUNT", name, f"is the address of several; give one of {ids}")
    return found[0]
