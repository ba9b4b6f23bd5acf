"""Where a mail server is, as people write it."""

from __future__ import annotations

import pytest

from services84.mailhost import Transport, shown_ssl, split_server, transport_for, transport_of


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("mail.example.com", ("mail.example.com", 993)),
        (" mail.example.com:143 ", ("mail.example.com", 143)),
        ("[2001:db8::1]:65535", ("2001:db8::1", 65535)),
        ("[2001:db8::1]", ("2001:db8::1", 993)),
        ("2001:db8::1", ("2001:db8::1", 993)),
        ("192.0.2.1:1", ("192.0.2.1", 1)),
    ],
)
def test_host_and_port(text: str, where: tuple[str, int]) -> None:
    assert split_server(text, 993) == where


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no server"),
        ("a b", "no server"),
        ("a\0", "no server"),
        (":993", "names no host"),
        ("host:", "no port from 1 to 65535"),
        ("host:0", "no port"),
        ("host:65536", "no port"),
        ("host:+1", "no port"),
        ("host:١", "no port"),
        ("host:" + "9" * 5000, "no port"),
        ("[::1", r"\[address\]:port"),
        ("[::1]:", "no port"),
        ("[::1]993", r"\[address\]:port"),
        ("[host]:993", r"\[address\]:port"),
        ("a:b:c", "neither"),
    ],
)
def test_what_names_no_server_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        split_server(text, 993)


@pytest.mark.parametrize(
    ("port", "ssl", "transport"),
    [
        (993, None, Transport.TLS),
        (465, None, Transport.TLS),
        (143, None, Transport.STARTTLS),
        (10143, None, Transport.STARTTLS),
        (993, True, Transport.TLS),
        (10993, True, Transport.TLS),
        (143, True, Transport.STARTTLS_ALWAYS),
        (25, True, Transport.STARTTLS_ALWAYS),
        (587, True, Transport.STARTTLS_ALWAYS),
        (143, False, Transport.STARTTLS),
        (10993, False, Transport.STARTTLS),
    ],
)
def test_flag_and_port_say_how_a_connection_is_protected(
    port: int, ssl: bool | None, transport: Transport
) -> None:
    assert transport_of(port, ssl) is transport


def test_a_flag_that_is_set_asks_for_tls_where_the_operator_does_not() -> None:
    assert transport_of(143, None, tls_required=False) is Transport.PLAIN
    assert transport_of(143, False, tls_required=False) is Transport.PLAIN
    assert transport_of(143, True, tls_required=False) is Transport.STARTTLS_ALWAYS
    assert transport_of(10143, True, tls_required=False) is Transport.TLS


@pytest.mark.parametrize("port", [25, 143, 465, 587, 993, 10143])
@pytest.mark.parametrize("tls_required", [True, False])
def test_a_flag_that_was_never_set_is_shown_as_one_that_changes_nothing(
    port: int, tls_required: bool
) -> None:
    shown = shown_ssl(port, None)
    assert transport_of(port, shown, tls_required=tls_required) is transport_for(
        port, tls_required=tls_required
    )
