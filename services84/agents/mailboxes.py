"""Mailboxes that a call names: by connection data, or by a cached account, folder or message.

Reads and checks what the caller gave, and opens errands; what is done in a mailbox is the matter
of the operations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from services84.agents.call import Call
from services84.carriers.account import EMailConnectionInfo, EMailConnectionInfoExtended
from services84.errors import FolderMissing, InvalidValue, MailServerRefused, NotFound
from services84.imap.naming import known_server_name
from services84.imap.values import ListedFolder
from services84.mailhost import Login, MailHost, split_server
from services84.security.outbound import checked_host
from services84.store.values import Account, AccountStatus
from services84.sync.errands import Errand

IMAP, SMTP = "imap", "smtp"
INBOX = "INBOX"
LONGEST_SHOWN = 60  # characters of a name in an error
PORTS = {IMAP: (143, 993), SMTP: (25, 465)}  # without and with UseSSL
IMAP_PORTS = frozenset(PORTS[IMAP])  # two doors to one house; any other may be another server's
PROTOCOLS = "IMAP, SMTP and nothing at all, which is the usual one of the operation"

ConnectionInfo = EMailConnectionInfo | EMailConnectionInfoExtended


def where(
    call: Call,
    info: ConnectionInfo | None,
    protocol: str,
    *,
    member: str = "ConnectionInfo",
    anonymous: bool = False,
) -> tuple[MailHost, Login]:
    """The server and the login of connection data; `protocol` is what the operation speaks.

    `member` is the parameter's name; an `anonymous` login, without a name and a password, is for
    servers that relay without one. Raises InvalidValue, which names the member at fault.
    """
    if info is None:
        raise InvalidValue(member, "nil", "is required")
    use_ssl = bool(info.UseSSL)
    try:
        server, port = split_server(info.ServerName or "", _port(info, protocol, member))
    except ValueError as error:
        name = (info.ServerName or "").strip()
        raise InvalidValue(f"{member}/ServerName", name, str(error)) from error
    try:
        checked_host(server)
    except InvalidValue as error:
        problem = "has characters that no host name has, or too many"
        raise InvalidValue(f"{member}/ServerName", server, problem) from error
    if not info.UserName and not (anonymous and not info.Password):
        raise InvalidValue(f"{member}/UserName", "", "is empty; a user name is required")
    for name in ("UserName", "Password"):
        text = getattr(info, name) or ""
        if any(character in text for character in "\x00\r\n"):
            raise InvalidValue(f"{member}/{name}", "(not shown)", "has a NUL or line break")
    host = call.services.mail.where(server, port, use_ssl=use_ssl)
    return host, Login(info.UserName or "", info.Password or "")


def protocol_of(
    info: EMailConnectionInfoExtended | None,
    usual: str,
    *,
    member: str = "ConnectionInfoExtended",
) -> str:
    """The protocol that extended connection data asks for, in any case of letters."""
    asked = ((info.Protocol if info else None) or "").strip()
    if asked.lower() not in ("", IMAP, SMTP):
        raise InvalidValue(f"{member}/Protocol", asked, f"is none of {PROTOCOLS}")
    return asked.lower() or usual


def _port(info: ConnectionInfo, protocol: str, member: str) -> int:
    given = getattr(info, "Port", None) or 0  # 0 stands for the usual one
    if not 0 <= given <= 65535:
        raise InvalidValue(f"{member}/Port", str(given), "is no port; 1 to 65535 are")
    return given or PORTS[protocol][bool(info.UseSSL)]


# Errands ----------------------------------------------------------------------------------------


@contextmanager
def errand_at(
    call: Call, info: ConnectionInfo | None, *, member: str = "ConnectionInfo"
) -> Iterator[Errand]:
    """An errand in the mailbox that connection data opens, by IMAP; the cache follows where the
    caller has an account for it. Raises InvalidValue, MailServerError."""
    host, login = where(call, info, IMAP, member=member)
    account = _cached(call, host, login)
    account_id = account.account_id if account else None
    with call.services.errands.at(host, login, account_id=account_id) as errand:
        yield errand


@contextmanager
def errand_at_account(
    call: Call, info: ConnectionInfo | None, *, member: str = "ConnectionInfo"
) -> Iterator[Errand]:
    """As `errand_at`, and raises NotFound unless it is the mailbox of an account of the
    caller's."""
    host, login = where(call, info, IMAP, member=member)
    account = _cached(call, host, login)
    if account is None:
        raise NotFound(
            f"{member}: you have no mail account for {login.username!r} at {host},"
            " and therefore no cache of it; save one first",
            parameters={"Member": member},
        )
    with call.services.errands.at(host, login, account_id=account.account_id) as errand:
        yield errand


def _cached(call: Call, host: MailHost, login: Login) -> Account | None:
    """The caller's account of the same mailbox."""
    for account in call.services.accounts.of_associate(call.caller.associate_id):
        auth = account.incoming
        if (
            auth is not None
            and account.status is not AccountStatus.DELETED
            and (auth.server.lower(), auth.username) == (host.host.lower(), login.username)
            and (auth.port == host.port or {auth.port, host.port} <= IMAP_PORTS)
        ):
            return account
    return None


def errand_for(call: Call, account_id: int) -> AbstractContextManager[Errand]:
    """An errand in the mailbox of a cached account that the caller may touch."""
    return call.services.errands.for_account(account_id)


def current_account(call: Call) -> Account:
    """The caller's current account; raises NotFound when there is none."""
    account = call.services.accounts.current(call.caller.associate_id)
    if account is None:
        raise NotFound("you have no mail account")
    return account


# Folders and messages ---------------------------------------------------------------------------


def server_name(
    errand: Errand, name: str | None, *, member: str, folders: list[ListedFolder] | None = None
) -> str:
    """How the server spells a folder's name; empty is INBOX. Raises InvalidValue for a name that
    no folder can have.

    `folders` are those that the server lists, where they are known already. A folder whose name
    begins or ends with spaces is found by just that name.
    """
    known = errand.connection.folders(states=False) if folders is None else folders
    given = name or ""
    bare = given.strip() or INBOX
    try:
        exact = known_server_name(given, known) if given != bare and given.strip() else None
        return exact or errand.connection.server_name_of(bare, known)
    except ValueError as error:
        raise InvalidValue(member, given[:100], str(error)) from error


def existing_folder(
    errand: Errand, name: str | None, *, member: str, folders: list[ListedFolder] | None = None
) -> str:
    """As `server_name`, for a folder that has to exist; raises NotFound, which names the member.

    A server may have folders that it does not list; it is asked for those.
    """
    known = errand.connection.folders(states=False) if folders is None else folders
    spelt = server_name(errand, name, member=member, folders=known)
    if all(one.server_name != spelt for one in known):
        try:
            errand.connection.status(spelt)
        except MailServerRefused as refusal:
            raise _no_folder(member, name) from refusal
    return spelt


def require_folder(name: str | None, member: str) -> None:
    """Raises InvalidValue where a folder has to be named and is not."""
    if not (name or "").strip():
        raise InvalidValue(member, name or "", "is empty; a folder has to be named")


@contextmanager
def refusals_about(member: str, name: str | None) -> Iterator[None]:
    """Let what a server refuses in the block name the member and the folder: raises NotFound for
    FolderMissing, MailServerRefused with the server's reason."""
    try:
        yield
    except FolderMissing as missing:
        raise _no_folder(member, name) from missing
    except MailServerRefused as refusal:
        text = f"{member}: {_shown(name)}: {refusal.message}"
        raise MailServerRefused(text, host=refusal.host) from refusal


def _no_folder(member: str, name: str | None) -> NotFound:
    return NotFound(
        f"{member}: there is no folder {_shown(name)}",
        parameters={"Member": member, "Folder": name or INBOX},
    )


def _shown(name: str | None) -> str:
    text = name or INBOX
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")


def uids_from(server_ids: Sequence[int | None] | None, *, member: str) -> list[int]:
    """The UIDs that ServerIds stand for: xs:int carries those above 2^31-1 as their two's
    complement. Raises InvalidValue for 0, which is no message's."""
    uids = []
    for server_id in server_ids or ():
        if not server_id:
            raise InvalidValue(member, str(server_id or 0), "is no message's id on the server")
        uids.append(server_id & 0xFFFFFFFF)
    return list(dict.fromkeys(uids))
