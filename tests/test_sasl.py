"""Choosing a mechanism, and what must not be shown of it."""

from __future__ import annotations

import pytest

from services84.mailhost import Login, MailHost, Mechanism, Transport
from services84.sasl import choose, exchange

HOST = MailHost("mail.example.com", 993, Transport.TLS)


@pytest.mark.parametrize(
    ("offered", "wanted", "in_clear", "chosen"),
    [
        ("PLAIN LOGIN CRAM-MD5", Mechanism.PASSWORD, False, "PLAIN"),
        ("PLAIN LOGIN CRAM-MD5", Mechanism.PASSWORD, True, "CRAM-MD5"),
        ("login", Mechanism.PASSWORD, False, "LOGIN"),
        ("XOAUTH2 GSSAPI", Mechanism.PASSWORD, False, None),
        ("PLAIN CRAM-MD5", Mechanism.CRAM_MD5, False, "CRAM-MD5"),
        ("PLAIN", Mechanism.CRAM_MD5, False, None),
        ("XOAUTH2 OAUTHBEARER PLAIN", Mechanism.OAUTH, False, "OAUTHBEARER"),
        ("XOAUTH2 PLAIN", Mechanism.OAUTH, False, "XOAUTH2"),
        ("PLAIN", Mechanism.OAUTH, False, None),
        ("", Mechanism.PASSWORD, False, None),
    ],
)
def test_the_best_mechanism_is_chosen(
    offered: str, wanted: Mechanism, in_clear: bool, chosen: str | None
) -> None:
    assert choose(offered.split(), wanted, in_clear=in_clear) == chosen


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "OAUTHBEARER", "XOAUTH2"])
def test_an_exchange_shows_no_secret(mechanism: str) -> None:
    made = exchange(mechanism, Login("anna", "top-secret"), HOST)

    assert made.mechanism == mechanism
    assert "secret" not in repr(made)


@pytest.mark.parametrize("login", [Login("a\0", "x"), Login("a", "x\0"), Login("a", "\x01x")])
def test_control_characters_are_refused_without_showing_them(login: Login) -> None:
    with pytest.raises(ValueError, match="the user name or password holds a control character"):
        exchange("PLAIN", login, HOST)
