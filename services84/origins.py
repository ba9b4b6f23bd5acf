"""Whether a browser was made to send a request by a page of somebody else's. Pure.

A browser adds what it keeps for an address (a session's cookie, the name and password that somebody
once typed into its window) to whatever any page makes it send there. It also says whose page that
was: by Sec-Fetch-Site (Fetch Metadata), or at least by Origin (RFC 6454). Programs send neither.
"""

from __future__ import annotations

from urllib.parse import urlsplit

_OWN = ("same-origin", "none")  # a page of this service; nobody's page: the user
_PORTS = {"http": 80, "https": 443}


def is_foreign(fetch_site: str | None, origin: str | None, address: str) -> bool:
    """Whether the request comes of a page that is not of `address`, the service's own; a sibling
    in the same domain is foreign as well."""
    if fetch_site:
        return fetch_site.strip().lower() not in _OWN
    if not origin:
        return False
    theirs = _host(origin)
    return theirs is None or theirs != _host(address, like=origin)


def _host(url: str, like: str = "") -> tuple[str, int] | None:
    """Host and port; None for `null` and other texts that are no address. Without a port it is
    that of the scheme of `like`: a proxy that ends TLS need not have said so."""
    try:
        parts = urlsplit(url)
        scheme = urlsplit(like or url).scheme.lower()
        port = parts.port or _PORTS.get(scheme, 0)
        return (parts.hostname.lower(), port) if parts.hostname else None
    except ValueError:
        return None
