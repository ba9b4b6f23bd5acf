"""Messages of the cache as carriers, with what address book and archive know of them.

Reads the database alone: a message's bytes are kept in it, so that no mail server is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from services84.agents.call import Call
from services84.agents.email.addresses import look_up_all
from services84.agents.email.documents import file_under
from services84.agents.entities import entity_of_item
from services84.carriers.message import EMailEntity, EMailEnvelope
from services84.errors import InvalidValue, NotFound
from services84.mime.draft import found_ids
from services84.mime.parse import UNREADABLE
from services84.store.values import AccountStatus, Folder, Item

MOST_CHARACTERS = 2000  # of a Message-ID that is looked for


def own_accounts(call: Call) -> list[int]:
    """The caller's own accounts."""
    return _accounts_of(call, call.caller.associate_id)


def _accounts_of(call: Call, associate_id: int) -> list[int]:
    return [
        account.account_id
        for account in call.services.accounts.of_associate(associate_id)
        if account.status is not AccountStatus.DELETED
    ]


def spellings(message_id: str | None, *, member: str) -> list[str]:
    """A Message-ID as messages may have it: in angle brackets and without; callers give either.

    Raises InvalidValue for an empty one.
    """
    bare = "".join((message_id or "").split()).strip("<>")
    if not bare:
        raise InvalidValue(member, "", "is empty; a Message-ID is required")
    if len(bare) > MOST_CHARACTERS:
        raise InvalidValue(member, bare, f"has more than {MOST_CHARACTERS} characters")
    return [f"<{bare}>", bare]


def newest(call: Call, found: Sequence[Item], message_id: str | None) -> Item:
    """The first of the messages that were found by a Message-ID; raises NotFound."""
    if not found:
        shown = (message_id or "").strip()[:100]
        raise NotFound(f"MessageId: no message {shown}", parameters={"MessageId": shown})
    return found[0]


def known_message(
    call: Call, item: Item, *, contents: bool, folder: Folder | None = None
) -> EMailEntity:
    """A stored message, its attachments with their bytes when `contents` are wanted; raises
    NotFound when it is gone meanwhile."""
    services = call.services
    found = folder or services.folders.get(item.folder_id)
    account = services.accounts.get(found.account_id, secrets=False) if found else None
    if found is None or account is None:
        raise NotFound(f"no message {item.item_id}")
    owner = account.associate_id
    readable = not item.parse_problem.startswith(UNREADABLE)
    entity = entity_of_item(
        item,
        services.items.attachments(item.item_id),
        found,
        services.items.source(item.item_id) if readable else None,
        contents=contents,
        parent=_parent(call, item, owner),
    )
    answered = cast("EMailEnvelope | None", entity.InReplyTo)
    file_under(call, owner, [entity, answered] if answered is not None else [entity])
    look_up_all(call, [entity])
    return entity


def _parent(call: Call, item: Item, associate_id: int) -> Item | None:
    """The message that this one answers, where one of its owner's accounts has it."""
    ids = found_ids(item.in_reply_to)[:1]
    if not ids:
        return None
    found = call.services.items.with_message_id(ids, _accounts_of(call, associate_id))
    return found[0] if found else None
