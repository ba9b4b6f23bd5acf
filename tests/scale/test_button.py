"""The button of the status page has a worker sync, where workers sync."""

from __future__ import annotations

import time

import pytest
from lxml import html

from services84.security.sessions import XSRF_FIELD
from tests.scale.test_monitor import _account
from tests.support.installation import PASSWORD, Installation
from tests.support.mailboxes import message
from tests.support.server import plain_session

DEADLINE = 60.0


@pytest.mark.parametrize("installation", ["redis"], indirect=True)
def test_a_worker_syncs_what_the_button_asks_for(installation: Installation) -> None:
    installation.add_associate("anna")
    worker, web = installation.worker("worker"), installation.web("web")
    for node in (worker, web):
        node.start()
    user = installation.dovecot.add_user("button", "secret")
    installation.dovecot.deliver(user, "INBOX", message(1), message(2))
    account_id = _account(web, user, installation.dovecot.port_plain)
    base = f"http://127.0.0.1:{web.port}/status"
    with plain_session() as session:

        def token(text: str) -> str:
            return str(html.fromstring(text).xpath(f"//input[@name='{XSRF_FIELD}']/@value")[0])

        data = {
            "name": "anna",
            "password": PASSWORD,
            XSRF_FIELD: token(session.get(f"{base}/sign-in").text),
        }
        page = session.post(f"{base}/sign-in", data=data)
        assert page.status_code == 200
        page = session.post(
            f"{base}/accounts/{account_id}/sync", data={XSRF_FIELD: token(page.text)}
        )
        assert "The sync has been started." in page.text
        deadline = time.monotonic() + DEADLINE
        while "2 new messages in 1 sync" not in (
            text := session.get(f"{base}/accounts/{account_id}").text
        ):
            assert time.monotonic() < deadline, text
            time.sleep(0.2)
    assert "sync.finished" in worker.log()
    assert "sync.finished" not in web.log()
