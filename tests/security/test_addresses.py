"""Which addresses may be connected to, in every form that leads there."""

from __future__ import annotations

import ipaddress

import pytest

from services84.security.addresses import judge

ALWAYS_REFUSED = {
    "0.0.0.0": "an unspecified address",
    "0.1.2.3": "an unspecified address",
    "169.254.0.1": "a link-local address",
    "169.254.255.255": "a link-local address",
    "169.254.169.254": "a metadata address",
    "169.254.170.2": "a metadata address",
    "168.63.129.16": "a metadata address",
    "100.100.100.200": "a metadata address",
    "192.0.0.192": "a metadata address",
    "192.0.0.8": "a reserved address",
    "192.88.99.1": "a reserved address",
    "224.0.0.1": "a multicast address",
    "239.255.255.255": "a multicast address",
    "240.0.0.1": "a reserved address",
    "255.255.255.254": "a reserved address",
    "::": "an unspecified address",
    "fe80::1": "a link-local address",
    "fe80::1%eth0": "a link-local address",
    "febf:ffff::1": "a link-local address",
    "fd00:ec2::254": "a metadata address",
    "fd00:ec2::123": "a metadata address",
    "fd20:ce::254": "a metadata address",
    "ff02::1": "a multicast address",
    "ff0e::1": "a multicast address",
    "64:ff9b:1::a00:1": "a reserved address",
    "100::1": "a reserved address",
    "2001::1": "a reserved address",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "a reserved address",  # Teredo
    "5f00::1": "a reserved address",
    "4000::1": "a reserved address",
    "8000::1": "a reserved address",
    "fe00::1": "a reserved address",
    "200::1": "a reserved address",
}
ON_SITE_ONLY = {
    "127.0.0.1": "a loopback address",
    "127.255.255.254": "a loopback address",
    "::1": "a loopback address",
    "10.0.0.1": "a private address",
    "172.16.0.1": "a private address",
    "172.31.255.255": "a private address",
    "192.168.1.1": "a private address",
    "100.64.0.1": "a private address",
    "100.127.255.255": "a private address",
    "198.18.0.1": "a private address",
    "198.19.255.255": "a private address",
    "fc00::1": "a private address",
    "fd12:3456:789a::1": "a private address",
    "fec0::1": "a private address",
    "192.0.2.1": "an address of documentation",
    "198.51.100.1": "an address of documentation",
    "203.0.113.1": "an address of documentation",
    "2001:db8::1": "an address of documentation",
    "3fff::1": "an address of documentation",
}
ALLOWED = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001:82b::200e",
    "2003::1",
]


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize(("address", "reason"), ALWAYS_REFUSED.items())
def test_some_addresses_are_refused_everywhere(address: str, reason: str, online: bool) -> None:
    assert judge(address, online) == reason


def test_broadcast_is_refused_everywhere() -> None:
    assert (
        judge("255.255.255.255", True) == judge("255.255.255.255", False) == "a broadcast address"
    )


@pytest.mark.parametrize(("address", "reason"), ON_SITE_ONLY.items())
def test_private_addresses_are_for_installations_on_site(address: str, reason: str) -> None:
    assert judge(address, online=True) == reason
    assert judge(address, online=False) is None


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("address", ALLOWED)
def test_the_internet_and_the_neighbours_of_ranges_are_allowed(address: str, online: bool) -> None:
    assert judge(address, online) is None


IPV4 = [address for address in [*ALWAYS_REFUSED, *ON_SITE_ONLY, *ALLOWED] if ":" not in address]
FORMS = {
    "mapped": "::ffff:{dotted}",
    "translated": "::ffff:0:{dotted}",
    "NAT64": "64:ff9b::{dotted}",
    "6to4": "2002:{high:x}:{low:x}::1",
    "6to4 without a host": "2002:{high:x}:{low:x}::",
    "compatible": "::{dotted}",
    "ISATAP": "2a00:1450::5efe:{dotted}",
    "ISATAP, unique": "2a00:1450::200:5efe:{dotted}",
}


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_an_address_inside_an_address_is_judged(form: str, online: bool) -> None:
    for dotted in IPV4:
        number = int(ipaddress.IPv4Address(dotted))
        if form == "compatible" and number < 2:
            continue  # those are :: and ::1
        text = FORMS[form].format(dotted=dotted, high=number >> 16, low=number & 0xFFFF)
        assert judge(text, online) == judge(dotted, online), text


def test_a_scope_changes_nothing() -> None:
    assert judge("::1%lo", online=True) == "a loopback address"
    assert judge("::ffff:127.0.0.1%1", online=True) == "a loopback address"


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "1.2.3.4.5", "::g"]
)
def test_what_is_no_plain_address_is_not_guessed_at(text: str) -> None:
    with pytest.raises(ValueError, match="IP"):
        judge(text, online=True)
