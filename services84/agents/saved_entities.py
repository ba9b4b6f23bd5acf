"""What a carrier that is to be saved stands for: an earlier message, an account, and the bytes.

Reads the database alone; where and how it is saved is the operations' matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services84.agents.access import account_of, cached_item
from services84.agents.call import Call
from services84.agents.entities import flags_of
from services84.agents.entity_changes import completed
from services84.agents.entity_drafts import (
    YEARS_RECEIVED,
    YEARS_SENT,
    date_told,
    draft_of,
    sent_at,
)
from services84.agents.known_messages import known_message
from services84.agents.mailboxes import current_account
from services84.agents.replacing import Content, settable
from services84.carriers.message import EMailEntity
from services84.errors import InvalidValue
from services84.mime.addresses import Address
from services84.mime.compose import compose
from services84.mime.draft import identified
from services84.store.values import Account, Folder, Item, ItemFlag

ANY_YEAR = (1, 9999)


@dataclass(frozen=True)
class Stored:
    """The message of the cache that a carrier stands for."""

    item: Item
    folder: Folder
    entity: EMailEntity = field(repr=False)
    source: bytes = field(repr=False)


def stored_message(call: Call, email: EMailEntity | None, member: str) -> Stored | None:
    """The message that a carrier was read from, its nil members filled in; None for a new one.

    Raises InvalidValue for no carrier, NotFound.
    """
    if email is None:
        raise InvalidValue(member, "nil", "is required")
    if not email.EmailItemId:
        return None
    item, folder = cached_item(call, email.EmailItemId)
    with_bytes = any(each is not None and each.Stream is not None for each in _attachments(email))
    entity = known_message(call, item, contents=with_bytes, folder=folder)
    completed(email, entity)
    return Stored(item, folder, entity, call.services.items.source(item.item_id) or b"")


def _attachments(email: EMailEntity) -> list[EMailEntity]:
    return list(email.Attachments or ())


def account_for(call: Call, email: EMailEntity, stored: Stored | None, member: str) -> Account:
    """The account that a message is in, or shall be put in."""
    if stored is None:
        return account_of(call, email.AccountId) if email.AccountId else current_account(call)
    if email.AccountId and email.AccountId != stored.folder.account_id:
        problem = f"is not the account of message {stored.item.item_id}"
        raise InvalidValue(f"{member}/AccountId", email.AccountId, problem)
    return account_of(call, stored.folder.account_id)


def content_of(
    call: Call,
    email: EMailEntity,
    stored: Stored | None,
    account: Account,
    member: str,
    *,
    as_draft: bool = False,
) -> Content:
    """The message that a carrier describes, dated as it says or else now; raises InvalidValue."""
    own = account.associate_id == call.caller.associate_id
    draft = identified(
        draft_of(
            email,
            member=member,
            original=stored.source if stored else None,
            sender=Address(call.caller.full_name if own else "", account.email_address),
        )
    )
    # What a message of the server says of itself it may say again.
    years = YEARS_SENT if stored is None else ANY_YEAR
    email.Sent = date_told(email.Sent, f"{member}/Sent", years) or call.arrived
    source = compose(draft, date=email.Sent, with_bcc=True, member=f"{member}/")
    email.MessageID = draft.message_id
    flags, received = (
        _as_draft(email, stored) if as_draft else _as_it_is(email, stored, f"{member}/ReceivedAt")
    )
    return Content(source, draft.message_id, flags, received or call.arrived)


def _as_it_is(
    email: EMailEntity, stored: Stored | None, member: str
) -> tuple[list[str], datetime | None]:
    """Flags and date of a message that is put among others of its kind."""
    flags = [f"\\{name}" for name in wanted_flags(email, stored)]
    if stored is None:
        return flags, date_told(email.ReceivedAt, member, YEARS_RECEIVED)
    return [*flags, *settable(stored.item.keywords)], stored.item.internal_date


def _as_draft(email: EMailEntity, stored: Stored | None) -> tuple[list[str], datetime | None]:
    """Those of a draft, which is read, and came now. It may have been made from a message that
    was answered or tagged, which says nothing of the draft."""
    flagged = {"Flagged"}.intersection(wanted_flags(email, stored))
    known = stored.item if stored is not None and stored.item.flags & ItemFlag.DRAFT else None
    keywords = settable(known.keywords) if known is not None else []
    return [*(f"\\{name}" for name in ("Seen", "Draft", *flagged)), *keywords], None


def wanted_flags(email: EMailEntity, stored: Stored | None) -> list[str]:
    """The flags that a message shall have; \\Recent is the server's own."""
    given: Sequence[str] | None = email.Flags
    if given is None:
        return stored_flags(stored) if stored else []
    return sorted(set(given) - {"Recent"})


def stored_flags(stored: Stored) -> list[str]:
    return sorted(set(flags_of(stored.item.flags)) - {"Recent"})


def moment_of(value: datetime | None) -> datetime | None:
    return sent_at(EMailEntity(Sent=value))
