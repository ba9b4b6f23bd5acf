"""Where a mail server is, as people write it."""

from __future__ import annotations

import pytest

from services84.mailhost import split_server


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
