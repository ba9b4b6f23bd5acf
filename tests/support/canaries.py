"""Secrets that sing: unlike anything else, and found in whatever form they have got somewhere."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

PIECE = 16 * 1024 * 1024  # bytes of a file that are held at a time


def canary(what: str) -> str:
    """A secret that no chance makes twice, with characters that every syntax has to escape."""
    return f"{what}-{secrets.token_hex(12)}-<&'\"%+>"


def forms(secret: str) -> set[bytes]:
    """What the secret, or the part of it that no other text has, looks like in other clothes."""
    core = max(secret.split("-"), key=len) if "-<" in secret else secret
    raw = core.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), core.encode("utf-16-le")}
    found |= {quote(core, safe="").encode(), quote_plus(core).encode()}
    found.add(core.replace("/", "\\/").encode())
    for before in range(3):  # base64 has three ways for a text, by where it begins
        packed = base64.b64encode(b"x" * before + raw)
        whole = packed[(0, 2, 3)[before] : len(packed) // 4 * 4 - 4]
        found |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_")}
    return found


class Aviary:
    """Secrets by name, and where each of them may be heard."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self._forms: dict[str, set[bytes]] = {}
        self.heard: list[tuple[str, str]] = []

    def new(self, what: str) -> str:
        """A canary of this name."""
        return self.keep(what, canary(what))

    def keep(self, what: str, secret: str) -> str:
        """A secret that somebody else has made."""
        assert len(secret) >= 12
        self.secrets[what] = secret
        self._forms[what] = forms(secret)
        return secret

    def listen(self, where: str, content: bytes, *, told: tuple[str, ...] = ()) -> None:
        """Note what sings in `content`, but for those that are to be `told` there."""
        for what, shapes in self._forms.items():
            if what not in told and any(shape in content for shape in shapes):
                self.heard.append((where, what))

    def listen_to_file(self, path: Path) -> None:
        """The same for a file, piece by piece, each with the end of the one before."""
        with path.open("rb") as file:
            before = b""
            while piece := file.read(PIECE):
                self.listen(str(path), before + piece)
                before = piece[-4096:]


def files_below(folder: Path, *, without: Mapping[str, str] = {}) -> Iterator[Path]:
    """All files, but for those that are meant to hold a secret (`without`: name and reason)."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in without:
            yield path
