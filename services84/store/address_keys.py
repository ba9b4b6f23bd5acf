"""By what mail addresses are compared. Pure.

Whether an address is one is for those to judge who take it in.
"""

from __future__ import annotations

import unicodedata

from services84.store.sql import folded

_ACE = "xn--"  # an internationalised label in ASCII (RFC 5890 section 2.3.2.1)
_FULL_STOPS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})  # RFC 3490 section 3.1


def address_key(address: str) -> str:
    """The form that all spellings of an address have in common.

    Case and width do not matter (RFC 5321 lets the local part's case matter, no server does), and
    a domain in Unicode is the same as in its ASCII form.
    """
    local, at, domain = address.strip().rpartition("@")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", local).lower())
    return f"{local}{at}{_domain_key(domain)}"


def account_keys(address: str) -> set[str]:
    """The keys that accounts with this address are stored under, which keep a domain as given."""
    key = address_key(address)
    local, at, domain = key.rpartition("@")
    return {folded(key), folded(f"{local}{at}{_in_ascii(domain)}"), folded(address.strip())}


def _domain_key(domain: str) -> str:
    plain = unicodedata.normalize("NFKC", domain).translate(_FULL_STOPS).lower().rstrip(".")
    return ".".join(_label(label) for label in plain.split("."))


def _label(label: str) -> str:
    if not label.startswith(_ACE):
        return label
    try:
        return unicodedata.normalize("NFC", label[len(_ACE) :].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label


def _in_ascii(domain: str) -> str:
    return ".".join(
        label if label.isascii() else _ACE + label.encode("punycode").decode("ascii")
        for label in domain.split(".")
    )
