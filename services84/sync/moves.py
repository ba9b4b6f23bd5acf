"""Which stored messages are the same as messages that turned up elsewhere.

Pure. The proof is an equal Message-ID, internal date and size, which a move within a server and
a new UIDVALIDITY leave alone; without a Message-ID or a date nothing is proven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services84.store.values import Identity

_Key = tuple[str, object, int]


@dataclass(frozen=True)
class Told:
    """What the server told of a move (COPYUID, RFC 4315): folders by their server names, the
    target's UIDVALIDITY, and the new UID of every old one."""

    source: str
    target: str
    uid_validity: int
    uids: Mapping[int, int]


def match_identities(
    old: Sequence[tuple[int, Identity]], new: Mapping[int, Identity]
) -> dict[int, int]:
    """Which stored messages are the same as messages under a new UIDVALIDITY.

    Gives item id → new UID. Messages that share all three marks are paired in UID order, and only
    when there are as many on either side.
    """
    groups: dict[_Key, tuple[list[tuple[int, int]], list[int]]] = {}
    for item_id, identity in old:
        groups.setdefault(_key(identity), ([], []))[0].append((identity.uid, item_id))
    for uid, identity in new.items():
        groups.setdefault(_key(identity), ([], []))[1].append(uid)
    matched: dict[int, int] = {}
    for key, (olds, news) in groups.items():
        if _proves(key) and len(olds) == len(news):
            pairs = zip(sorted(olds), sorted(news), strict=True)
            matched.update({item_id: uid for (_, item_id), uid in pairs})
    return matched


def same(one: Identity, other: Identity) -> bool:
    """Whether two identities prove that they are of one message, whatever their UIDs."""
    return _proves(_key(one)) and _key(one) == _key(other)


class Gone:
    """Messages that have left their folders and may turn up in others; each is claimed once."""

    def __init__(self, identities: Iterable[tuple[int, Identity]]) -> None:
        self._unclaimed: dict[_Key, list[int]] = {}
        for item_id, identity in sorted(identities, key=lambda one: one[0]):
            if _proves(_key(identity)):
                self._unclaimed.setdefault(_key(identity), []).append(item_id)

    @property
    def sizes(self) -> frozenset[int]:
        """The sizes in bytes of those that nobody has claimed."""
        return frozenset(size for _, _, size in self._unclaimed)

    def likely(self, arrived: Mapping[int, Identity]) -> list[int]:
        """The UIDs of those that arrived that may be claimed."""
        return [
            uid for uid, identity in sorted(arrived.items()) if _key(identity) in self._unclaimed
        ]

    def claim(
        self, arrived: Mapping[int, Identity], alike: Callable[[int, int], bool] | None = None
    ) -> dict[int, int]:
        """Take those that arrived: item id → UID in the folder that they arrived in.

        Copies are interchangeable: they are handed out in the order of their ids. `alike` has the
        last word, given item id and UID.
        """
        claimed: dict[int, int] = {}
        for uid in self.likely(arrived):
            key = _key(arrived[uid])
            waiting = self._unclaimed.get(key, [])
            item_id = next((one for one in waiting if alike is None or alike(one, uid)), None)
            if item_id is not None:
                claimed[item_id] = uid
                waiting.remove(item_id)
                if not waiting:
                    del self._unclaimed[key]
        return claimed


def _key(identity: Identity) -> _Key:
    return identity.message_id, identity.internal_date, identity.size


def _proves(key: _Key) -> bool:
    message_id, date, _ = key
    return bool(message_id) and date is not None
