"""What a mail that a caller writes takes from elsewhere: its sender, and what it was made from.

Reads the database alone.
"""

from __future__ import annotations

from dataclasses import replace

from services84.agents.access import cached_item
from services84.agents.call import Call
from services84.carriers.message import EMailEntity
from services84.mime.addresses import Address
from services84.mime.draft import Draft
from services84.store.values import Account


def own_address(call: Call) -> Address | None:
    """The address of the caller's current account; None where there is none."""
    account = call.services.accounts.current(call.caller.associate_id, secrets=False)
    return None if account is None else address_of(call, account)


def address_of(call: Call, account: Account) -> Address:
    """Who sends by an account: under its display name, or else the caller's."""
    return Address(account.options.display_name or call.caller.full_name, account.email_address)


def by_account(draft: Draft, account: Account) -> Draft:
    """A mail that goes by an account: with its display name, where its address stands without
    one, and with its address for answers, where the mail names none."""
    options, sender = account.options, draft.sender
    if not sender.name and sender.address.casefold() == account.email_address.casefold():
        sender = Address(options.display_name, sender.address)
    answers = (Address("", options.reply_to),) if options.reply_to else ()
    return replace(draft, sender=sender, reply_to=draft.reply_to or answers)


def original_of(call: Call, entity: EMailEntity | None) -> bytes | None:
    """The cached message that a carrier was read from, for attachments that come without their
    bytes; raises NotFound where it names one that is not the caller's."""
    if entity is None or not entity.EmailItemId:
        return None
    item, _ = cached_item(call, entity.EmailItemId)
    return call.services.items.source(item.item_id)
