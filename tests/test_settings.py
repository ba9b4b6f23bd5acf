"""Settings: a wrong one is named with its value and with what is allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services84.errors import ConfigurationError
from services84.settings import PREFIX, Settings, read_settings, unknown_settings
from tests.support.certificates import Authority


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    monkeypatch.setenv(f"{PREFIX}{name}", value)
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    return refused.value.message


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("WORKERS", "x", "a whole number, at least 1, at most 64"),
        ("WORKERS", "", "a whole number, at least 1, at most 64"),
        ("WORKERS", "1.5", "a whole number, at least 1, at most 64"),
        ("WORKERS", "65", "a whole number, at least 1, at most 64"),
        ("MAIL_READ_TIMEOUT", "0", "a number, more than 0, at most 1800"),
        ("MAIL_READ_TIMEOUT", "nan", "a number, more than 0, at most 1800"),
        ("BACKOFF_CAP", "inf", "a number, more than 0, at most 86400"),
        ("BACKOFF_CAP", "nan", "a number, more than 0, at most 86400"),
        ("BACKOFF_BASE", "1000", "BACKOFF_CAP=600.0: is less than SERVICES84_BACKOFF_BASE"),
        ("SYNC_INTERVAL", "1e300", "a number, at least 0, at most 31536000"),
        ("TICKET_SECONDS", "9" * 30, "a whole number, at least 60, at most 31536000"),
        ("REVEAL_PASSWORDS", "perhaps", "true, false"),
        ("INSTALLATION", "cloud", "onsite, online"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, x", "'x' is no IP network such as 10.0.0.0/8"),
        ("REMOTE_USER_HEADER", "X Remote", "no name of a header"),
        ("MAIL_CA_FILE", "/nope", "cannot be read: No such file"),
        ("MAIL_CA_FILE", "/", "cannot be read"),
        ("MAIL_CA_FILE", __file__, "holds no certificate in PEM form"),
        ("OIDC_ALGORITHMS", "RS256, HS256", "is none of RS256"),
        ("OIDC_ALGORITHMS", "", "is none of RS256"),
        ("OIDC_LEEWAY", "301", "at most 300"),
        ("CONTEXT", "a.b", "no name of letters"),
        ("EXECUTOR", "threads", "local, celery"),
        ("EXECUTOR", "celery", "needs a PostgreSQL database (SERVICES84_DATABASE_URL)"),
        ("SYNC_TURN", "3600", "a number, at least 10, at most 1500"),
        ("BIND", "", "port from 0 to 65535"),
        ("BIND", "nonsense", "port from 0 to 65535"),
        ("BIND", "127.0.0.1:99999", "port from 0 to 65535"),
        ("BIND", "127.0.0.1:", "port from 0 to 65535"),
        ("BIND", "127.0.0.1:http", "port from 0 to 65535"),
        ("BIND", ":8084", "names no host"),
        ("BIND", "::1:8084", "an IPv6 address stands in brackets"),
        ("BIND", "[::1:8084", "names no host"),
        ("BIND", "[host]:8084", "[IPv6]:PORT"),
        ("BIND", "http://host:8084", "names no host"),
        ("BIND", "unix:", "path of 1 to 107 bytes"),
        ("BIND", "unix:/" + "x" * 107, "path of 1 to 107 bytes"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    message = refusal(monkeypatch, name, value)
    assert allowed in message
    assert f"{PREFIX}BACKOFF_CAP" in message or f"{PREFIX}{name}={value!r}: " in message
    assert "Value error" not in message


def test_every_number_says_what_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Settings.model_fields.items():
        if field.annotation in (int, float):
            with monkeypatch.context() as patch:
                message = refusal(patch, name.upper(), "many")
            assert message.startswith(f"{PREFIX}{name.upper()}='many': ")
            assert "number, " in message.rpartition("allowed: ")[2], message


@pytest.mark.parametrize(
    "bind",
    ["127.0.0.1:8084", "0.0.0.0:80", "[::1]:0", "localhost:65535", "a-b.example:1", "unix:/run/x"],
)
def test_where_it_may_listen(monkeypatch: pytest.MonkeyPatch, bind: str) -> None:
    monkeypatch.setenv(f"{PREFIX}BIND", bind)
    assert read_settings().bind == bind


def test_authorities_are_read_from_pem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(f"{PREFIX}MAIL_CA_FILE", "")
    assert read_settings().mail_ca_file is None
    file = Authority(tmp_path).ca_file
    monkeypatch.setenv(f"{PREFIX}MAIL_CA_FILE", str(file))
    assert read_settings().mail_ca_file == file


def test_a_misspelt_setting_is_told_with_the_nearest_one() -> None:
    names = ["SERVICES84_WORKER", "services84_threads", "SERVICES84_TEST_REQUIRE", "PATH"]
    names += ["SERVICES84_NO_APT", "SERVICES84_BIND", "SERVICES84_XYZZY"]
    assert unknown_settings(names) == [
        "there is no setting SERVICES84_WORKER, it is ignored; is SERVICES84_WORKERS meant?",
        "there is no setting SERVICES84_XYZZY, it is ignored",
    ]


def test_an_issuer_needs_an_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(monkeypatch, "OIDC_ISSUER", "https://id.example.com")
    assert "SERVICES84_OIDC_AUDIENCE='': is empty, and SERVICES84_OIDC_ISSUER is set" in message
    monkeypatch.setenv(f"{PREFIX}OIDC_AUDIENCE", "services84")
    assert read_settings().oidc_algorithms == ("RS256", "ES256")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("redis.example.com", "is no broker's URL such as redis://HOST:6379/0"),
        ("http://:secret-84@redis.example.com", "is no broker's URL"),
        ("redis://", "is no broker's URL"),
        ("redis://:secret-84@host:x/0", "has no port from 1 to 65535"),
        ("redis://:secret-84@host:0/0", "is no broker's URL"),
    ],
)
def test_a_wrong_broker_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, value: str, problem: str
) -> None:
    message = refusal(monkeypatch, "BROKER_URL", value)
    assert f"SERVICES84_BROKER_URL=(not shown): {problem}" in message
    assert "secret-84" not in message
