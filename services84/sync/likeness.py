"""Whether a message that turned up has the bytes of one that is stored, beyond what identifies it.

Message-ID, size and date (to the second) of a draft may be those of the one that it replaces. Of
messages from other folders headers are compared; what replaces a message of its own folder is no
move, and is compared whole. What the server does not give is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from hashlib import sha256

from services84.errors import MailServerRefused, StoreError
from services84.imap.connection import ImapConnection
from services84.store.items import ItemStore

_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")


class Likeness:
    """Compares messages of the open folder, `uids` at most, with stored ones.

    `own` are the ids of the stored messages that were in the same folder.
    """

    def __init__(
        self,
        connection: ImapConnection,
        items: ItemStore,
        uids: Iterable[int],
        own: Collection[int],
    ) -> None:
        self._connection = connection
        self._items = items
        self._own = frozenset(own)
        self._headers = self._headers_of(list(uids))

    def __call__(self, item_id: int, uid: int) -> bool:
        """Whether the message of this UID may be the stored one."""
        try:
            stored = self._items.source(item_id)
        except StoreError:
            stored = None  # damaged: it is better fetched again
        if stored is None:
            return False
        if item_id in self._own:
            source = self._source(uid)
            return source is None or source == stored
        header = self._headers.get(uid)
        return header is None or header == _digest(_END_OF_HEADER.split(stored, 1)[0])

    def _headers_of(self, uids: list[int]) -> dict[int, bytes]:
        """Digests of headers by UID; many may have moved at once, and headers are long."""
        headers = {}
        try:
            for one in self._connection.headers(uids):
                if one.header is not None:
                    headers[one.uid] = _digest(_END_OF_HEADER.split(one.header, 1)[0])
        except MailServerRefused:
            pass
        return headers

    def _source(self, uid: int) -> bytes | None:
        try:
            return next((one.source for one in self._connection.messages([uid])), None)
        except MailServerRefused:
            return None


def _digest(header: bytes) -> bytes:
    return sha256(header.rstrip()).digest()
