"""Messages of the cache that are no matter of their mail server's: what is done to them here.

Copies of which the server has nothing any more; and, in accounts whose policy is DontDelete,
whatever is deleted. Front of what `filed_messages` does on servers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services84.agents.call import Call
from services84.store.account_options import DeletionPolicy
from services84.store.values import ItemFlag, ItemPlace

_FLAGS = {"\\Seen": ItemFlag.SEEN, "\\Answered": ItemFlag.ANSWERED, "\\Flagged": ItemFlag.FLAGGED}
_FLAGS |= {"\\Deleted": ItemFlag.DELETED, "\\Draft": ItemFlag.DRAFT}

Work = Callable[[int, Sequence[int]], None]


def delete_here(call: Call, places: Sequence[ItemPlace]) -> list[ItemPlace]:
    """Delete those messages that are deleted in the cache alone; gives the others, which are to be
    deleted on their servers."""
    untouched = {
        account_id
        for account_id in {place.account_id for place in places}
        if _policy(call, account_id) is DeletionPolicy.DONT_DELETE
    }
    here = [one for one in places if one.is_kept or one.account_id in untouched]
    return _done(places, here, call.services.items.delete_here)


def change_flags_here(
    call: Call, places: Sequence[ItemPlace], add: frozenset[str], remove: frozenset[str]
) -> list[ItemPlace]:
    """Change the flags of kept copies; gives the other messages."""

    def work(account_id: int, item_ids: Sequence[int]) -> None:
        call.services.items.change_kept_flags(
            account_id, item_ids, add=_mask(add), remove=_mask(remove)
        )

    return _done(places, [one for one in places if one.is_kept], work)


def _done(places: Sequence[ItemPlace], here: Sequence[ItemPlace], work: Work) -> list[ItemPlace]:
    by_account: dict[int, list[int]] = {}
    for place in here:
        by_account.setdefault(place.account_id, []).append(place.item_id)
    for account_id, item_ids in sorted(by_account.items()):
        work(account_id, item_ids)
    done = set(here)
    return [place for place in places if place not in done]


def _policy(call: Call, account_id: int) -> DeletionPolicy | None:
    account = call.services.accounts.get(account_id, secrets=False)
    return account.options.deletion_policy if account is not None else None


def _mask(flags: frozenset[str]) -> ItemFlag:
    mask = ItemFlag.NONE
    for flag in flags:
        mask |= _FLAGS.get(flag, ItemFlag.NONE)
    return mask
