"""Every answer has an id; a stranger's is not taken over, and a proxy's only when it is harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from services84.requestids import EXTRA, request_id_of
from services84.settings import Settings
from tests.support.service import Service, running_service

BEHIND_PROXY = Settings(trusted_proxies=("10.0.0.0/8",))
OWN = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path, trusted_proxies="127.0.0.1/32") as running:
        yield running


def of(given: str, peer: str) -> str:
    return request_id_of({"HTTP_X_REQUEST_ID": given, "REMOTE_ADDR": peer}, BEHIND_PROXY)


@pytest.mark.parametrize(
    "given",
    ["", "two words", "a\nb", "a\r\nSet-Cookie: x", "x" * 129, "ü", "<script>", "a;b", "\0"],
)
def test_a_proxy_s_id_of_a_doubtful_form_is_replaced(given: str) -> None:
    assert OWN.fullmatch(of(given, "10.0.0.1"))


def test_a_stranger_s_id_is_replaced() -> None:
    assert OWN.fullmatch(of("mine-84", "203.0.113.9"))


@pytest.mark.parametrize("given", ["mine-84", "Root=1-67891233-abcdef", "a" * 128, "7f.1:2/3+4="])
def test_a_trusted_proxy_s_id_is_taken_over(given: str) -> None:
    assert of(given, "10.0.0.1") == given


def test_no_two_requests_have_the_same() -> None:
    assert len({request_id_of({}, BEHIND_PROXY) for _ in range(100)}) == 100


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/Remote/Services84/EMail.svc?wsdl"])
def test_every_answer_has_a_header(service: Service, path: str) -> None:
    _, headers, _ = service.request(path, HTTP_X_REQUEST_ID="mine-84")
    assert headers["x-request-id"] == "mine-84"


@pytest.mark.parametrize("admitted", [True, False])
def test_a_soap_reply_tells_it_in_extra_info(service: Service, admitted: bool) -> None:
    ticket = service.associate("anna")[1] if admitted else "7T:nobody's"
    reply = service.call("GetCurrentAccountId", ticket=ticket)
    assert reply.succeeded is admitted
    assert list(reply.told) == [EXTRA]
    assert OWN.fullmatch(reply.told[EXTRA])


def test_the_lines_of_a_call_name_it_and_those_of_the_next_do_not(service: Service) -> None:
    lines: list[dict[str, Any]] = []

    def keep(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
        lines.append(dict(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep])
    try:
        first = service.call("GetCurrentAccountId")
        second = service.call("GetSystemInfo", service="SoPrincipal")
    finally:
        structlog.configure(**before)
    calls = [line for line in lines if line["event"] == "call"]
    assert [call["request"] for call in calls] == [first.told[EXTRA], second.told[EXTRA]]
    assert [call["operation"] for call in calls] == ["GetCurrentAccountId", "GetSystemInfo"]
    assert structlog.contextvars.get_contextvars() == {}
