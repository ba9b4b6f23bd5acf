"""What a mail that a caller writes takes from elsewhere: its sender, and what it was made from.

Reads the database alone.
"""

from __future__ import annotations

from services84.agents.access import cached_item
from services84.agents.call import Call
from services84.carriers.message import EMailEntity
from services84.mime.addresses import Address


def own_address(call: Call) -> Address | None:
    """The address of the caller's current account; None where there is none."""
    account = call.services.accounts.current(call.caller.associate_id, secrets=False)
    return None if account is None else Address(call.caller.full_name, account.email_address)


def original_of(call: Call, entity: EMailEntity | None) -> bytes | None:
    """The cached message that a carrier was read from, for attachments that come without their
    bytes; raises NotFound where it names one that is not the caller's."""
    if entity is None or not entity.EmailItemId:
        return None
    item, _ = cached_item(call, entity.EmailItemId)
    return call.services.items.source(item.item_id)
