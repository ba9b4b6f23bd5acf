"""Dialling: judged before connected, connected to what was judged, and clear when it fails."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from services84.errors import (
    ConnectionRefused,
    HostNotAllowed,
    InvalidValue,
    MailServerTimeout,
    MailServerUnreachable,
    UnknownHost,
)
from services84.security import outbound
from services84.security.outbound import Dialer, Found, Resolver, literal_refusal

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answers(*addresses: str) -> Resolver:
    def resolve(host: str, port: int) -> Sequence[Found]:
        return [
            (V6 if ":" in a else V4, (a, port, 0, 0) if ":" in a else (a, port)) for a in addresses
        ]

    return resolve


def _dialer(*addresses: str, online: bool = False, timeout: float = 5.0) -> Dialer:
    return Dialer(online=online, timeout=timeout, resolver=_answers(*addresses))


def test_a_listening_server_is_connected_to(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with Dialer(online=False, timeout=5).dial("localhost", port, 3.0) as connection:
        assert connection.gettimeout() == 3.0
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        peer, _ = listener.accept()
        peer.close()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[127.0.0.1]", " 127.1 ", "2130706433", "0x7f.1", "0177.0.0.1"]
)
def test_every_way_to_write_loopback_is_loopback(listener: socket.socket, host: str) -> None:
    port = listener.getsockname()[1]
    Dialer(online=False, timeout=5).dial(host, port).close()
    with pytest.raises(HostNotAllowed, match="loopback"):
        Dialer(online=True, timeout=5).dial(host, port)


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "::ffff:169.254.169.254",
     "64:ff9b::a9fe:a9fe", "0.0.0.0", "0", "::", "[::]", "224.0.0.1", "255.255.255.255", "fe80::1", "240.0.0.1"],
)  # fmt: skip
def test_forbidden_addresses_are_forbidden_in_every_form(host: str, online: bool) -> None:
    with pytest.raises(HostNotAllowed, match="not allowed here"):
        Dialer(online=online, timeout=1).dial(host, 993)


def test_a_name_that_leads_to_a_forbidden_address_is_refused_by_what_it_leads_to() -> None:
    with pytest.raises(HostNotAllowed) as refused:
        _dialer("169.254.169.254", online=False).dial("mail.example.com", 993)
    assert str(refused.value) == (
        "mail.example.com:993: 169.254.169.254 is a metadata address; connections to those are not allowed here"
    )
    assert refused.value.host == "mail.example.com"


def test_online_nobody_learns_what_a_name_stands_for_inside() -> None:
    with pytest.raises(HostNotAllowed) as refused:
        _dialer("10.1.2.3", "::1", online=True).dial("mail.example.com", 993)
    assert str(refused.value) == (
        "mail.example.com:993: the name stands for no address on the Internet;"
        " connections to those are not allowed here"
    )
    assert refused.value.host == "mail.example.com"


def test_only_allowed_addresses_of_a_name_are_tried(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    original = outbound._open

    def note(family: socket.AddressFamily, address: tuple[str, int], *rest: float) -> socket.socket:
        tried.append(address[0])
        return original(family, address, *rest)

    monkeypatch.setattr(outbound, "_open", note)
    dialer = _dialer("fe80::1", "169.254.169.254", "127.0.0.1", "127.0.0.1")
    dialer.dial("mail.example.com", listener.getsockname()[1]).close()
    assert tried == ["127.0.0.1"]


def test_the_name_is_looked_up_once_and_the_judged_address_connected_to(
    listener: socket.socket,
) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[Found]:
        asked.append(host)
        return _answers("127.0.0.1" if len(asked) == 1 else "169.254.169.254")(host, port)

    dialer = Dialer(online=False, timeout=5, resolver=rebinding)
    with dialer.dial("mail.example.com", listener.getsockname()[1]) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
    assert asked == ["mail.example.com"]


def test_the_next_address_is_tried_when_one_does_not_answer(listener: socket.socket) -> None:
    # Nobody listens on 127.0.0.2: the listener has one address.
    dialer = _dialer("127.0.0.2", "127.0.0.1")
    with dialer.dial("mail.example.com", listener.getsockname()[1]) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"


def test_a_closed_port_is_a_refused_connection(closed_port: int) -> None:
    with pytest.raises(ConnectionRefused) as refused:
        _dialer("127.0.0.1").dial("mail.example.com", closed_port)
    assert str(refused.value) == f"mail.example.com:{closed_port} refused the connection"


def test_a_server_that_does_not_answer_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:  # fills the queue; the kernel drops what comes then
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            begin = time.monotonic()
            with pytest.raises(MailServerTimeout, match=r"did not answer within 0\.4 s"):
                _dialer("127.0.0.1", "127.0.0.1").dial("mail.example.com", port, 0.4)
            assert time.monotonic() - begin < 20
        finally:
            for filler in fillers:
                filler.close()


def test_several_addresses_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def hang(_f: object, _a: object, wait: float, _t: float) -> socket.socket:
        waits.append(wait)
        raise TimeoutError

    monkeypatch.setattr(outbound, "_open", hang)
    with pytest.raises(MailServerTimeout):
        _dialer("8.8.8.8", "1.1.1.1", "9.9.9.9", timeout=9.0).dial("mail.example.com", 993)
    assert waits == pytest.approx([3.0, 4.5, 9.0], abs=0.2)


def test_an_unreachable_network_is_said_as_the_system_says_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> socket.socket:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(outbound, "_open", fail)
    with pytest.raises(MailServerUnreachable, match="cannot be reached: Network is unreachable"):
        _dialer("2001:4860::1").dial("mail.example.com", 993)


def test_a_refusal_tells_more_than_an_unreachable_network(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([ConnectionRefusedError(111, "x"), OSError(errno.ENETUNREACH, "y")])

    def fail(*_: object) -> socket.socket:
        raise next(failures)

    monkeypatch.setattr(outbound, "_open", fail)
    with pytest.raises(ConnectionRefused):
        _dialer("127.0.0.1", "::1").dial("localhost", 993)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "there is no host of this name"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "cannot be looked up now"),
        (UnicodeError("label too long"), "there is no host of this name"),
    ],
)
def test_a_name_without_an_address_is_an_unknown_host(error: Exception, text: str) -> None:
    def fail(host: str, port: int) -> Sequence[Found]:
        raise error

    with pytest.raises(UnknownHost, match=text):
        Dialer(online=False, timeout=1, resolver=fail).dial("mail.example.com", 993)


def test_a_name_with_no_addresses_at_all_is_an_unknown_host() -> None:
    with pytest.raises(UnknownHost, match="no address"):
        _dialer().dial("mail.example.com", 993)


@pytest.mark.parametrize("host", ["x" * 64 + ".example.com", "a..b", "nobody.invalid"])
def test_names_that_cannot_exist_are_unknown_hosts(host: str) -> None:
    with pytest.raises(UnknownHost):
        Dialer(online=False, timeout=10).dial(host, 993)


def test_a_resolver_that_hangs_is_a_timeout() -> None:
    release = threading.Event()

    def hang(host: str, port: int) -> Sequence[Found]:
        release.wait(10)
        return []

    with pytest.raises(MailServerTimeout, match="looking up the name"):
        Dialer(online=False, timeout=0.1, resolver=hang).dial("mail.example.com", 993)
    release.set()


@pytest.mark.parametrize(
    "host",
    [
        "",
        "  ",
        "[]",
        "a b",
        "a\x00b",
        "a\r\nb",
        "imap://x",
        "anna@x",
        "x" * 254,
        "mail.example.com/x",
        "\u200b",
    ],
)
def test_what_is_no_host_name_is_refused_before_it_is_looked_up(host: str) -> None:
    def never(host: str, port: int) -> Sequence[Found]:
        raise AssertionError("looked up")

    with pytest.raises(InvalidValue, match="Server"):
        Dialer(online=False, timeout=1, resolver=never).dial(host, 993)


@pytest.mark.parametrize("port", [0, -1, 65536, 2**31])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(InvalidValue, match="Port"):
        _dialer("127.0.0.1").dial("mail.example.com", port)


def test_an_ipv6_server_is_connected_to_and_shown_in_brackets() -> None:
    try:
        server = socket.create_server(("::1", 0), family=V6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = server.getsockname()[1]
    with server:
        Dialer(online=False, timeout=5).dial("[::1]", port).close()
    with pytest.raises(ConnectionRefused, match=rf"\[::1\]:{port} refused"):
        Dialer(online=False, timeout=5).dial("::1", port)


@pytest.mark.parametrize(
    ("host", "on_site", "online"),
    [
        ("mail.example.com", None, None),
        ("localhost", None, None),
        ("8.8.8.8", None, None),
        ("[2a00:1450::1]", None, None),
        (" 10.0.0.1 ", None, "is a private address"),
        ("[::1]", None, "is a loopback address"),
        ("169.254.169.254", "is a metadata address", "is a metadata address"),
    ],
)
def test_a_literal_address_can_be_judged_before_it_is_saved(
    host: str, on_site: str | None, online: str | None
) -> None:
    for is_online, expected in ((False, on_site), (True, online)):
        refusal = literal_refusal(host, online=is_online)
        assert refusal is None if expected is None else (refusal or "").startswith(expected)
