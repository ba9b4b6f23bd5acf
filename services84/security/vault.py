"""The vault: seals secrets before they are stored and opens them again (AES-256-GCM).

A sealed text is bound to table, row and column, so that it cannot be moved to another account.
The keys live in a file outside the database (`keyfile`), which is read again when it has
changed: processes that run go over to a new key by themselves. What is sealed, and when, is the
store's matter.

Sealed: `v1:<key id>:<base64 of 12 bytes nonce, ciphertext, 16 bytes tag>`.
"""

from __future__ import annotations

import base64
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services84.errors import KeyUnavailable, SecretUnreadable
from services84.security.keyfile import KeyFile, KeyRing, Stamp

VERSION = "v1"
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: random, 96 bits


@dataclass(frozen=True)
class _Loaded:
    """What a vault works with; replaced as a whole, so that threads need no lock to use it."""

    active: str
    ciphers: Mapping[str, AESGCM]
    stamp: Stamp | None = None


class Vault:
    """Keys by their ids; the first one seals, all of them open.

    With a `file` it follows that file's changes. Keys that it has known open as long as it lives:
    what was read before a rotation's end may be opened after it.
    """

    def __init__(self, keys: Mapping[str, bytes], file: KeyFile | None = None) -> None:
        if not keys:
            raise KeyUnavailable("there is no key")
        ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._loaded = _Loaded(next(iter(keys)), ciphers)
        self._file = file
        self._reading = threading.Lock()

    def __repr__(self) -> str:
        loaded = self._loaded
        return f"Vault(active={loaded.active!r}, keys={len(loaded.ciphers)})"

    @classmethod
    def of_new_key(cls) -> Vault:
        """A vault with a key that is nowhere else; what it seals is lost with it."""
        return cls(KeyRing.of_new_key().keys)

    @staticmethod
    def create_key_file(path: Path) -> None:
        """Make a file with one new key that only its owner can read. Raises KeyUnavailable when
        there is something of that name already, or when the file cannot be written."""
        KeyFile(path).create()

    @classmethod
    def load(cls, path: Path) -> Vault:
        """The vault with the keys of a file.

        Raises KeyUnavailable when it is missing, unreadable, open to group or others, or holds
        anything else than keys.
        """
        file = KeyFile(path)
        ring, stamp = file.read_stamped()
        vault = cls(ring.keys, file)
        vault._take(ring, stamp)
        return vault

    # Secrets -------------------------------------------------------------------------------------

    def seal(self, text: str, *, table: str, row: int, column: str) -> str:
        """`text` as it may be stored at that place, and there only.

        By the key that seals at this moment: a rotation relies on it. Raises KeyUnavailable when
        the file has become unusable; what were sealed then might never be opened again.
        """
        self._follow()
        loaded = self._loaded
        nonce = secrets.token_bytes(_NONCE_BYTES)
        data = text.encode("utf-8", "surrogatepass")
        place = _place(loaded.active, table, row, column)
        sealed = loaded.ciphers[loaded.active].encrypt(nonce, data, place)
        return f"{VERSION}:{loaded.active}:{_encode(nonce + sealed)}"

    def open(self, sealed: str, *, table: str, row: int, column: str) -> str:
        """What was sealed for that place.

        Raises SecretUnreadable when it is damaged, belongs elsewhere, or its key is gone.
        """
        where = f"the secret in {table} {row}, {column},"
        key_id = self.key_of(sealed)
        if key_id is None:
            raise SecretUnreadable(f"{where} is not in a known form")
        cipher = self._cipher(key_id, where)
        try:
            data = base64.b64decode(sealed.rpartition(":")[2], validate=True)
            plain = cipher.decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], _place(key_id, table, row, column)
            )
            return plain.decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable(f"{where} is damaged or belongs elsewhere") from error

    def key_of(self, sealed: str) -> str | None:
        """The id of the key that a sealed text names; None for what has not its form."""
        version, _, rest = sealed.partition(":")
        key_id, _, encoded = rest.partition(":")
        return key_id if version == VERSION and encoded else None

    def seals_as(self, sealed: str) -> bool:
        """Whether a sealed text is of the key that seals at this moment. Raises KeyUnavailable."""
        self._follow()
        return self.key_of(sealed) == self._loaded.active

    # The file ------------------------------------------------------------------------------------

    def _cipher(self, key_id: str, where: str) -> AESGCM:
        cipher = self._loaded.ciphers.get(key_id)
        if cipher is None:
            try:
                self._follow()
            except KeyUnavailable as error:
                raise SecretUnreadable(f"{where} needs another key: {error.message}") from error
            cipher = self._loaded.ciphers.get(key_id)
        if cipher is None:
            raise SecretUnreadable(f"{where} was sealed with a key that is not in the key file")
        return cipher

    def _follow(self) -> None:
        """Read the file again if it is another one than before. Raises KeyUnavailable."""
        if self._file is None or self._file.stamp() == self._loaded.stamp:
            return
        with self._reading:
            self._take(*self._file.read_stamped())

    def _take(self, ring: KeyRing, stamp: Stamp) -> None:
        ciphers = {key_id: AESGCM(key) for key_id, key in ring.keys.items()}
        self._loaded = _Loaded(ring.sealing, {**self._loaded.ciphers, **ciphers}, stamp)


def _place(key_id: str, table: str, row: int, column: str) -> bytes:
    """What is authenticated with a secret without being in it (GCM's additional data)."""
    return "\0".join((VERSION, key_id, table, str(row), column)).encode("utf-8")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
