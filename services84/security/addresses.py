"""Which IP addresses may be connected to; pure. How they are found and dialled: `outbound`.

Ranges are written out here, from the IANA special-purpose registries (RFC 6890 and its updates),
rather than taken from `ipaddress`, whose ideas of "private" and "global" differ between versions.
"""

from __future__ import annotations

import functools
import ipaddress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address


def _ranges(what: str, *networks: str) -> list[tuple[ipaddress.IPv4Network | IPv6Network, str]]:
    return [(ip_network(network), what) for network in networks]


# Cloud machines answer these with their own credentials (Amazon, Google, Azure, Oracle, Alibaba).
_METADATA = _ranges(
    "a metadata address",
    "169.254.169.254/32",
    "169.254.170.2/32",
    "fd00:ec2::/32",
    "fd20:ce::254/128",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "100.100.100.200/32",
)
_NEVER = [
    *_METADATA,
    *_ranges("an unspecified address", "0.0.0.0/8", "::/128"),
    *_ranges("a link-local address", "169.254.0.0/16", "fe80::/10"),
    *_ranges("a multicast address", "224.0.0.0/4", "ff00::/8"),
    *_ranges("a broadcast address", "255.255.255.255/32"),
    *_ranges(
        "a reserved address",
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relay anycast, deprecated (RFC 7526)
        "240.0.0.0/4",
        "64:ff9b:1::/48",  # local translation: no telling where it leads (RFC 8215)
        "100::/64",  # discarded (RFC 6666)
        "2001::/23",  # Teredo, ORCHID and other protocols' own (RFC 2928)
        "5f00::/16",  # segment routing (RFC 9602)
    ),
]
_ON_SITE_ONLY = [
    *_ranges("a loopback address", "127.0.0.0/8", "::1/128"),
    *_ranges(
        "a private address",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # between a provider and its customers (RFC 6598)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "fc00::/7",
        "fec0::/10",
    ),
    *_ranges(
        "an address of documentation",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "2001:db8::/32",
        "3fff::/20",
    ),
]
_GLOBAL_IPV6 = IPv6Network("2000::/3")  # all that IANA has given out so far

# Forms of IPv6 that lead to an IPv4 address: network, and how far that address is from the right.
_EMBEDDED = [
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped (RFC 4291, 2.5.5.2)
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated (RFC 2765)
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (IPv6Network("2002::/16"), 80),  # 6to4 (RFC 3056)
    (IPv6Network("::/96"), 0),  # compatible (RFC 4291, 2.5.5.1)
]
# ISATAP (RFC 5214, 6.1): any prefix, then 0000:5efe or 0200:5efe, then the IPv4 address.
_ISATAP = (0x00005EFE, 0x02005EFE)


@functools.lru_cache(maxsize=1024)
def judge(address: str | Address, online: bool) -> str | None:
    """Why this IP address must not be connected to, as in "a loopback address"; None if it may.

    Always refused: unspecified, link-local, metadata, multicast, broadcast and reserved ones.
    `online`, private and loopback ones too. Raises ValueError for what is no IP address.
    """
    ip = ipaddress.ip_address(address) if isinstance(address, str) else address
    if isinstance(ip, IPv6Address):
        ip = IPv6Address(int(ip))  # without its scope, which changes no range
        # Loopback and unspecified look like IPv4-compatible addresses and are none.
        inner = _inner(ip) if int(ip) > 1 else None
        if inner is not None:
            return judge(inner, online)
    ranges = _NEVER + _ON_SITE_ONLY if online else _NEVER
    for network, what in ranges:
        if ip in network:
            return what
    return None if _is_given_out(ip, online) else "a reserved address"


def _inner(ip: IPv6Address) -> IPv4Address | None:
    for network, shift in _EMBEDDED:
        if ip in network:
            return IPv4Address(int(ip) >> shift & 0xFFFFFFFF)
    if int(ip) >> 32 & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def _is_given_out(ip: Address, online: bool) -> bool:
    if isinstance(ip, IPv4Address) or ip in _GLOBAL_IPV6:
        return True
    return not online and any(ip in network for network, _ in _ON_SITE_ONLY)
