"""`services84 account`: mail accounts, by the same rules as SaveEMailAccount."""

from __future__ import annotations

import click

from services84.agents.email.accounts import check_hosts
from services84.agents.email.drafts import draft_of
from services84.carriers.account import EMailAccount, ServiceAuth
from services84.cli.opening import opened_application
from services84.cli.output import say
from services84.cli.secrets_input import password_stdin, read_password
from services84.errors import NotFound
from services84.mailhost import AUTH_TYPES

IMAPS_PORT = 993
SUBMISSIONS_PORT = 465
HIGHEST_PORT = 65535


class HostAndPort(click.ParamType):
    """HOST:PORT, or HOST alone for the usual port with TLS; IPv6 addresses in brackets."""

    name = "HOST:PORT"

    def __init__(self, usual_port: int) -> None:
        self.usual_port = usual_port

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, port = split_host(str(value).strip())
        if not host:
            self.fail(f"{value!r} names no host", param, ctx)
        if not port:
            return host, self.usual_port
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= HIGHEST_PORT):
            self.fail(f"{port!r} is no port from 1 to {HIGHEST_PORT}", param, ctx)
        return host, int(port)


def split_host(text: str) -> tuple[str, str]:
    """Host and port of `host`, `host:port`, `[address]:port` or a bare IPv6 address."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    if text.count(":") > 1:
        return text, ""
    host, _, port = text.partition(":")
    return host, port


@click.group()
def account() -> None:
    """The mail accounts that are synced."""


@account.command("add")
@click.argument("address")
@click.option("--associate", "owner", required=True, metavar="NAME", help="Whose account it is.")
@click.option("--imap", required=True, type=HostAndPort(IMAPS_PORT), help="Incoming mail server.")
@click.option("--smtp", type=HostAndPort(SUBMISSIONS_PORT), help="Outgoing mail server.")
@click.option("--username", required=True, metavar="NAME", help="User name at the mail servers.")
@click.option("--auth-type", default="", metavar="TYPE", help=f"One of {AUTH_TYPES}.")
@password_stdin
def add_account(
    address: str,
    owner: str,
    imap: tuple[str, int],
    smtp: tuple[str, int] | None,
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

        def auth(server: tuple[str, int]) -> ServiceAuth:
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
