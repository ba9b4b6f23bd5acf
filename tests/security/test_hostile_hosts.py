"""Forty ways to name a host that is none of the caller's business, dialled as they would be: through
the system's resolver, online. None may be connected to, and nothing is."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import pytest

from services84.errors import HostNotAllowed, InvalidValue, UnknownHost
from services84.security.outbound import Dialer, Found, resolve

NAT64 = "64:ff9b::"
HOSTILE = [
    # Loopback, however it is written (inet_aton takes all of these).
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001",
    "0177.0.0.1", "0x7F.0.0.0x1", "127.255.255.254", " 127.0.0.1 ",
    "[::1]", "::1", "0:0:0:0:0:0:0:1", "localhost", "LOCALHOST",
    # Metadata and link-local.
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "fe80::1",
    "fe80::1%lo", "fd00:ec2::254", "100.100.100.200",
    # IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, ISATAP, Teredo.
    "::ffff:127.0.0.1", "::ffff:7f00:1", "[::ffff:10.0.0.1]", "::127.0.0.1", "::ffff:0:127.0.0.1",
    f"{NAT64}127.0.0.1", f"{NAT64}a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2001:0:1::1", "2606:4700::5efe:7f00:1",
    # Unspecified, private, multicast, broadcast, reserved.
    "0", "0.0.0.0", "::", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "224.0.0.1",
    "ff02::1", "255.255.255.255", "240.0.0.1", "fc00::1", "198.18.0.1",
    # Digits of other alphabets, dots that are none, and what is no host at all.
    "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "١٢٧.٠.٠.١",
    "127.0.0.1:25", "[::1]:993", "user@127.0.0.1", "127.0.0.1/x", "127.0.0.1#.example.com",
    "127.0.0.1\r\nx", "127.0.0.1\x00.example.com", "", "[", "a" * 300,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _nobody_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)


def _literal(host: str, port: int) -> Sequence[Found]:
    """The system's reading of addresses; no name leaves this machine."""
    if host.lower() != "localhost":
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [(family, address) for family, _, _, _, address in found]
    return resolve(host, port)


def test_there_are_forty_of_them() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 40


@pytest.mark.parametrize("host", HOSTILE)
def test_a_hostile_host_is_not_connected_to(host: str) -> None:
    with pytest.raises((HostNotAllowed, InvalidValue, UnknownHost)):
        Dialer(online=True, timeout=5, resolver=_literal).dial(host, 993)


@pytest.mark.parametrize("port", [-1, 0, 65536, 2**31, 2**64])
def test_a_port_that_is_none_is_refused_before_anything_is_looked_up(port: int) -> None:
    def looked_up(host: str, port: int) -> Sequence[Found]:
        raise AssertionError("looked up")

    with pytest.raises(InvalidValue):
        Dialer(online=True, timeout=5, resolver=looked_up).dial("mail.example.com", port)


def test_a_name_that_is_bound_anew_after_it_was_judged_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first answer is public, every later one is loopback: one question is asked."""
    asked: list[str] = []
    connected: list[Any] = []

    def rebinding(host: str, port: int) -> Sequence[Found]:
        asked.append(host)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, (address, port))]

    def connect(self: socket.socket, address: Any) -> None:
        connected.append(address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    Dialer(online=True, timeout=5, resolver=rebinding).dial("rebinding.example.com", 993).close()
    assert asked == ["rebinding.example.com"]
    assert connected == [("93.184.215.14", 993)]


def test_of_mixed_answers_only_public_addresses_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: connected.append(address))

    def mixed(host: str, port: int) -> Sequence[Found]:
        return [(socket.AF_INET, (a, port)) for a in ("127.0.0.1", "10.0.0.1", "93.184.215.14")]

    Dialer(online=True, timeout=5, resolver=mixed).dial("mixed.example.com", 993).close()
    assert connected == [("93.184.215.14", 993)]
