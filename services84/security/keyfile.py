"""The file of keys: read whole, replaced whole, for its owner alone. What keys are for: `vault`.

A line for each key, `<key id> <base64 of 32 bytes>`; the first one seals, all of them open. A third
word `next` marks a key that is prepared: it opens, and the next rotation lets it seal. `#` begins
a comment. A reader meets the old file or the new one, never a half, whatever kills the writer.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from services84.errors import KeyUnavailable

KEY_BYTES = 32
NEXT = "next"
_MAX_FILE_BYTES = 65536
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HEADER = ("# services84: the key of mail passwords. Keep a copy, apart from the database's.",)
_ADVICE = "`services84 init` makes one"

# Which file it is and when it was written: another one after every replacement.
Stamp = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class KeyRing:
    """The keys of a file by their ids, in its order. Never without one that seals."""

    keys: Mapping[str, bytes] = field(repr=False)
    prepared: str | None = None
    comments: tuple[str, ...] = _HEADER

    @property
    def sealing(self) -> str:
        """The id of the key that seals."""
        return next(key_id for key_id in self.keys if key_id != self.prepared)

    @property
    def retiring(self) -> tuple[str, ...]:
        """The ids of those that only open what they sealed before."""
        return tuple(k for k in self.keys if k not in (self.sealing, self.prepared))

    @classmethod
    def of_new_key(cls) -> KeyRing:
        return cls(MappingProxyType({_new_id(): _new_key()}))

    def with_prepared(self) -> KeyRing:
        """With one more key, prepared; as it is where there is such a key."""
        if self.prepared is not None:
            return self
        key_id = _new_id()
        keys = {**self.keys, key_id: _new_key()}
        return replace(self, keys=MappingProxyType(keys), prepared=key_id)

    def turned(self) -> KeyRing:
        """A step further: the prepared key seals; a new one where there is but one key. A ring
        whose former keys are still there is in the middle of a turn, and stays as it is."""
        if self.prepared is None and self.retiring:
            return self
        ring = self.with_prepared()
        assert ring.prepared is not None
        first = {ring.prepared: ring.keys[ring.prepared]}
        return replace(ring, keys=MappingProxyType(first | dict(ring.keys)), prepared=None)

    def without(self, key_ids: set[str]) -> KeyRing:
        """Without some of the keys; never without the one that seals."""
        kept = {
            key_id: key
            for key_id, key in self.keys.items()
            if key_id not in key_ids or key_id == self.sealing
        }
        prepared = self.prepared if self.prepared in kept else None
        return replace(self, keys=MappingProxyType(kept), prepared=prepared)

    def render(self) -> str:
        """The text of a file that holds this."""
        lines = [*self.comments]
        for key_id, key in self.keys.items():
            mark = f" {NEXT}" if key_id == self.prepared else ""
            lines.append(f"{key_id} {base64.b64encode(key).decode('ascii')}{mark}")
        return "\n".join(lines) + "\n"


class KeyFile:
    """A key file. All methods raise KeyUnavailable, which never shows a key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the file, with one new key.

        It is there whole or not at all, so that nobody meets it half-written, and of several
        who make it at once one succeeds. What has this name already is left as it is.
        """
        draft = self._draft_of(self.path)
        try:
            _write_new(draft, KeyRing.of_new_key().render())
            os.link(draft, self.path)  # unlike a renaming, never over another file
            _save_folder(self.path.parent)
        except FileExistsError as error:
            raise KeyUnavailable(f"key file {self.path} exists; it is never overwritten") from error
        except OSError as error:
            raise KeyUnavailable(f"cannot make key file {self.path}: {error.strerror}") from error
        finally:
            _remove(draft)

    def read(self) -> KeyRing:
        """The keys of the file, which has to be its owner's alone and hold nothing but keys."""
        return self.read_stamped()[0]

    def read_stamped(self) -> tuple[KeyRing, Stamp]:
        """The keys, with the stamp of the file that they were read from."""
        text, stamp = self._text()
        return _parse(self.path, text), stamp

    def stamp(self) -> Stamp:
        """Which file is there."""
        try:
            return _stamp_of(os.stat(self.path))
        except OSError as error:
            raise self._unreadable(error) from error

    @contextmanager
    def changing(self) -> Iterator[Callable[[KeyRing], None]]:
        """Be the only one who changes the file; gives what replaces it, whole or not at all.

        The file keeps its owner: the service has to read what an administrator has written.
        Raises KeyUnavailable when another process is at it.
        """
        path = Path(os.path.realpath(self.path))
        with self._folder_locked(path.parent):
            for left_over in path.parent.glob(f".{path.name}.*"):
                if re.fullmatch(r"[0-9a-f]{16}", left_over.name.rpartition(".")[2]):
                    _remove(left_over)  # of a process that was killed

            def replace_by(ring: KeyRing) -> None:
                draft = self._draft_of(path)
                try:
                    _write_new(draft, ring.render(), like=os.stat(path))
                    os.replace(draft, path)
                    _save_folder(path.parent)
                except OSError as error:
                    raise KeyUnavailable(
                        f"cannot replace key file {self.path}: {error.strerror}"
                    ) from error
                finally:
                    _remove(draft)

            yield replace_by

    @contextmanager
    def _folder_locked(self, folder: Path) -> Iterator[None]:
        """The folder stands for the file, which is another one after every change."""
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise KeyUnavailable(
                f"another process is changing key file {self.path}; try again when it is done"
            ) from error
        finally:
            os.close(descriptor)  # and with it the lock

    @staticmethod
    def _draft_of(path: Path) -> Path:
        return path.with_name(f".{path.name}.{secrets.token_hex(8)}")

    def _unreadable(self, error: OSError) -> KeyUnavailable:
        if isinstance(error, FileNotFoundError):
            return KeyUnavailable(f"there is no key file {self.path}; {_ADVICE}")
        return KeyUnavailable(f"cannot read key file {self.path}: {error.strerror}")

    def _text(self) -> tuple[str, Stamp]:
        try:
            # Asked of the open file, so that what is checked is what is read.
            with open(self.path, "rb") as file:
                status = os.fstat(file.fileno())
                data = file.read(_MAX_FILE_BYTES)
        except OSError as error:
            raise self._unreadable(error) from error
        if not stat.S_ISREG(status.st_mode):
            raise KeyUnavailable(f"key file {self.path} is no regular file")
        if status.st_mode & 0o077:
            raise KeyUnavailable(
                f"key file {self.path} is open to others (mode {status.st_mode & 0o777:04o}); "
                f"chmod 600 {self.path}"
            )
        try:
            return data.decode("ascii"), _stamp_of(status)
        except UnicodeDecodeError as error:
            # Not shown: a damaged key file may still hold most of a key.
            raise KeyUnavailable(f"key file {self.path} is not text") from error


# Lines ------------------------------------------------------------------------------------------


def _parse(path: Path, text: str) -> KeyRing:
    keys: dict[str, bytes] = {}
    prepared: list[str] = []
    comments: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            comments.append(line)
            continue
        key_id, key, marked = _parse_line(line) or ("", b"", False)
        if not key:
            raise KeyUnavailable(f"key file {path}, line {number}: no key id with a key")
        if key_id in keys:
            raise KeyUnavailable(f"key file {path}, line {number}: {key_id} stands twice")
        keys[key_id] = key
        prepared += [key_id] if marked else []
    if len(prepared) > 1:
        raise KeyUnavailable(f"key file {path} holds several prepared keys; one is allowed")
    if len(keys) == len(prepared):
        raise KeyUnavailable(f"key file {path} holds no key")
    return KeyRing(
        MappingProxyType(keys), prepared[0] if prepared else None, tuple(comments) or _HEADER
    )


def _parse_line(line: str) -> tuple[str, bytes, bool] | None:
    key_id, encoded, *marks = [*line.split(), ""][: max(2, len(line.split()))]
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES or marks not in ([], [NEXT]):
        return None
    return key_id, key, marks == [NEXT]


def _new_id() -> str:
    return secrets.token_hex(4)


def _new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


# Files ------------------------------------------------------------------------------------------


def _write_new(path: Path, text: str, *, like: os.stat_result | None = None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        if like is not None and (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(file.fileno(), like.st_uid, like.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _save_folder(path: Path) -> None:
    """A new name lasts only once its folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stamp_of(status: os.stat_result) -> Stamp:
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
