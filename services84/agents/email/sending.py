"""Operations that send mail: through the caller's account, or the servers that a call names.

All e-mails of a call are checked before the first is sent; they go in their order, and the first
that cannot be sent stops the call. What was sent before it is told by the error's parameters.
Each goes under its MessageID, or a new one, dated now; to all its recipients or to none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from services84.agents.call import Call
from services84.agents.email.documents import file_under, save_temporary
from services84.agents.email.outbox import (
    Dispatch,
    Letter,
    dispatch,
    letters_of,
    telling,
)
from services84.agents.email.sent_copies import (
    EXTRA,
    Copies,
    Filed,
    after_sending,
    files_itself,
    keep_copies,
)
from services84.agents.entities import HIGHEST_INT, server_id
from services84.agents.mailboxes import (
    IMAP,
    SMTP,
    current_account,
    errand_at,
    errand_for,
    where,
)
from services84.agents.open_folders import cached_ids
from services84.agents.registry import operation
from services84.agents.writers import address_of, own_address
from services84.carriers.account import EMailConnectionInfo
from services84.carriers.address import EMailAddress
from services84.carriers.base import Boolean, String
from services84.carriers.message import ArrayOfEMailEntity, EMailEntity
from services84.errors import InvalidValue, LoginRefused
from services84.imap.naming import server_name_of
from services84.mailhost import Login, MailHost
from services84.mime.addresses import Address
from services84.store.values import Account, ServiceAuth

OUTGOING, SENT_ITEMS = "OutgoingConnectionInfo", "SentItemsConnectionInfo"


@operation(
    "SendEMails",
    returns=ArrayOfEMailEntity,
    OutgoingConnectionInfo=EMailConnectionInfo,
    Emails=ArrayOfEMailEntity,
    SentItemsConnectionInfo=EMailConnectionInfo,
)
def send_emails(
    call: Call,
    outgoing: EMailConnectionInfo | None,
    emails: list[EMailEntity | None] | None,
    sent_items: EMailConnectionInfo | None,
) -> list[EMailEntity]:
    """Send e-mails through a submission server; with SentItemsConnectionInfo, a copy of each is
    put into its Folder, which is made if need be, or else into the folder for sent mail.

    Gives them back with MessageID and, where a copy was kept, its ServerId.
    """
    started = time.monotonic()
    host, login = where(call, outgoing, SMTP, member=OUTGOING, anonymous=True)
    copies = _copies_at(call, host, sent_items) if sent_items is not None else None
    entities = [each for each in emails or () if each is not None]
    letters = letters_of(call, _numbered(emails), _sender_by(call, login.username))
    return _send(call, (host, login), copies, letters, entities, started)


@operation("Send", returns=ArrayOfEMailEntity, Emails=ArrayOfEMailEntity)
def send(call: Call, emails: list[EMailEntity | None] | None) -> list[EMailEntity]:
    """Send e-mails through the caller's current account, and keep copies in its folder for sent
    mail, which is made if there is none.

    Gives them back with MessageID and, where a copy was kept, its ServerId and EmailItemId.
    """
    started = time.monotonic()
    account = current_account(call)
    entities = [each for each in emails or () if each is not None]
    letters = letters_of(call, _numbered(emails), address_of(call, account), account)
    return _send_from(call, account, letters, entities, started)


@operation(
    "SendAndSaveEmailToTmpDocument",
    returns=String,
    Email=EMailEntity,
    StripAttachments=Boolean,
)
def send_and_save_email_to_tmp_document(
    call: Call, email: EMailEntity | None, strip: bool | None
) -> str:
    """Send an e-mail as Send does, and save it as a temporary document, ready to be archived;
    gives its file name."""
    started = time.monotonic()
    account = current_account(call)
    letters = letters_of(call, [("Email", email)], address_of(call, account), account)
    assert email is not None
    _outgoing(account)
    # Saved first: a document of a mail that is not sent is gone in a day, and nobody knows its
    # name; a mail that is sent and not saved would be sent again.
    name = save_temporary(call, letters[0].source(with_bcc=True), strip=bool(strip))
    _send_from(call, account, letters, [email], started)
    return name


# Where to ---------------------------------------------------------------------------------------


def _numbered(emails: Sequence[EMailEntity | None] | None) -> list[tuple[str, EMailEntity | None]]:
    return [(f"Emails/EMailEntity[{n}]", each) for n, each in enumerate(emails or (), start=1)]


def _outgoing(account: Account) -> ServiceAuth:
    """The outgoing side of an account; raises LoginRefused where it cannot be used."""
    auth = account.outgoing
    if auth is None or not auth.server:
        raise LoginRefused(
            f"the mail account {account.email_address} has no outgoing mail server;"
            " its OutgoingCredentials have to be saved before it can send"
        )
    if not auth.password:
        raise LoginRefused(
            f"the mail account {account.email_address} has no password for its outgoing server"
        )
    return auth


def _copies_at(call: Call, smtp: MailHost, info: EMailConnectionInfo) -> Copies:
    """Where connection data wants copies; what is wrong with it is told before mail is sent."""
    host, _ = where(call, info, IMAP, member=SENT_ITEMS)
    folder = info.Folder or ""
    if folder.strip():
        try:
            server_name_of(folder)
        except ValueError as error:
            raise InvalidValue(f"{SENT_ITEMS}/Folder", folder, str(error)) from error
    return Copies(
        partial(errand_at, call, info, member=SENT_ITEMS),
        folder,
        f"{SENT_ITEMS}/Folder",
        files_itself(smtp.host, host.host),
    )


def _copies_of(call: Call, account: Account, smtp: MailHost) -> Copies | None:
    if account.incoming is None or not account.incoming.server:
        call.extra[EXTRA] = "no copy is kept: the account has no incoming mail server"
        return None
    return Copies(
        partial(errand_for, call, account.account_id),
        "",
        "Folder",
        files_itself(smtp.host, account.incoming.server),
    )


def _sender_by(call: Call, username: str) -> Address | None:
    """Who sends when From is empty: whose login it is, as far as that is an address, or else the
    caller's current account."""
    if "@" in username:
        return Address(call.caller.full_name, username)
    return own_address(call)


# Sending and filing -----------------------------------------------------------------------------


def _send_from(
    call: Call,
    account: Account,
    letters: Sequence[Letter],
    entities: Sequence[EMailEntity],
    started: float,
) -> list[EMailEntity]:
    auth = _outgoing(account)
    host = call.services.mail.where_of(auth)
    copies = _copies_of(call, account, host)
    return _send(
        call, (host, call.services.mail.login_of(auth)), copies, letters, entities, started
    )


def _send(
    call: Call,
    way: tuple[MailHost, Login],
    copies: Copies | None,
    letters: Sequence[Letter],
    entities: Sequence[EMailEntity],
    started: float,
) -> list[EMailEntity]:
    """Send, file what was sent, and describe it; raises what stopped the sending after that."""
    if not letters:
        return []
    done = dispatch(call, *way, letters, started)
    filed = keep_copies(call, copies, done, started) if copies is not None else None
    if done.error is not None:
        raise telling(done.error, done, letters)
    for letter, entity in zip(letters, entities, strict=True):
        _describe(letter, entity, done)
    with after_sending(call):
        if filed is not None:
            _locate(call, filed, letters, entities)
        file_under(call, call.caller.associate_id, entities)
    return list(entities)


def _describe(letter: Letter, entity: EMailEntity, done: Dispatch) -> None:
    """Write into a carrier under what it was sent."""
    sender = letter.draft.sender
    if entity.From is None or not (entity.From.Address or "").strip():
        entity.From = EMailAddress(Address=sender.address, Name=sender.name or sender.address)
    entity.MessageID = letter.draft.message_id
    entity.Sent = letter.date
    entity.IsSent = True
    entity.Size = min(done.sizes[letter.number], HIGHEST_INT)
    entity.Flags = tuple(flag for flag in entity.Flags or () if flag != "Draft")


def _locate(
    call: Call, filed: Filed, letters: Sequence[Letter], entities: Sequence[EMailEntity]
) -> None:
    """Write into the carriers where the copies are."""
    where_now = (filed.server_name, filed.uid_validity, list(filed.uids.values()))
    known = cached_ids(call, filed.errand, *where_now)
    for letter, entity in zip(letters, entities, strict=True):
        uid = filed.uids.get(letter.number, 0)
        if uid:
            entity.Flags = ("Seen",)
            entity.ServerId = server_id(uid)
            entity.FolderName = filed.name
            entity.AccountId = filed.errand.account_id or 0
            entity.EmailItemId = known.get(uid, 0)
            entity.ReceivedAt = letter.date
