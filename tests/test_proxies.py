"""Addresses behind proxies: only trusted ones are believed, and garbage never gets through."""

from __future__ import annotations

from typing import Any

import pytest

from services84.proxies import address_of, client_address, remote_user
from services84.settings import Settings

NOBODY = Settings()
PROXIES = Settings(trusted_proxies=("10.0.0.0/8", "::1/128"), remote_user_header="X-Remote-User")
UNIX = Settings(trusted_proxies=("127.0.0.1",))


def environ(peer: str = "203.0.113.9", **more: str) -> dict[str, Any]:
    return {
        "REMOTE_ADDR": peer,
        "SERVER_NAME": "0.0.0.0",
        "SERVER_PORT": "8084",
        "HTTP_HOST": "crm.example.com:8084",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/Remote/Services84/EMail.svc",
        "wsgi.url_scheme": "http",
        **more,
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # anybody may write the header
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "garbage<script>", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("::1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_caller_is_the_nearest_address_that_is_no_trusted_proxy(
    peer: str, forwarded: str, expected: str
) -> None:
    assert client_address(environ(peer, HTTP_X_FORWARDED_FOR=forwarded), PROXIES) == expected


def test_a_unix_socket_counts_as_loopback() -> None:
    forwarded = environ("", HTTP_X_FORWARDED_FOR="198.51.100.1")
    assert client_address(forwarded, UNIX) == "198.51.100.1"
    assert client_address(forwarded, NOBODY) == ""


def test_the_address_is_that_of_the_request() -> None:
    assert (
        address_of(environ(), NOBODY) == "http://crm.example.com:8084/Remote/Services84/EMail.svc"
    )


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example.com/x?",
        "a b",
        'x"><script>',
        "x\r\nSet-Cookie: a",
        "user@evil",
        "x:0",
        "x:99999",
        "x:",
        "-x",
        "[::1",
        "ü",
    ],
)
def test_a_host_that_is_none_is_not_repeated(host: str) -> None:
    address = address_of(environ(HTTP_HOST=host), NOBODY)
    assert address == "http://0.0.0.0:8084/Remote/Services84/EMail.svc"


@pytest.mark.parametrize("host", ["localhost", "crm.example.com", "127.0.0.1:1", "[::1]:8084"])
def test_a_good_host_is(host: str) -> None:
    assert address_of(environ(HTTP_HOST=host), NOBODY).startswith(f"http://{host}/Remote")


def test_the_path_is_escaped() -> None:
    path = "/Cust'\"<1>;$(x)/Remote/Services84/EMail.svc"
    address = address_of(environ(PATH_INFO=path), NOBODY)
    assert address.endswith("/Cust%27%22%3C1%3E%3B%24%28x%29/Remote/Services84/EMail.svc")


FORWARDED = {
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "public.example.com",
    "HTTP_X_FORWARDED_PREFIX": "/crm/",
}


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("203.0.113.9", FORWARDED, "http://crm.example.com:8084/"),
        ("10.0.0.1", FORWARDED, "https://public.example.com/crm/"),
        ("10.0.0.1", {"HTTP_X_FORWARDED_PROTO": "HTTPS"}, "https://crm.example.com:8084/"),
        ("10.0.0.1", {"HTTP_X_FORWARDED_PROTO": "javascript"}, "http://crm.example.com:8084/"),
        ("10.0.0.1", {"HTTP_X_FORWARDED_HOST": "evil, b.example"}, "http://b.example/"),
        ("10.0.0.1", {"HTTP_X_FORWARDED_HOST": "a/b"}, "http://crm.example.com:8084/"),
        ("10.0.0.1", {"HTTP_X_FORWARDED_PREFIX": "//evil.example"}, "http://crm.example.com:8084/"),
        (
            "10.0.0.1",
            {"HTTP_FORWARDED": 'for=1.2.3.4;proto=https;host="public.example.com:444"'},
            "https://public.example.com:444/",
        ),
        ("203.0.113.9", {"HTTP_FORWARDED": "proto=https;host=x"}, "http://crm.example.com:8084/"),
    ],
)
def test_a_trusted_proxy_names_scheme_host_and_prefix(
    peer: str, headers: dict[str, str], expected: str
) -> None:
    address = address_of(environ(peer, **headers), PROXIES)
    assert address == f"{expected}Remote/Services84/EMail.svc"


@pytest.mark.parametrize(
    ("peer", "settings", "user"),
    [
        ("10.0.0.1", PROXIES, "jørgen"),
        ("203.0.113.9", PROXIES, ""),
        ("127.0.0.1", UNIX, ""),  # no header is set up
    ],
)
def test_only_a_trusted_proxy_names_the_user(peer: str, settings: Settings, user: str) -> None:
    name = "jørgen".encode().decode("latin-1")
    assert remote_user(environ(peer, HTTP_X_REMOTE_USER=name), settings) == user
