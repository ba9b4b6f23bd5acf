"""With ten thousand accounts every page comes as fast, and by as few statements, as with ten."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from lxml import html
from sqlalchemy import event
from werkzeug.test import Client

from services84.security.sessions import XSRF_FIELD
from services84.store.database import Database, utc_now
from tests.support.server import GUNICORN, PASSWORD, ServerProcess, plain_session
from tests.support.service import Service, running_service
from tests.support.statusscene import add_crowd

MANY = 10_000
FIRST_BYTE = 0.3  # seconds
TRIES = 12  # the machine may have others to serve
PAGES = {
    "the first page": "",
    "a search": "?q=person099",
    "a search for a server": "?q=imap7.example",
    "a search for what is not there": "?q=nobody@nowhere",
    "those in trouble": "?show=troubled",
}


# By the clock -----------------------------------------------------------------------------------


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """gunicorn over ten thousand accounts, on either database."""
    server = ServerProcess(
        tmp_path, GUNICORN, database_url=database_url, workers=1, threads=4, sync_interval=0
    )
    server.database_url = database_url
    server.prepare()
    server.add_associate("chef", admin=True)
    database = Database(database_url, pool_size=2)
    add_crowd(database, MANY, utc_now())
    database.close()
    server.start()
    yield server
    server.stop()


def signed_in(server: ServerProcess) -> tuple[requests.Session, str]:
    base, session = f"http://127.0.0.1:{server.port}/status", plain_session()
    form = html.fromstring(session.get(f"{base}/sign-in", timeout=60).text)
    token = form.xpath(f"//input[@name='{XSRF_FIELD}']/@value")[0]
    data = {"name": "chef", "password": PASSWORD, XSRF_FIELD: token}
    assert session.post(f"{base}/sign-in", data=data, timeout=60).status_code == 200
    return session, base


def first_byte(session: requests.Session, url: str) -> tuple[float, str]:
    """Seconds until the first byte of an answer, the best of some; and the answer."""
    best = float("inf")
    for _ in range(TRIES):
        begun = time.perf_counter()
        with session.get(url, stream=True, timeout=60) as reply:
            reply.raw.read(1)
            best = min(best, time.perf_counter() - begun)
            text = reply.raw.read(decode_content=True).decode("utf-8", "replace")
            assert reply.status_code == 200
        if best < FIRST_BYTE / 3:
            break
    return best, text


def test_the_first_byte_comes_within_three_tenths_of_a_second(server: ServerProcess) -> None:
    session, base = signed_in(server)
    for name, query in PAGES.items():
        seconds, _ = first_byte(session, f"{base}/{query}")
        print(f"{name}: {seconds * 1000:.0f} ms")
        assert seconds < FIRST_BYTE, name
    last = session.get(f"{base}/?q=person09998", timeout=60).text
    (link,) = html.fromstring(last).xpath("//tbody/tr/th/a/@href")
    near_the_end = link.rpartition("/")[2]
    for name, query in (("the last page", "?after="), ("the one before it", "?before=")):
        seconds, text = first_byte(session, f"{base}/{query}{near_the_end}")
        print(f"{name}: {seconds * 1000:.0f} ms")
        assert seconds < FIRST_BYTE, name
        assert ("person09999@" in text) == (query == "?after=")
    account = f"{base}/accounts/{near_the_end}"
    assert first_byte(session, account)[0] < FIRST_BYTE


# By the statement -------------------------------------------------------------------------------


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path, database_url) as running:
        running.associate("chef", admin=True)
        yield running


def statements(service: Service, client: Client, path: str) -> int:
    """How many statements a page takes."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = service.application.database._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_a_page_takes_as_many_statements_whatever_the_number_of_accounts(
    service: Service,
) -> None:
    client = Client(service.application)
    form = html.fromstring(client.get("/status/sign-in").text)
    token = form.xpath(f"//input[@name='{XSRF_FIELD}']/@value")[0]
    data = {"name": "chef", "password": PASSWORD, XSRF_FIELD: token}
    assert client.post("/status/sign-in", data=data).status_code == 303
    database, now = service.application.database, service.services.clock()
    paths = [f"/status/{query}" for query in PAGES.values()] + ["/status/live?ids=1,2,3,4,5"]
    add_crowd(database, 10, now, owners=1)
    few = [statements(service, client, path) for path in paths]
    add_crowd(database, 1000, now, owners=50, prefix="more")
    many = [statements(service, client, path) for path in paths]
    assert many == few
    assert max(few) <= 10
