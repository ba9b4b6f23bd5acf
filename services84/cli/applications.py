"""`services84 application`: what may call an online installation, and ask for access tokens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import click

from services84.agents.access_tokens import CLIENT_CREDENTIALS, GRANTS
from services84.cli.opening import opened_principals
from services84.cli.output import say
from services84.cli.principals import named
from services84.errors import NotFound
from services84.security.access_tokens import new_client_id
from services84.security.tickets import hash_ticket
from services84.store.clients import ClientStore
from services84.store.principals import PrincipalStore
from services84.store.tokens import TokenStore
from services84.store.values import Application, OAuthClient

TOKEN_BYTES = 32


@click.group()
def application() -> None:
    """The applications that may call an online installation, or ask for access tokens."""


@application.command("add")
@click.argument("name", callback=named)
@click.option("--email-agent", is_flag=True, help="Grant the EMail agent, which is restricted.")
def add_application(name: str, email_agent: bool) -> None:
    """Add an application and print its token, which is shown this once."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with opened_principals() as principals:
        added = principals.add_application(name, hash_ticket(token), email_agent=email_agent)
    granted = "with" if added.email_agent else "without"
    say(f"application {added.name} added, id {added.application_id}, {granted} the EMail agent")
    say(f"ApplicationToken, not shown again: {token}")


@application.command("grant")
@click.argument("name", callback=named)
@click.option(
    "--grant",
    "grants",
    multiple=True,
    type=click.Choice(GRANTS),
    help="How it may ask for access tokens; once for each way, and by no other.",
)
@click.option("--acts-as", metavar="ASSOCIATE", help="Whom it is with nothing but its own secret.")
def grant(name: str, grants: Sequence[str], acts_as: str | None) -> None:
    """Let an application ask for access tokens. Without options it may not any more; what it
    was given before stays until `revoke`."""
    if (CLIENT_CREDENTIALS in grants) != bool(acts_as):
        raise click.UsageError(f"--grant {CLIENT_CREDENTIALS} and --acts-as go together.")
    with opened_principals() as principals:
        clients = ClientStore(principals.database)
        found = _known(clients, name)
        associate = principals.associate_by_name(acts_as) if acts_as else None
        if acts_as and associate is None:
            raise NotFound(f"no associate {acts_as}")
        client = clients.register(
            found.application_id,
            new_client_id(),
            grants,
            associate.associate_id if associate else None,
        )
    say(f"application {found.name}: {_ways(client)}")
    if grants:
        say(f"client id: {client.client_id}")
        say("client secret: its ApplicationToken")


@application.command("secret")
@click.argument("name", callback=named)
def new_secret(name: str) -> None:
    """Give an application another token, printed this once; its access tokens end."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with opened_principals() as principals:
        clients = ClientStore(principals.database)
        found = _known(clients, name)
        clients.set_secret_hash(found.application_id, hash_ticket(token))
    say(f"application {found.name}: its former token is worth nothing now")
    say(f"ApplicationToken, not shown again: {token}")


@application.command("revoke")
@click.argument("name", callback=named)
def revoke(name: str) -> None:
    """End all access tokens and refresh tokens of an application."""
    with opened_principals() as principals:
        found = _known(ClientStore(principals.database), name)
        ended = TokenStore(principals.database).end_grants_of(application_id=found.application_id)
    say(f"application {found.name}: {ended} grants ended")


@application.command("remove")
@click.argument("name", callback=named)
def remove(name: str) -> None:
    """Remove an application with all its tokens."""
    with opened_principals() as principals:
        clients = ClientStore(principals.database)
        found = _known(clients, name)
        clients.remove_application(found.application_id)
    say(f"application {found.name} removed")


@application.command("list")
def list_applications() -> None:
    """List the applications, with their client ids."""
    with opened_principals() as principals:
        known = ClientStore(principals.database).applications()
        lines = [_line(principals, *each) for each in known]
    for line in lines or ["no applications"]:
        say(line)


def _line(principals: PrincipalStore, application: Application, client: OAuthClient | None) -> str:
    agent = "EMail agent" if application.email_agent else "no EMail agent"
    line = f"{application.application_id} {application.name}: {agent}"
    if client is None or not client.grants:
        return line
    associate = principals.associate(client.acts_as) if client.acts_as else None
    acting = f", acts as {associate.name}" if associate else ""
    return f"{line}, {_ways(client)}{acting}, client id {client.client_id}"


def _ways(client: OAuthClient) -> str:
    return ", ".join(each for each in GRANTS if each in client.grants) or "no access tokens"


def _known(clients: ClientStore, name: str) -> Application:
    found = clients.application_by_name(name)
    if found is None:
        raise NotFound(f"no application {name}")
    return found
