"""Bytes to text, whatever their charset is called or really is. Pure.

Declared charsets are missing, unknown or wrong in real mail; every input gives a text.
"""

from __future__ import annotations

import codecs
import encodings
import functools
import pkgutil
from encodings.aliases import aliases

_ALIASES = {
    # Labels of the Western and Asian web, where the larger set is what is meant (WHATWG Encoding).
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "windows-874": "cp874",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode": "utf-16",
}
# Python's codecs that are no charset of mail, or far too slow for strangers' input.
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "unicode_escape", "unicode-escape", "raw_unicode_escape", "undefined"}
    | {"raw-unicode-escape", "mbcs", "oem"}
)
# Asked before Python is: it looks for a file for every name that it does not know, and remembers
# each for good, which is too much for what strangers make up.
_KNOWN = frozenset(aliases) | {module.name for module in pkgutil.iter_modules(encodings.__path__)}
_MOST_WRONG = 4  # one in so many of the non-ASCII characters may be wrong
_ASCII = bytes(range(128))


def decode(raw: bytes, charset: str | None) -> str:
    """The text of `raw`: by the declared charset, by UTF-8, by whichever does least harm."""
    if raw.isascii() and b"\x1b" not in raw and (not charset or not _is_stateful(charset)):
        return raw.decode("ascii")
    declared = _codec(charset)
    # Bytes of a shifting charset are ASCII, and would pass for UTF-8.
    others = () if declared and raw.isascii() else ("utf-8",)
    for name in filter(None, (declared, *others)):
        try:
            return _without_mark(raw.decode(name))
        except (UnicodeError, ValueError):
            continue
    return _best_guess(raw, declared)


def encode(text: str, charset: str | None) -> bytes | None:
    """The bytes that `decode` reads as `text` where this charset is declared; None where the
    charset is unknown or lacks a character."""
    codec = _codec(charset)
    try:
        raw = text.encode(codec or "ascii")
    except (UnicodeError, ValueError):
        return None
    return raw if decode(raw, charset) == text else None


def _best_guess(raw: bytes, declared: str | None) -> str:
    """No charset fits: a text with a few wrong bytes keeps its charset, any other is Western."""
    unusual = len(raw.translate(None, _ASCII)) or len(raw)
    for name in filter(None, (declared, "utf-8")):
        try:
            text = raw.decode(name, "replace")
        except (UnicodeError, ValueError):
            continue
        if text.count("\ufffd") * _MOST_WRONG <= unusual:
            return _without_mark(text)
    return raw.decode("cp1252", "replace")


@functools.lru_cache(maxsize=256)
def _codec(charset: str | None) -> str | None:
    label = (charset or "").strip().strip("\"'").lower()
    label = _ALIASES.get(label, label)
    name = encodings.normalize_encoding(label).replace(".", "_")
    if label in _NO_CHARSETS or not label.isascii() or name not in _KNOWN:
        return None
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):  # a module of that folder, but no codec of this machine
        return None
    # Others than charsets (base64, zlib, rot13) give or take something else than text.
    return info.name if info.name not in _NO_CHARSETS and _gives_text(info.name) else None


def _gives_text(name: str) -> bool:
    try:
        b"text".decode(name)  # not of nothing, for which Python asks no codec
    except LookupError:
        return False
    except UnicodeError:
        pass
    return True


@functools.lru_cache(maxsize=256)
def _is_stateful(charset: str) -> bool:
    """Whether plain ASCII bytes may mean something else (UTF-7, UTF-16, HZ)."""
    label = charset.strip().lower()
    return label.startswith(("utf-7", "utf7", "utf-16", "utf-32", "utf16", "unicode", "hz"))


def _without_mark(text: str) -> str:
    return text.removeprefix("\ufeff")
