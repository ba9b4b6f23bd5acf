"""Signing in: tickets, refusals, and the slow-down of those who guess."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services84.application import Application
from services84.security.vault import Vault
from services84.settings import read_settings
from services84.store.database import Database
from tests.support.service import PASSWORD, Reply, Service, envelope, member_xml, running_service


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Iterator[Service]:
    """A service with the associate anna, whose clock the test moves."""
    Vault.create_key_file(tmp_path / "key")
    url = f"sqlite:///{tmp_path / 'timed.sqlite3'}"
    database = Database(url)
    database.migrate()
    database.close()
    settings = read_settings(database_url=url, key_file=tmp_path / "key")
    application = Application(settings, clock=clock)
    service = Service(application)
    service.associate("anna")
    yield service
    application.close()


def sign_in(service: Service, name: str, password: str | None, **environ: Any) -> Reply:
    members = {"UserName": name, "Password": password}
    return service.call("AuthenticateUsernamePassword", members, service="SoPrincipal", **environ)


def works(service: Service, ticket: str | None) -> bool:
    return bool(service.call("GetCurrentAccountId", ticket=ticket or "").succeeded)


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("anna", ""), ("nobody", PASSWORD), ("", "")]
)
def test_a_wrong_login_is_an_answer_without_a_ticket(
    timed: Service, name: str, password: str
) -> None:
    reply = sign_in(timed, name, password)
    assert reply.succeeded is True
    assert reply.text("AuthenticationSucceeded") == "false"
    assert reply.text("Credentials/Ticket") is None
    assert reply.text("Response/Associate") is None


def test_repeated_failures_slow_a_name_down_and_time_lifts_it(timed: Service, clock: Clock) -> None:
    for _ in range(timed.application.settings.login_free_attempts + 1):
        assert sign_in(timed, "ANNA", "wrong").text("AuthenticationSucceeded") == "false"
    blocked = sign_in(timed, "anna", PASSWORD)
    assert blocked.succeeded is False
    assert "too many failed attempts" in blocked.exception["Message"]
    clock.forward(timed.application.settings.login_max_delay)
    assert sign_in(timed, "anna", PASSWORD).text("AuthenticationSucceeded") == "true"


def test_guesses_at_the_same_time_are_slowed_down_as_well(timed: Service) -> None:
    with ThreadPoolExecutor(20) as threads:
        replies = list(threads.map(lambda _: sign_in(timed, "anna", "wrong"), range(40)))
    verified = [r for r in replies if r.text("AuthenticationSucceeded") == "false"]
    assert len(verified) == timed.application.settings.login_free_attempts + 1


def test_guessing_locks_nobody_else_out_for_long(timed: Service, clock: Clock) -> None:
    for _ in range(40):
        sign_in(timed, "anna", "wrong")
        clock.forward(1)
    clock.forward(30)  # what is shared with others blocks for no longer
    anna = timed.services.principals.associate_by_name("anna")
    assert anna is not None
    timed.associate("bert")
    assert sign_in(timed, "bert", PASSWORD).text("AuthenticationSucceeded") == "true"
    elsewhere = post_from(timed, "198.51.100.7", "anna", PASSWORD)
    assert elsewhere.text("AuthenticationSucceeded") == "true"


def test_addresses_of_one_ipv6_customer_count_as_one(timed: Service) -> None:
    free = timed.application.settings.login_free_attempts_address
    for number in range(free + 1):
        post_from(timed, f"2001:db8:1:2::{number:x}", f"guess-{number}", "wrong")
    blocked = post_from(timed, "2001:db8:1:2:ffff::1", "anna", PASSWORD)
    assert "too many failed attempts" in blocked.exception["Message"]
    other = post_from(timed, "2001:db8:1:3::1", "anna", PASSWORD)
    assert other.text("AuthenticationSucceeded") == "true"


def post_from(service: Service, address: str, name: str, password: str) -> Reply:
    members = member_xml({"UserName": name, "Password": password})
    body = envelope("AuthenticateUsernamePassword", members)
    return service.post(body, service="SoPrincipal", REMOTE_ADDR=address)


def test_repeated_failures_slow_an_address_down_whatever_the_name(timed: Service) -> None:
    for number in range(timed.application.settings.login_free_attempts_address + 1):
        sign_in(timed, f"guess-{number}", "wrong")
    assert "too many failed attempts" in sign_in(timed, "anna", PASSWORD).exception["Message"]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_right_login_gives_a_ticket_that_works(timed: Service, version: str) -> None:
    reply = sign_in(timed, "Anna", PASSWORD, version=version)
    assert reply.text("AuthenticationSucceeded") == "true"
    assert reply.text("Response/Associate") == "anna"
    assert reply.text("Response/FullName") == "Anna"
    ticket = reply.text("Credentials/Ticket") or ""
    assert ticket.startswith("7T:")
    assert works(timed, ticket)


def test_an_associate_may_have_several_tickets(timed: Service) -> None:
    tickets = {sign_in(timed, "anna", PASSWORD).text("Credentials/Ticket") for _ in range(3)}
    assert len(tickets) == 3
    assert all(works(timed, ticket) for ticket in tickets)


def test_a_ticket_lives_six_hours_from_its_last_use(timed: Service, clock: Clock) -> None:
    ticket = sign_in(timed, "anna", PASSWORD).text("Credentials/Ticket")
    for _ in range(4):
        clock.forward(5 * 3600)
        assert works(timed, ticket)
    clock.forward(6 * 3600 + 1)
    assert not works(timed, ticket)


def test_a_ticket_as_the_name_is_renewed(timed: Service, clock: Clock) -> None:
    ticket = sign_in(timed, "anna", PASSWORD).text("Credentials/Ticket") or ""
    clock.forward(5 * 3600)
    again = sign_in(timed, ticket, None)
    assert again.text("AuthenticationSucceeded") == "true"
    assert again.text("Credentials/Ticket") == ticket
    clock.forward(5 * 3600)
    assert works(timed, ticket)
    clock.forward(7 * 3600)
    assert sign_in(timed, ticket, "").text("AuthenticationSucceeded") == "false"


def generic(service: Service, **data: str) -> Reply:
    pairs = "".join(
        "<n:AuthenticationGenericDataKeyValuePair>"
        f"<n:Key>{key}</n:Key><n:Value>{value}</n:Value>"
        "</n:AuthenticationGenericDataKeyValuePair>"
        for key, value in data.items()
    )
    body = envelope("AuthenticateGeneric", f"<n:AuthenticationData>{pairs}</n:AuthenticationData>")
    return service.post(body, service="SoPrincipal")


def test_generic_data_signs_in_by_name_or_by_ticket(timed: Service) -> None:
    by_name = generic(timed, UserName="anna", Password=PASSWORD)
    assert by_name.text("AuthenticationSucceeded") == "true"
    ticket = by_name.text("Credentials/Ticket") or ""
    assert generic(timed, Ticket=ticket).text("Credentials/Ticket") == ticket
    assert generic(timed, UserName="anna", Password="no").text("AuthenticationSucceeded") == "false"


def test_generic_data_that_nobody_knows_is_named(timed: Service) -> None:
    assert "'saml'" in generic(timed, SAML="x").exception["Message"]
    assert "names nobody" in generic(timed, Password="x").exception["Message"]


def test_implicit_sign_in_needs_a_user_from_a_trusted_proxy(tmp_path: Path) -> None:
    user = {"HTTP_X_REMOTE_USER": "anna"}
    body = envelope("AuthenticateImplicit")
    with running_service(tmp_path) as service:
        service.associate("anna")
        reply = service.post(body, service="SoPrincipal", **user)
        assert reply.text("AuthenticationSucceeded") == "false"
    settings = {"remote_user_header": "X-Remote-User", "trusted_proxies": "10.1.0.0/16"}
    with running_service(tmp_path, **settings) as service:
        stranger = service.post(body, service="SoPrincipal", REMOTE_ADDR="10.2.0.1", **user)
        assert stranger.text("AuthenticationSucceeded") == "false"
        proxied = service.post(body, service="SoPrincipal", REMOTE_ADDR="10.1.0.1", **user)
        assert proxied.text("AuthenticationSucceeded") == "true"
        assert works(service, proxied.text("Credentials/Ticket"))


def test_system_info_tells_version_and_database(timed: Service) -> None:
    reply = timed.call("GetSystemInfo", service="SoPrincipal")
    assert reply.text("SystemInfo/DatabaseType") == "SQLite"
    assert (reply.text("SystemInfo/BuildLabel") or "").startswith("services84 ")
    assert reply.text("SystemInfo/BuildType") == "Release"
