"""From an EmailAccount record and what is stored to the draft that saves it. Pure.

A property that is left out stays as it is, or is the usual one of a new account. Problems are added
to those that reading has found; a draft is worth something only without any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from services84.agents.account_members import (
    checked_address,
    checked_password,
    checked_port,
    checked_server,
    checked_text,
    differs,
)
from services84.agents.convert import PASSWORD_MASK
from services84.agents.crm.properties import TOKENS
from services84.agents.crm.reading import Record
from services84.errors import InvalidValue
from services84.mailhost import IMPLICIT_TLS_PORTS, Mechanism, mechanism_for
from services84.mime.addresses import checked_address as checked_mailbox
from services84.security.outbound import literal_refusal
from services84.security.token_answers import GivenTokens, is_token, read_given
from services84.store.account_options import AccountOptions, DeletionPolicy
from services84.store.values import Account, AccountDraft, ServiceAuth

TOKEN_TYPE = "XOAUTH2"
USUAL_POLICY = DeletionPolicy.DELETE_WHEN_DELETING
BOTH_TOKENS = "cannot be given along with GoogleAccessToken: an account signs in by one of them"
TOKEN_AND_PASSWORD = "cannot be given along with an access token, which stands in its place"

Value = TypeVar("Value")


@dataclass(frozen=True)
class _Side:
    """One direction of an account, as records call it."""

    prefix: str
    stored: ServiceAuth | None

    @property
    def secret(self) -> str:
        return f"{self.prefix}ServerPassword"


def draft_of(
    record: Record, stored: Account | None, associate_id: int, *, online: bool
) -> AccountDraft | None:
    """The draft that saves a record over `stored` (None: as a new account); None where something
    is wrong, which `record` knows then."""
    provider, token = _token(record)
    old = (stored.incoming, stored.outgoing) if stored else (None, None)
    incoming = _side(record, _Side("Incoming", old[0]), provider, token, online)
    outgoing = _side(record, _Side("Outgoing", old[1]), provider, token, online)
    options = _options(record, stored, provider)
    address = _checked(record, "EmailAddress", checked_address)
    if record.problems or incoming is None or outgoing is None or address is None:
        return None
    return AccountDraft(
        account_id=stored.account_id if stored else 0,
        email_address=address,
        associate_id=associate_id,
        incoming=incoming,
        outgoing=outgoing,
        reset_errors=stored is None or differs(incoming, stored.incoming),
        options=options,
    )


# Both directions --------------------------------------------------------------------------------


def _side(
    record: Record, side: _Side, provider: str, token: str | None, online: bool
) -> ServiceAuth | None:
    at, stored = f"{side.prefix}Server", side.stored
    server = _checked(record, at, lambda text, name: checked_server(text or "", name))
    refusal = literal_refusal(server, online=online) if server else None
    if refusal:
        record.wrong(at, refusal)
        server = None
    port = _port(record, f"{at}Port")
    username = _checked(record, f"{at}Username", checked_text)
    flag = _flag(record, side, port, server)
    password = token if token is not None else _password(record, side, server)
    if record.has_problem(at, f"{at}Port", f"{at}SSL", f"{at}Username", side.secret):
        return None
    return ServiceAuth(
        service_auth_id=stored.service_auth_id if stored else 0,
        server=server or "",
        port=port or 0,
        auth_type=_auth_type(record, stored, provider, password),
        username=username or "",
        password=password,
        use_ssl=flag,
    )


def _port(record: Record, name: str) -> int | None:
    port = record.values.get(name)
    if port == 0:
        record.wrong(name, "is no port; allowed are 1 to 65535")
        return None
    with _told(record, name):
        return checked_port(port, 0, name)
    return None


def _flag(record: Record, side: _Side, port: int | None, server: str | None) -> bool | None:
    """The flag for TLS: as given; null leaves it to the port; left out, it stays for the same
    server and port."""
    name = f"{side.prefix}ServerSSL"
    if name in record.values:
        flag: bool | None = record.values[name]
        if flag is False and port in IMPLICIT_TLS_PORTS:
            record.wrong(name, f"cannot be false: port {port} speaks TLS from the first byte")
        return flag
    stored = side.stored
    if stored is None or server is None:
        return None
    same = (stored.server.casefold(), stored.port) == (server.casefold(), port)
    return stored.use_ssl if same else None


def _password(record: Record, side: _Side, server: str | None) -> str | None:
    """The password, None where the stored one stays; which goes to no other server."""
    given = _checked(record, side.secret, checked_password)
    stored = side.stored
    if given is not None or server is None or stored is None or not stored.has_password:
        return given
    if stored.server.casefold() != server.casefold():
        what = f"is required again when {side.prefix}Server changes from {stored.server}"
        record.wrong(side.secret, what)
    return None


def _auth_type(
    record: Record, stored: ServiceAuth | None, provider: str, password: str | None
) -> str:
    known = stored.auth_type if stored else ""
    if provider:
        return TOKEN_TYPE
    if password and mechanism_for(known) is Mechanism.OAUTH:
        return ""  # a password is given where a token was
    return known


# Tokens -----------------------------------------------------------------------------------------


def given_tokens(record: Record) -> tuple[str, GivenTokens] | None:
    """Whose tokens are given, if any are: an access token alone, or a provider's whole answer
    (JSON), with a refresh token by which the next one is had. Null, an empty text and the mask of
    what is stored are none."""
    found: dict[str, GivenTokens] = {}
    for provider, name in TOKENS.items():
        text = _checked(record, name, checked_password)
        if text is not None:
            found[provider] = _read_token(record, name, text)
    if len(found) > 1:
        record.wrong(TOKENS["office365"], BOTH_TOKENS)
    return next(iter(found.items()), None)


def _read_token(record: Record, name: str, text: str) -> GivenTokens:
    if not text.lstrip().startswith("{"):
        if not is_token(text.strip()):
            record.wrong(name, "is no token; one is printable ASCII without blanks")
        return GivenTokens(access_token=text.strip())
    try:
        given = read_given(text)
    except ValueError as error:
        record.wrong(name, str(error))
        return GivenTokens()
    if not given.access_token:
        record.wrong(name, "has no access_token")
    return given


def _token(record: Record) -> tuple[str, str | None]:
    """Whose access token is given, if one is, and the token."""
    given = given_tokens(record)
    if given is None:
        return "", None
    for name in ("IncomingServerPassword", "OutgoingServerPassword"):
        if record.get(name) not in (None, "", PASSWORD_MASK):
            record.wrong(name, TOKEN_AND_PASSWORD)
    return given[0], given[1].access_token


# What it is to do -------------------------------------------------------------------------------


def _options(record: Record, stored: Account | None, provider: str) -> AccountOptions:
    old = stored.options if stored else AccountOptions()
    notifies = record.get("SendNotificationOnNewMessages", old.send_notification)
    notified = _mailbox(record, "NotificationEmailAddress", old.notification_email)
    if notifies and not notified and not record.has_problem("NotificationEmailAddress"):
        record.wrong("NotificationEmailAddress", "is required to send notifications")
    own = str(record.get("EmailAddress", "")).casefold()
    if notified and notified.casefold() == own:
        record.wrong("NotificationEmailAddress", "is the account's own address")
    passwords = any(
        record.get(f"{side}ServerPassword") not in (None, "", PASSWORD_MASK)
        for side in ("Incoming", "Outgoing")
    )
    return AccountOptions(
        display_name=_checked(record, "DisplayName", checked_text) or "",
        business_id=record.get("BusinessId", old.business_id),
        active=record.get("Active", old.active),
        reply_to=_mailbox(record, "ReplyToEmail", old.reply_to),
        send_notification=notifies,
        notification_email=notified,
        deletion_policy=DeletionPolicy(record.get("DeleteMessageSettings", USUAL_POLICY)),
        token_provider=provider or ("" if passwords else old.token_provider),
    )


def _mailbox(record: Record, name: str, stored: str) -> str:
    """An address that may be missing: left out it stays, null or empty clears it."""
    if name not in record.values:
        return stored
    if not record.values[name]:
        return ""

    def check(text: str | None, member: str) -> str:
        return checked_mailbox(checked_address(text, member), member)

    return _checked(record, name, check) or ""


# Problems ---------------------------------------------------------------------------------------


def _checked(record: Record, name: str, check: Callable[[str | None, str], Value]) -> Value | None:
    """A property's checked value; None where it is missing or wrong."""
    if record.has_problem(name) or record.values.get(name) is None:
        return None
    with _told(record, name):
        return check(record.values[name], name)
    return None


@contextmanager
def _told(record: Record, name: str) -> Iterator[None]:
    """Let the record know what is wrong with a property."""
    try:
        yield
    except InvalidValue as error:
        record.wrong(name, error.parameters["Problem"])
