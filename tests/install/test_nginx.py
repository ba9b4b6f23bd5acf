"""The published nginx configuration, before the real service: TLS, addresses, sizes, spoofing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from lxml import etree

from services84.settings import Settings
from tests.support.nginx import PUBLISHED, Nginx, running_nginx
from tests.support.server import PASSWORD, ServerProcess, plain_session, running_server
from tests.support.service import TYPES, envelope, member_xml

LARGE = 30 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, workers=1, trusted_proxies="127.0.0.1/32") as running:
        running.add_associate("anna")
        yield running


@pytest.fixture(scope="module")
def nginx(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with running_nginx(tmp_path_factory.mktemp("nginx"), server.port) as running:
        yield running


@pytest.fixture
def session(nginx: Nginx) -> Iterator[requests.Session]:
    with plain_session() as opened:
        opened.verify = str(nginx.ca_file)
        yield opened


def post(
    session: requests.Session, nginx: Nginx, service: str, body: bytes, **headers: str
) -> requests.Response:
    return session.post(
        f"{nginx.base}/{service}.svc",
        data=body,
        headers={"Content-Type": TYPES["1.1"], **headers},
        timeout=60,
    )


def ports(wsdl: bytes) -> list[str]:
    return [
        str(address) for address in etree.fromstring(wsdl).xpath("//@location") if "svc" in address
    ]


def test_plain_http_is_sent_to_https(nginx: Nginx, session: requests.Session) -> None:
    url = f"http://localhost:{nginx.port_plain}/Remote/Services84/EMail.svc?wsdl"
    answer = session.get(url, allow_redirects=False, timeout=30)
    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://localhost/Remote/Services84/EMail.svc?wsdl"


@pytest.mark.parametrize("service", ["EMail", "SoPrincipal"])
def test_the_wsdl_names_the_outer_address(
    nginx: Nginx, session: requests.Session, service: str
) -> None:
    answer = session.get(f"{nginx.base}/{service}.svc?wsdl", timeout=30)
    assert answer.status_code == 200
    assert ports(answer.content) == [f"{nginx.base}/{service}.svc"] * 2


def test_what_a_caller_says_of_itself_is_not_believed(
    nginx: Nginx, session: requests.Session
) -> None:
    lies = {
        "X-Forwarded-Host": "evil.example.com",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-For": "203.0.113.7",
        "Forwarded": "host=evil.example.com;proto=http",
        "X-Request-Id": "evil-id",
    }
    answer = session.get(f"{nginx.base}/EMail.svc?wsdl", headers=lies, timeout=30)
    assert ports(answer.content) == [f"{nginx.base}/EMail.svc"] * 2
    assert b"evil" not in answer.content
    assert "evil" not in str(answer.headers)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_a_call_is_answered_over_tls(nginx: Nginx, session: requests.Session) -> None:
    members = {"UserName": "anna", "Password": PASSWORD}
    asked = envelope("AuthenticateUsernamePassword", member_xml(members))
    signed_in = post(session, nginx, "SoPrincipal", asked)
    ticket = etree.fromstring(signed_in.content).findtext(".//{*}Ticket")
    answer = post(session, nginx, "EMail", envelope("GetCurrentAccountId", ticket=ticket))
    assert answer.status_code == 200
    assert b"Succeeded>true<" in answer.content
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_large_message_reaches_the_service_and_a_larger_one_not_even_nginx(
    nginx: Nginx, session: requests.Session
) -> None:
    answer = post(session, nginx, "EMail", b" " * LARGE)
    assert answer.status_code == 500
    assert b"faultstring" in answer.content  # the service's own word
    limit = re.search(r"client_max_body_size (\d+)m;", PUBLISHED.read_text())
    assert limit is not None
    assert int(limit[1]) * 1024 * 1024 == Settings().max_body_bytes
    too_large = str(int(limit[1]) * 1024 * 1024 + 1)
    refused = post(session, nginx, "EMail", b"", **{"Content-Length": too_large})
    assert refused.status_code == 413


def test_nginx_waits_longer_than_a_sync_may() -> None:
    waits = re.search(r"proxy_read_timeout (\d+)s;", PUBLISHED.read_text())
    assert waits is not None
    assert int(waits[1]) > 2 * Settings().sync_wait


def test_the_numbers_are_for_the_machine_itself(
    nginx: Nginx, server: ServerProcess, session: requests.Session
) -> None:
    assert session.get(f"https://localhost:{nginx.port}/metrics", timeout=30).status_code == 404
    inside = session.get(f"http://127.0.0.1:{server.port}/metrics", timeout=30)
    assert b"services84_info" in inside.content
