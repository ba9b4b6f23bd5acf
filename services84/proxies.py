"""Who really called, and under which address; reads a WSGI environ and the proxies' headers.

Headers that a proxy adds count only when the connection comes from a network of the setting
`trusted_proxies`; anybody else could have written them. A connection over a UNIX socket has no
address and counts as coming from 127.0.0.1. Pure functions; nothing here answers a request.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote

Environ = Mapping[str, Any]

_HOST = re.compile(
    r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?)(?::(\d{1,5}))?"
)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+/?")
_FORWARDING = ("X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP", "VIA")
_SCHEMES = ("http", "https")
_MAX_PORT = 65535
# Fewer than RFC 3986 allows in a path: addresses are shown in command lines to copy.
_PATH_SAFE = "/-._~"


class TrustsProxies(Protocol):
    """What is read of the settings."""

    @property
    def trusted_proxies(self) -> tuple[str, ...]: ...

    @property
    def remote_user_header(self) -> str: ...


def client_address(environ: Environ, settings: TrustsProxies) -> str:
    """The IP address of the caller; behind trusted proxies the nearest that is not one of them.

    X-Forwarded-For is read from the right, where the nearest proxy wrote. An entry that is no
    address ends the reading: the last good one is the answer.
    """
    peer = str(environ.get("REMOTE_ADDR") or "")
    if not _trusted(peer, settings):
        return peer
    address = peer
    for entry in reversed(_entries(environ, "HTTP_X_FORWARDED_FOR")):
        candidate = _without_port(entry)
        if candidate is None:
            return address
        address = candidate
        if not _trusted(address, settings):
            return address
    return address


def comes_from_proxy(environ: Environ, settings: TrustsProxies) -> bool:
    """Whether the connection comes from a trusted proxy, whose headers count."""
    return _trusted(str(environ.get("REMOTE_ADDR") or ""), settings)


def is_forwarded(environ: Environ) -> bool:
    """Whether the request says that a proxy has passed it on, trusted or not."""
    return any(environ.get(f"HTTP_{name}") for name in _FORWARDING)


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether an IP address is of one of the networks; an IPv4-mapped one counts as IPv4."""
    return _is_within(address, tuple(networks))


@lru_cache(maxsize=1024)  # every call asks, mostly about the same few
def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        peer = ipaddress.ip_address(address or "127.0.0.1")
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped is not None:
        peer = peer.ipv4_mapped
    return any(peer in ipaddress.ip_network(network, strict=False) for network in networks)


def remote_user(environ: Environ, settings: TrustsProxies) -> str:
    """The user whom a trusted proxy has authenticated, or empty.

    Empty without the setting `remote_user_header`, and for a header that is no proxy's word.
    """
    header = settings.remote_user_header
    if not header or not _trusted(str(environ.get("REMOTE_ADDR") or ""), settings):
        return ""
    raw = str(environ.get(f"HTTP_{header.upper().replace('-', '_')}", "")).strip()
    try:
        return raw.encode("latin-1").decode("utf-8")  # as WSGI carries headers (PEP 3333)
    except UnicodeError:
        return raw


def address_of(environ: Environ, settings: TrustsProxies) -> str:
    """The absolute URL by which this request reached the service, without its query.

    X-Forwarded-Proto, -Host and -Prefix, or else Forwarded (RFC 7239), count from trusted
    proxies only. A host that is none, or a scheme other than http and https, is passed over
    for what the server itself knows, so that the result is always a well-formed URL.
    """
    scheme = str(environ.get("wsgi.url_scheme", "http"))
    host = _valid_host(str(environ.get("HTTP_HOST", ""))) or _own_host(environ, scheme)
    prefix = ""
    if _trusted(str(environ.get("REMOTE_ADDR") or ""), settings):
        said = _said_by_proxy(environ)
        scheme = said["proto"].lower() if said["proto"].lower() in _SCHEMES else scheme
        host = _valid_host(said["host"]) or host
        prefix = said["prefix"].rstrip("/") if _PREFIX.fullmatch(said["prefix"]) else ""
    path = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
    return f"{scheme}://{host}{prefix}{quote(path.encode('latin-1', 'replace'), safe=_PATH_SAFE)}"


def _said_by_proxy(environ: Environ) -> dict[str, str]:
    """What the nearest proxy says; the last entry of a list is the one that it wrote."""
    names = {"proto": "PROTO", "host": "HOST", "prefix": "PREFIX"}
    said = {key: _last(environ, f"HTTP_X_FORWARDED_{name}") for key, name in names.items()}
    if not any(said.values()):
        for pair in _last(environ, "HTTP_FORWARDED").split(";"):
            key, _, value = pair.strip().partition("=")
            if key.lower() in ("proto", "host"):
                said[key.lower()] = value.strip().strip('"')
    return said


def _entries(environ: Environ, name: str) -> list[str]:
    return [entry.strip() for entry in str(environ.get(name, "")).split(",") if entry.strip()]


def _last(environ: Environ, name: str) -> str:
    return (_entries(environ, name) or [""])[-1]


def _trusted(address: str, settings: TrustsProxies) -> bool:
    return is_within(address, settings.trusted_proxies)


def _without_port(entry: str) -> str | None:
    text = entry.strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _valid_host(text: str) -> str | None:
    match = _HOST.fullmatch(text)
    if match is None or (match[1] and not 0 < int(match[1]) <= _MAX_PORT):
        return None
    return text


def _own_host(environ: Environ, scheme: str) -> str:
    name = _valid_host(str(environ.get("SERVER_NAME", ""))) or "localhost"
    port = str(environ.get("SERVER_PORT", ""))
    usual = {"http": "80", "https": "443"}.get(scheme)
    return f"{name}:{port}" if port.isdigit() and port != usual else name
