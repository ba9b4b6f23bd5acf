"""`services84 associate`: who may call."""

from __future__ import annotations

import click

from services84.cli.opening import opened_principals
from services84.cli.output import say
from services84.cli.secrets_input import password_stdin, read_password
from services84.errors import NotFound
from services84.roles import Role, role_named
from services84.security.passwords import hash_password
from services84.store.principals import PrincipalStore
from services84.store.tokens import TokenStore
from services84.store.values import Associate
from services84.texts.languages import LANGUAGES, known_language

LEAST_PASSWORD = 8


def named(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """A name without the blanks around it; a usage error when nothing is left."""
    name = value.strip()
    if not name:
        raise click.BadParameter("a name is required", ctx, parameter)
    return name


@click.group()
def associate() -> None:
    """The users of the service."""


@associate.command("add")
@click.argument("name", callback=named)
@click.option("--admin", is_flag=True, help="May see and sync the accounts of all associates.")
@click.option("--full-name", default="", help="The name for people.")
@password_stdin
def add_associate(name: str, admin: bool, full_name: str, password_stdin: bool) -> None:
    """Add an associate, who signs in with NAME and a password."""
    with opened_principals() as principals:
        password = read_password(
            f"Password of {name}", from_stdin=password_stdin, least=LEAST_PASSWORD, confirm=True
        )
        added = principals.add_associate(
            name, hash_password(password), full_name=full_name, is_admin=admin
        )
    role = "administrator" if added.is_admin else "associate"
    say(f"{role} {added.name} added, id {added.associate_id}")


@associate.command("password")
@click.argument("name", callback=named)
@password_stdin
def change_password(name: str, password_stdin: bool) -> None:
    """Give an associate another password, and end the tickets and tokens of the old one."""
    with opened_principals() as principals:
        found = _known(principals, name)
        password = read_password(
            f"Password of {name}", from_stdin=password_stdin, least=LEAST_PASSWORD, confirm=True
        )
        principals.set_password_hash(found.associate_id, hash_password(password))
        ended = _end(principals, found)
    say(f"password of {found.name} changed, {ended}")


@associate.command("revoke")
@click.argument("name", callback=named)
def revoke_tickets(name: str) -> None:
    """End all tickets of an associate, and the tokens of applications that act as it."""
    with opened_principals() as principals:
        found = _known(principals, name)
        ended = _end(principals, found)
    say(ended)


def _role(ctx: click.Context, parameter: click.Parameter, value: str) -> Role:
    """A role by its name; a usage error that lists them for any other."""
    found = role_named(value)
    if found is None:
        problem = f"{value!r} is none of {', '.join(Role)}"
        raise click.BadParameter(problem, ctx, parameter)
    return found


@associate.command("grant-role")
@click.argument("name", callback=named)
@click.argument("role", callback=_role)
def grant_role(name: str, role: Role) -> None:
    """Let an associate manage mail accounts, everybody's: ROLE is EmailAccount-Read, -Create,
    -Edit or -Delete."""
    with opened_principals() as principals:
        found = _known(principals, name)
        fresh = principals.grant_role(found.associate_id, role)
    say(f"{found.name} has {role} now" if fresh else f"{found.name} had {role} already")


@associate.command("revoke-role")
@click.argument("name", callback=named)
@click.argument("role", callback=_role)
def revoke_role(name: str, role: Role) -> None:
    """Take a role away from an associate."""
    with opened_principals() as principals:
        found = _known(principals, name)
        had = principals.revoke_role(found.associate_id, role)
    say(f"{found.name} has {role} no more" if had else f"{found.name} did not have {role}")


def _language(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """A language by its code, empty for `default`; a usage error that lists them for any other."""
    if value.strip().lower() == "default":
        return ""
    found = known_language(value)
    if found is None:
        problem = f"{value!r} is none of {', '.join(LANGUAGES)}, default"
        raise click.BadParameter(problem, ctx, parameter)
    return found


@associate.command("language")
@click.argument("name", callback=named)
@click.argument("language", callback=_language)
def set_language(name: str, language: str) -> None:
    """Say in which LANGUAGE an associate gets notices: en, no, sv, da, de, nl, or default for
    the installation's."""
    with opened_principals() as principals:
        found = _known(principals, name)
        principals.set_language(found.associate_id, language)
    say(f"{found.name} is written to in {language or 'the language of the installation'}")


def _known(principals: PrincipalStore, name: str) -> Associate:
    """The associate of this name; raises NotFound."""
    found = principals.associate_by_name(name)
    if found is None:
        raise NotFound(f"no associate {name}")
    return found


def _end(principals: PrincipalStore, associate: Associate) -> str:
    """End whatever an associate has signed in by; gives that in words."""
    tickets = principals.revoke_tickets(associate.associate_id)
    grants = TokenStore(principals.database).end_grants_of(associate_id=associate.associate_id)
    return f"{tickets} tickets of {associate.name} ended" + (
        f", {grants} applications signed out" if grants else ""
    )
