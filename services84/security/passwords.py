"""Associates' passwords: hashed with argon2id (RFC 9106), verified, never kept.

Mail passwords have to be read again and are not for here: see `vault`.
"""

from __future__ import annotations

import os
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from services84.errors import InvalidValue, SecretUnreadable

MAX_BYTES = 1024  # of a password in UTF-8; hashing takes longer the more it is given

# RFC 9106, section 4, second recommendation: 64 MiB, three passes, four lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)
# 64 MiB a verification: a hundred logins at once must not take the machine's memory.
_at_once = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
# Of a random text nobody knows, with the parameters above: verifying it takes as long as any.
_DECOY = (
    "$argon2id$v=19$m=65536,t=3,p=4$AtzDX8SnHnrrZk/BqS9G+A"
    "$XdIO7de31aqQMRh1tTGdk4KPGkL09yVJjmOrl3K9Ri4"
)


def hash_password(password: str) -> str:
    """The argon2id hash with its parameters and salt (PHC string format).

    Raises InvalidValue for an empty password or one of more than `MAX_BYTES` bytes.
    """
    data = _prepared(password)
    if not data:
        raise InvalidValue("Password", "", "is empty")
    if len(data) > MAX_BYTES:
        raise InvalidValue("Password", "(not shown)", f"has more than {MAX_BYTES} bytes")
    with _at_once:
        return _hasher.hash(data)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one that was hashed to `stored`.

    With `stored` None, for a name that nobody has, it takes the same time and says no. Raises
    SecretUnreadable when `stored` is no argon2 hash.
    """
    data = _prepared(password)[: MAX_BYTES + 1]  # too long is wrong, whatever follows
    with _at_once:
        try:
            _hasher.verify(stored or _DECOY, data)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError) as error:
            raise SecretUnreadable("the stored password hash cannot be read") from error
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether `stored` was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(stored)


def _prepared(password: str) -> bytes:
    """The bytes that are hashed: one form for one text, however it was typed (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
