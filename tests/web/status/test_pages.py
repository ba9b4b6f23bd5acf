"""The pages show an associate its own accounts, to nobody else anything, and say it in words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from werkzeug.test import Client, TestResponse

from services84.security.sessions import SESSION_COOKIE, XSRF_FIELD
from services84.store.values import Associate
from services84.web.status.session import ENTRY_COOKIE
from tests.support.service import PASSWORD, Service, envelope, member_xml, running_service
from tests.support.statusscene import CAST, add_account, add_cast, add_crowd

ME = "/status/accounts/{}"


@pytest.fixture
def service(tmp_path: Path, sqlite_template: Path) -> Iterator[Service]:
    shutil.copy(sqlite_template, tmp_path / "service.sqlite3")
    with running_service(tmp_path, trusted_proxies="127.0.0.1/32") as running:
        yield running


@pytest.fixture
def anna(service: Service) -> Associate:
    return service.associate("anna")[0]


def signed_in(service: Service, name: str) -> Client:
    client = Client(service.application)
    reply = enter(client, name)
    assert reply.status_code == 303, reply.text
    return client


def enter(client: Client, name: str, password: str = PASSWORD, **more: Any) -> TestResponse:
    """Fill in the form to sign in, as a browser does."""
    shown = client.get("/status/sign-in", headers=more.get("headers"))
    data = {"name": name, "password": password, XSRF_FIELD: token_in(shown)}
    return client.post("/status/sign-in", data={**data, **more.pop("data", {})}, **more)


def token_in(reply: TestResponse) -> str:
    return str(html.fromstring(reply.text).xpath(f"//input[@name='{XSRF_FIELD}']/@value")[0])


def post(client: Client, path: str, **more: Any) -> TestResponse:
    data = {XSRF_FIELD: token_in(client.get("/status"))}
    return client.post(path, data=data, **more)


def addresses(reply: TestResponse) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [str(one) for one in html.fromstring(reply.text).xpath("//tbody/tr/th/a/text()")]


# Who gets in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/status", "/status/", "/status/accounts/1"])
def test_a_stranger_is_sent_to_sign_in(service: Service, path: str) -> None:
    reply = Client(service.application).get(path)
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith("/status/sign-in")


@pytest.mark.parametrize("path", ["/status/accounts/1/sync", "/status/accounts/1/login"])
def test_a_stranger_can_start_nothing(service: Service, path: str) -> None:
    assert Client(service.application).post(path).status_code == 303
    assert Client(service.application).get("/status/live?ids=1").status_code == 401


@pytest.fixture
def stopped(tmp_path: Path, sqlite_template: Path) -> Iterator[Service]:
    """A service whose clock stands still: delays do not pass while the machine is busy."""
    shutil.copy(sqlite_template, tmp_path / "service.sqlite3")
    moment = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
    with running_service(tmp_path, clock=lambda: moment) as running:
        running.associate("anna")
        yield running


def _from_afar(service: Service, name: str, password: str) -> TestResponse:
    client = Client(service.application)
    return enter(client, name, password, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})


def test_a_wrong_password_is_refused_and_slowed_down(stopped: Service) -> None:
    free = stopped.application.settings.login_free_attempts
    codes = [_from_afar(stopped, "anna", "wrong").status_code for _ in range(free + 2)]
    assert codes == [403] * (free + 1) + [429]
    reply = _from_afar(stopped, "anna", PASSWORD)
    assert reply.status_code == 429
    assert "Too many failed attempts" in reply.text
    assert int(reply.headers["Retry-After"]) > 0
    assert PASSWORD not in reply.text
    # The same counters stand before SoPrincipal.svc.
    members = {"UserName": "ANNA", "Password": PASSWORD}
    body = envelope("AuthenticateUsernamePassword", member_xml(members))
    over_soap = stopped.post(body, service="SoPrincipal", REMOTE_ADDR="203.0.113.9")
    assert "too many failed attempts" in over_soap.exception["Message"]


def test_a_name_that_nobody_has_is_refused_in_the_same_words(
    service: Service, anna: Associate
) -> None:
    known = enter(Client(service.application), anna.name, "wrong")
    unknown = enter(Client(service.application), "nobody", "wrong")
    assert (known.status_code, unknown.status_code) == (403, 403)

    def said(reply: TestResponse) -> str:
        return str(html.fromstring(reply.text).get_element_by_id("problem").text)

    assert said(known) == said(unknown)


def test_the_cookie_is_out_of_reach_and_secure_behind_tls(
    service: Service, anna: Associate
) -> None:
    plain = _session_cookie(enter(Client(service.application), anna.name))
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Path=/status" in plain
    assert "Secure" not in plain
    behind = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    client = Client(service.application)
    shown = client.get("/status/sign-in", headers=behind)
    entry = shown.headers["Set-Cookie"]
    assert "Secure; HttpOnly; Path=/status; SameSite=Lax" in entry
    # The client of the tests speaks HTTP, and keeps its secure cookies to itself.
    client.set_cookie(ENTRY_COOKIE, entry.partition("=")[2].partition(";")[0], path="/status")
    data = {"name": anna.name, "password": PASSWORD, XSRF_FIELD: token_in(shown)}
    reply = client.post("/status/sign-in", data=data, headers=behind)
    assert "Secure" in _session_cookie(reply)


def _session_cookie(reply: TestResponse) -> str:
    assert reply.status_code == 303, reply.text
    cookies = reply.headers.getlist("Set-Cookie")
    return next(one for one in cookies if one.startswith(f"{SESSION_COOKIE}="))


@pytest.mark.parametrize("token", [None, "", "made-up"])
def test_nobody_is_signed_in_by_a_form_that_was_not_given_out(
    service: Service, anna: Associate, token: str | None
) -> None:
    client = Client(service.application)
    data = {"name": anna.name, "password": PASSWORD}
    if token is not None:
        data[XSRF_FIELD] = token
    assert client.post("/status/sign-in", data=data).status_code == 403  # without a cookie
    other = token_in(Client(service.application).get("/status/sign-in"))
    client.get("/status/sign-in")
    data[XSRF_FIELD] = other if token == "made-up" else data.get(XSRF_FIELD, "")
    reply = client.post("/status/sign-in", data=data)
    assert reply.status_code == 403
    assert "This form is too old" in reply.text
    assert SESSION_COOKIE not in str(reply.headers)
    data[XSRF_FIELD] = token_in(reply)  # the form that comes back is good
    assert client.post("/status/sign-in", data=data).status_code == 303


@pytest.mark.parametrize(
    "account", ["//evil.example", "https://evil.example", "0", "", "x", "²", "9" * 30]
)
def test_signing_in_leads_to_an_account_and_to_no_other_place(
    service: Service, anna: Associate, account: str
) -> None:
    reply = enter(Client(service.application), anna.name, data={"account": account})
    assert reply.headers["Location"] == "/status/"
    reply = enter(Client(service.application), anna.name, data={"account": "7"})
    assert reply.headers["Location"] == "/status/accounts/7"


def test_signing_out_ends_the_ticket(service: Service, anna: Associate) -> None:
    client = signed_in(service, "anna")
    cookie = client.get_cookie(SESSION_COOKIE, path="/status")
    assert cookie is not None
    reply = post(client, "/status/sign-out")
    assert reply.status_code == 303
    thief = Client(service.application)
    thief.set_cookie(SESSION_COOKIE, cookie.value, path="/status")
    assert thief.get("/status").status_code == 303


@pytest.mark.parametrize("token", [None, "", "made-up"])
def test_a_form_without_this_session_s_token_is_refused(
    service: Service, anna: Associate, token: str | None
) -> None:
    account_id = add_cast(service.services, anna.associate_id)[0]
    client = signed_in(service, "anna")
    data = {} if token is None else {XSRF_FIELD: token}
    assert client.post(f"{ME.format(account_id)}/sync", data=data).status_code == 403
    assert client.post("/status/sign-out", data=data).status_code == 403
    assert client.get("/status").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_s_form_is_refused_even_to_sign_in(
    service: Service, anna: Associate, headers: dict[str, str]
) -> None:
    client = Client(service.application)
    data = {
        "name": anna.name,
        "password": PASSWORD,
        XSRF_FIELD: token_in(client.get("/status/sign-in")),
    }
    reply = client.post("/status/sign-in", data=data, headers=headers)
    assert reply.status_code == 403
    assert SESSION_COOKIE not in str(reply.headers)


def test_behind_a_proxy_the_outer_address_is_this_site(service: Service, anna: Associate) -> None:
    """nginx passes a request on under a name of its own."""
    headers = {
        "Host": "127.0.0.1:8084",
        "X-Forwarded-Host": "mail.example.com",
        "X-Forwarded-Proto": "https",
    }
    for origin, status in (("https://mail.example.com", 303), ("http://127.0.0.1:8084", 403)):
        client = Client(service.application)
        reply = enter(client, anna.name, headers=headers | {"Origin": origin})
        assert (origin, reply.status_code) == (origin, status)


def test_every_page_forbids_scripts_and_styles_within_it(service: Service, anna: Associate) -> None:
    ids = add_cast(service.services, anna.associate_id)
    client = signed_in(service, "anna")
    for path in ("/status", ME.format(ids[1]), ME.format(99), "/status/nowhere"):
        reply = client.get(path)
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert reply.headers["X-Frame-Options"] == "DENY"
        assert reply.headers["Cache-Control"] == "no-store"
        page = html.fromstring(reply.text)
        assert not page.xpath("//style | //script[not(@src)] | //@style")
        assert not [name for name in page.xpath("//@*") if name.attrname.startswith("on")]


# Who sees what ----------------------------------------------------------------------------------


def test_an_associate_sees_its_own_accounts_and_an_administrator_all(
    service: Service, anna: Associate
) -> None:
    ids = add_cast(service.services, anna.associate_id)
    service.associate("bert")
    service.associate("chef", admin=True)
    assert addresses(signed_in(service, "anna").get("/status")) == [one[0] for one in CAST]
    assert len(addresses(signed_in(service, "chef").get("/status"))) == len(CAST)
    bert = signed_in(service, "bert")
    assert "There are no mail accounts yet" in bert.get("/status").text
    assert bert.get(ME.format(ids[0])).status_code == 404
    assert post(bert, f"{ME.format(ids[0])}/sync").status_code == 404
    assert post(bert, f"{ME.format(ids[0])}/login").status_code == 404
    assert "anna@example.com" not in bert.get(f"/status/live?ids={ids[0]}&view=panel").text


def test_names_from_outside_cannot_become_markup(service: Service, anna: Associate) -> None:
    evil = "<script>alert(1)</script>\"'@example.com"
    add_account(
        service.application.database,
        anna.associate_id,
        evil,
        service.services.clock(),
        account_status=2,
        error_reason="<img src=x onerror=alert(1)>",
        error_kind="LoginRefused",
    )
    client = signed_in(service, "anna")
    for path in ("/status", ME.format(1), "/status?q=%3Cscript%3Ealert(1)"):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "<img" not in text


def test_what_is_wrong_is_told_with_what_to_do(service: Service, anna: Associate) -> None:
    ids = add_cast(service.services, anna.associate_id)
    client = signed_in(service, "anna")
    page = client.get(ME.format(ids[1])).text
    assert "The mail server refused the user name or the password." in page
    assert "Save the account with the right password." in page
    assert "Invalid credentials" in page
    assert "In order" in client.get(ME.format(ids[0])).text


def test_the_history_says_the_same_in_bars_and_in_rows(service: Service, anna: Associate) -> None:
    account_id = add_cast(service.services, anna.associate_id)[0]
    page = html.fromstring(signed_in(service, "anna").get(ME.format(account_id)).text)
    runs = page.xpath("//section[@aria-labelledby='history-heading']//tbody/tr")
    new = [int(row.xpath("td")[2].text) for row in runs]
    first, second = page.xpath("//svg[@role='img']")
    assert len(first.xpath(".//rect")) == sum(number > 0 for number in new)
    assert len(second.xpath(".//rect")) == len(runs) == 60
    assert f"{sum(new)} new messages in 60 syncs" in first.findtext("desc")


# Many accounts ----------------------------------------------------------------------------------


def test_pages_follow_each_other_without_gaps(service: Service) -> None:
    service.associate("chef", admin=True)
    add_crowd(service.application.database, 120, service.services.clock(), owners=3)
    client, path, found, pages = signed_in(service, "chef"), "/status?q=example.net", [], []
    while path:
        reply = client.get(path)
        pages.append(addresses(reply))
        found += pages[-1]
        path = next(iter(html.fromstring(reply.text).xpath("//a[@rel='next']/@href")), "")
        previous = html.fromstring(reply.text).xpath("//a[@rel='prev']/@href")
    assert found == [f"person{number:05}@example.net" for number in range(120)]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert addresses(client.get(previous[0])) == pages[1]


def test_searching_finds_by_address_associate_and_server(service: Service) -> None:
    service.associate("chef", admin=True)
    add_crowd(service.application.database, 40, service.services.clock(), owners=4)
    client = signed_in(service, "chef")
    assert addresses(client.get("/status?q=PERSON00007")) == ["person00007@example.net"]
    assert len(addresses(client.get("/status?q=user00002"))) == 10
    assert len(addresses(client.get("/status?q=imap39.example"))) == 1
    assert len(addresses(client.get("/status?show=troubled"))) == 5
    assert "No account matches" in client.get("/status?q=100%25").text
    assert addresses(client.get("/status?show=nonsense&after=x&before=-1"))


# What can be done -------------------------------------------------------------------------------


def test_a_sync_is_started_and_told(service: Service, anna: Associate) -> None:
    account_id = add_cast(service.services, anna.associate_id)[0]
    client = signed_in(service, "anna")
    reply = post(client, f"{ME.format(account_id)}/sync", follow_redirects=True)
    assert "The sync has been started." in reply.text


def test_an_account_that_rests_is_not_synced(service: Service, anna: Associate) -> None:
    account_id = add_cast(service.services, anna.associate_id)[1]
    client = signed_in(service, "anna")
    reply = post(client, f"{ME.format(account_id)}/sync", follow_redirects=True)
    assert "The sync was not started" in reply.text


def test_a_login_that_cannot_be_tried_says_why(service: Service, anna: Associate) -> None:
    account_id = add_cast(service.services, anna.associate_id)[0]
    reply = post(signed_in(service, "anna"), f"{ME.format(account_id)}/login")
    assert reply.status_code == 200
    assert "The login at the incoming server did not work." in reply.text
    assert "The stored password of the account cannot be read." in reply.text
    assert "service_auth" not in reply.text


@pytest.mark.parametrize("path", ["/status/accounts/99999999999999", "/status/static/../front.py"])
def test_addresses_of_nothing_are_not_found(service: Service, anna: Associate, path: str) -> None:
    assert signed_in(service, "anna").get(path).status_code == 404
