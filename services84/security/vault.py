"""The vault: seals secrets before they are stored and opens them again (AES-256-GCM).

A sealed text is bound to table, row and column, so that it cannot be moved to another account.
The key lives in a file outside the database. What is sealed, and when, is the store's matter.

Sealed: `v1:<key id>:<base64 of 12 bytes nonce, ciphertext, 16 bytes tag>`. Key file: a line
`<key id> <base64 of 32 bytes>` for each key, the first one seals; `#` begins a comment.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services84.errors import KeyUnavailable, SecretUnreadable

VERSION = "v1"
_KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: random, 96 bits
_MAX_FILE_BYTES = 65536
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HEADER = "# services84: the key of mail passwords. Keep a copy, apart from the database's.\n"
_ADVICE = "`services84 init` makes one"


class Vault:
    """Keys by their ids; the first one seals, all of them open."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys:
            raise KeyUnavailable("there is no key")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._active = next(iter(keys))

    def __repr__(self) -> str:
        return f"Vault(active={self._active!r}, keys={len(self._ciphers)})"

    # The key file --------------------------------------------------------------------------------

    @classmethod
    def of_new_key(cls) -> Vault:
        """A vault with a key that is nowhere else; what it seals is lost with it."""
        return cls({_new_key_id(): secrets.token_bytes(_KEY_BYTES)})

    @staticmethod
    def create_key_file(path: Path) -> None:
        """Make a file with one new key that only its owner can read.

        It is there whole or not at all, so that nobody meets it half-written, and of several
        who make it at once one succeeds. Raises KeyUnavailable when there is something of that
        name already, which is left as it is, or when the file cannot be written.
        """
        line = f"{_new_key_id()} {_encode(secrets.token_bytes(_KEY_BYTES))}\n"
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            _write_new(draft, _HEADER + line)
            os.link(draft, path)  # unlike a renaming, never over another file
            _save_folder(path.parent)
        except FileExistsError as error:
            raise KeyUnavailable(f"key file {path} exists; it is never overwritten") from error
        except OSError as error:
            raise KeyUnavailable(f"cannot make key file {path}: {error.strerror}") from error
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()

    @classmethod
    def load(cls, path: Path) -> Vault:
        """The vault with the keys of a file.

        Raises KeyUnavailable when it is missing, unreadable, open to group or others, or holds
        anything else than keys.
        """
        keys: dict[str, bytes] = {}
        for number, line in enumerate(_read(path).splitlines(), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            key_id, key = _parse(line) or ("", b"")
            if not key:
                raise KeyUnavailable(f"key file {path}, line {number}: no key id with a key")
            if key_id in keys:
                raise KeyUnavailable(f"key file {path}, line {number}: {key_id} stands twice")
            keys[key_id] = key
        if not keys:
            raise KeyUnavailable(f"key file {path} holds no key")
        return cls(keys)

    # Secrets -------------------------------------------------------------------------------------

    def seal(self, text: str, *, table: str, row: int, column: str) -> str:
        """`text` as it may be stored at that place, and there only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        data = text.encode("utf-8", "surrogatepass")
        place = _place(self._active, table, row, column)
        sealed = self._ciphers[self._active].encrypt(nonce, data, place)
        return f"{VERSION}:{self._active}:{_encode(nonce + sealed)}"

    def open(self, sealed: str, *, table: str, row: int, column: str) -> str:
        """What was sealed for that place.

        Raises SecretUnreadable when it is damaged, belongs elsewhere, or its key is gone.
        """
        where = f"the secret in {table} {row}, {column},"
        version, _, rest = sealed.partition(":")
        key_id, _, encoded = rest.partition(":")
        if version != VERSION or not encoded:
            raise SecretUnreadable(f"{where} is not in a known form")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretUnreadable(f"{where} was sealed with a key that is not in the key file")
        try:
            data = base64.b64decode(encoded, validate=True)
            plain = cipher.decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], _place(key_id, table, row, column)
            )
            return plain.decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError) as error:
            raise SecretUnreadable(f"{where} is damaged or belongs elsewhere") from error


def _new_key_id() -> str:
    return secrets.token_hex(4)


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _save_folder(path: Path) -> None:
    """A new name lasts only once its folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    try:
        # Asked of the open file, so that what is checked is what is read.
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE_BYTES)
    except FileNotFoundError as error:
        raise KeyUnavailable(f"there is no key file {path}; {_ADVICE}") from error
    except OSError as error:
        raise KeyUnavailable(f"cannot read key file {path}: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise KeyUnavailable(f"key file {path} is no regular file")
    if mode & 0o077:
        raise KeyUnavailable(
            f"key file {path} is open to others (mode {mode & 0o777:04o}); chmod 600 {path}"
        )
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        # Not shown: a damaged key file may still hold most of a key.
        raise KeyUnavailable(f"key file {path} is not text") from error


def _parse(line: str) -> tuple[str, bytes] | None:
    key_id, _, encoded = line.strip().partition(" ")
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return (key_id, key) if _KEY_ID.fullmatch(key_id) and len(key) == _KEY_BYTES else None


def _place(key_id: str, table: str, row: int, column: str) -> bytes:
    """What is authenticated with a secret without being in it (GCM's additional data)."""
    return "\0".join((VERSION, key_id, table, str(row), column)).encode("utf-8")


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
