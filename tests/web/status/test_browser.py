"""The status page in a real browser: by mouse, by keyboard alone, without JavaScript, in the dark."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from services84.store.values import Lease, RunOutcome
from tests.support.browser import browser  # noqa: F401 - a fixture
from tests.support.dovecot import DovecotServer
from tests.support.httpserver import served
from tests.support.mailboxes import message, save_account
from tests.support.service import PASSWORD, Service, running_service
from tests.support.stalling import stalling_proxy
from tests.support.statusscene import (
    add_account,
    add_cast,
    add_crowd,
    add_folders,
    add_history,
    tell_progress,
)
from tests.web.status.checks import CHECKS

DEADLINE = 60_000  # milliseconds; the machine may be busy
HOSTILE = '"><script>document.title="owned"</script><img src=x onerror=alert(1)>'


class Scene:
    """The page with the cast of accounts, and whoever looks at it."""

    def __init__(self, service: Service, base: str, browser: Browser) -> None:  # noqa: F811
        self.service, self.base, self._browser = service, base, browser
        owner, self.ticket = service.associate("ingrid", admin=True)
        self.owner_id = owner.associate_id
        self.ids = add_cast(service.services, self.owner_id)

    @contextmanager
    def page(
        self, *, enter: bool = True, name: str = "ingrid", wrong_with: str = "", **context: Any
    ) -> Iterator[Page]:
        """A page of a browser without history; nothing may go wrong on its console, where the
        browser also tells what the content security policy forbade, unless it is expected."""
        wrong: list[str] = []
        opened = self._browser.new_context(**context)
        opened.set_default_timeout(DEADLINE)
        page = opened.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{self.base}/status")
        if enter:
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/status/")
        try:
            yield page
        finally:
            opened.close()
        if wrong_with:
            assert [wrong_with in text for text in wrong] == [True] * max(1, len(wrong)), wrong
        else:
            assert wrong == []

    def being_synced(self, address: str) -> int:
        """A further account, whose sync runs elsewhere and has come to 640 messages."""
        services = self.service.services
        now = services.clock()
        account_id = add_account(services.database, self.owner_id, address, now)
        services.accounts.take_lease(account_id, "elsewhere", now, 3600)
        tell_progress(services, account_id, 640)
        return account_id


@pytest.fixture(scope="module")
def scene(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    browser: Browser,  # noqa: F811
) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("status")
    shutil.copy(sqlite_template, folder / "service.sqlite3")
    with running_service(folder) as service, served(service.application) as base:
        yield Scene(service, base, browser)


def shown(page: Page, text: str) -> None:
    expect(page.get_by_text(text).first).to_be_visible(timeout=DEADLINE)


# For everybody ----------------------------------------------------------------------------------


def problems(page: Page) -> list[str]:
    """What is wrong with a page by our own rules and by those of axe-core (WCAG 2.2 AA)."""
    found = list(page.evaluate(CHECKS))
    report = Axe().run(page)
    for rule in report.response["violations"]:
        found += [f"{rule['id']}: {node['html'][:120]}" for node in rule["nodes"]]
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_every_page_can_be_used_by_everybody(scene: Scene, scheme: Any, width: int) -> None:
    look: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with scene.page(enter=False, **look) as page:
        assert problems(page) == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", ground))) < 60) == (scheme == "dark")
    with scene.page(**look) as page:
        assert problems(page) == []
        for number in (1, 3, 4):
            page.goto(f"{scene.base}/status/accounts/{scene.ids[number]}")
            assert problems(page) == []


def test_the_checks_find_what_is_wrong(scene: Scene) -> None:
    with scene.page() as page:
        page.evaluate(
            """() => {
              document.querySelector('label').remove();
              document.querySelector('h1').remove();
              document.querySelector('thead th').removeAttribute('scope');
              document.querySelector('.soft').setAttribute('id', 'q');
              document.querySelector('main').insertAdjacentHTML('beforeend',
                '<svg role="img"></svg><a href="/x"></a><p id="pale">pale</p>');
              document.getElementById('pale').style.color = '#ccc';
            }"""
        )
        found = " ".join(problems(page))
    for wrong in ("label", "h1", "scope", "id q", "svg", "link", "contrast", "color-contrast:"):
        assert wrong in found


def test_what_the_policy_forbids_is_seen(scene: Scene) -> None:
    with scene.page(wrong_with="Content Security Policy") as page:
        page.evaluate(
            """() => {
              const script = document.createElement('script');
              script.textContent = 'document.title = "owned"';
              document.body.append(script);
            }"""
        )
        assert "owned" not in page.title()


def test_a_narrow_screen_needs_no_scrolling_sideways(scene: Scene) -> None:
    with scene.page(viewport={"width": 320, "height": 640}) as page:
        for path in ("/status", f"/status/accounts/{scene.ids[1]}"):
            page.goto(scene.base + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_what_comes_from_outside_is_text_and_nothing_else(scene: Scene) -> None:
    services = scene.service.services
    now = services.clock()
    hostile = add_account(
        services.database,
        scene.owner_id,
        f"hostile{HOSTILE}@example.com",
        now,
        account_status=2,
        error_kind="MailServerRefused",
        error_reason=f"the server said: {HOSTILE}",
    )
    add_history(services.database, hostile, now, "MailServerRefused", HOSTILE, runs=3)
    add_folders(services.database, hostile, now, [(f"Folder{HOSTILE}", 3, 1)])
    services.accounts.take_lease(hostile, "elsewhere", now, 3600)
    tell_progress(services, hostile, 5, folder=f"Live{HOSTILE}")
    with scene.page() as page:
        page.get_by_label("Address").fill(HOSTILE)
        page.get_by_role("button", name="Search").click()
        shown(page, "1 account for")
        page.get_by_role("link", name="hostile").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("<script>")
        tell_progress(services, hostile, 6, folder=f"Later{HOSTILE}")
        shown(page, f"in Later{HOSTILE}")  # put in place by the script
        shown(page, f"Folder{HOSTILE}")
        page.get_by_text("What was said").click()
        shown(page, f"the server said: {HOSTILE}")
        assert page.locator("main img, main script").count() == 0
        assert page.title() != "owned"


def test_all_can_be_done_without_javascript(scene: Scene) -> None:
    with scene.page(java_script_enabled=False) as page:
        expect(page.locator("noscript p")).to_be_visible()
        page.get_by_label("State", exact=True).select_option("troubled")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_text("anna@example.com", exact=True)).to_have_count(0)
        page.get_by_role("link", name="bert@example.com").click()
        page.get_by_text("What was said").click()
        expect(page.get_by_text("Invalid credentials").first).to_be_visible()
        page.get_by_text("The same as a table").click()
        expect(page.get_by_role("table").first).to_be_visible()
        page.get_by_role("button", name="Sync now").click()
        shown(page, "The sync was not started")
        page.get_by_role("button", name="Sign out").click()
        shown(page, "You are signed out.")


# By the keyboard --------------------------------------------------------------------------------


def tab_to(page: Page, wanted: str) -> list[str]:
    """Press the Tab key until the focus is at what has this id or text; gives what it passed. The
    focus has to be seen everywhere."""
    passed: list[str] = []
    while not passed or passed[-1] != wanted:
        assert len(passed) < 90, f"{wanted} is not reached: {passed}"
        page.keyboard.press("Tab")
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        text = page.evaluate("document.activeElement.id || document.activeElement.innerText")
        passed.append(text.strip())
        assert ring != "none", passed[-1]
    return passed


def test_all_can_be_done_by_the_keyboard(scene: Scene) -> None:
    with scene.page(enter=False) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Name")).to_be_focused()
        page.keyboard.type("ingrid")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/status/")
        passed = tab_to(page, "bert@example.com")
        assert passed[:5] == ["Skip to the content", "services84", "Sign out", "q", "show"]
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("/accounts/"))
        expect(page.get_by_role("heading", level=1)).to_have_text("bert@example.com")
        tab_to(page, "Sync now")
        page.keyboard.press("Enter")
        shown(page, "The sync was not started")
        tab_to(page, "The same as a table")
        page.keyboard.press("Enter")
        expect(page.get_by_role("region", name="Table of syncs")).to_be_visible()


def test_many_accounts_are_paged_and_searched_by_the_keyboard(scene: Scene) -> None:
    services = scene.service.services
    add_crowd(services.database, 120, services.clock(), owners=3)
    with scene.page() as page:
        tab_to(page, "q")
        page.keyboard.type("example.net")
        page.keyboard.press("Enter")
        shown(page, "120 accounts for “example.net”, 50 on this page")
        for first in ("person00050@example.net", "person00100@example.net"):
            tab_to(page, "Next page")
            page.keyboard.press("Enter")
            expect(page.get_by_role("link", name=first)).to_be_visible(timeout=DEADLINE)
        tab_to(page, "Previous page")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="person00050@example.net")).to_be_visible()
        tab_to(page, "show")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        shown(page, "15 accounts for “example.net”")


# Live -------------------------------------------------------------------------------------------


def test_a_running_sync_is_followed_and_its_end_is_announced(scene: Scene) -> None:
    account_id = scene.being_synced("gerda@example.com")
    with scene.page() as page:
        page.goto(f"{scene.base}/status/accounts/{account_id}")
        shown(page, "640 of 1,210 messages")
        tell_progress(scene.service.services, account_id, 1100)
        shown(page, "1,100 of 1,210 messages")
        expect(page.get_by_role("progressbar")).to_have_attribute("value", "1100")
        _finish(scene.service, account_id)
        expect(page.locator("#announcer")).to_have_text(
            "gerda@example.com: In order", timeout=DEADLINE
        )
        expect(page.get_by_role("progressbar")).to_have_count(0)


def test_a_list_follows_its_syncs_too(scene: Scene) -> None:
    account_id = scene.being_synced("hilde@example.com")
    with scene.page() as page:
        row = page.get_by_role("row", name="hilde@example.com")
        expect(row).to_contain_text("640 of 1,210 messages")
        tell_progress(scene.service.services, account_id, 1200)
        expect(row).to_contain_text("1,200 of 1,210 messages", timeout=DEADLINE)


def test_a_page_whose_session_is_over_says_so(scene: Scene) -> None:
    """The script finds out by itself; the answer 401 to it is an error on the console."""
    account_id = scene.being_synced("ilse@example.com")
    with scene.page(wrong_with="401") as page:
        page.goto(f"{scene.base}/status/accounts/{account_id}")
        scene.service.services.principals.revoke_tickets(scene.owner_id)
        shown(page, "Your session is over. Please sign in again.")
        page.get_by_label("Name").fill("ingrid")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**/accounts/{account_id}")  # where it was


def test_a_real_mailbox_is_tried_synced_and_followed(scene: Scene, dovecot: DovecotServer) -> None:
    user = dovecot.add_user("statuslive", "secret")
    numbers = iter(range(1000))
    for folder in ("INBOX", "Archive", "R&AOk-sum&AOk-s", "Zulu"):
        mail = [message(next(numbers), attachment=bytes(6000)) for _ in range(40)]
        dovecot.deliver(user, folder, *mail)
    associate, ticket = scene.service.associate("leif")
    assert associate.is_admin is False
    # So slow that a sync is not over in a second; then silent within the last folder.
    with stalling_proxy(dovecot.port_plain, pause=1.5, most=1_150_000) as proxy:
        save_account(scene.service, ticket, user, "secret", proxy.port)
        with scene.page(name="leif") as page:
            expect(page.get_by_role("row")).to_have_count(2)  # the head, and its own one
            page.get_by_role("link", name="statuslive@example.com").click()
            page.get_by_role("button", name="Test the login").click()
            shown(page, "The login works: the incoming server 127.0.0.1")
            page.get_by_role("button", name="Sync now").click()
            shown(page, "The sync has been started.")
            fetched = page.get_by_text(re.compile(r"\d+ of \d+ messages fetched"))
            expect(fetched).to_be_visible(timeout=DEADLINE)
            expect(page.get_by_text("No sync has ended yet.")).to_be_visible()
            proxy.go_on()
            expect(page.locator("#announcer")).to_have_text(
                "statuslive@example.com: In order", timeout=DEADLINE
            )
            # What the sync has left behind is there without reloading.
            folders = page.get_by_role("region", name="Table of folders")
            expect(folders.get_by_role("row", name="INBOX")).to_contain_text("40")
            expect(folders.get_by_role("row", name="Résumés")).to_contain_text("40")
            expect(page.get_by_role("img", name="New messages of each sync")).to_be_visible()
            history = page.get_by_role("figure", name="New messages")
            expect(history.get_by_role("paragraph")).to_contain_text("160 new messages in 1 sync")
    with scene.page() as page:
        page.goto(f"{scene.base}/status?q=statuslive")
        expect(page.get_by_role("link", name="statuslive@example.com")).to_be_visible()


def _finish(service: Service, account_id: int) -> None:
    run = service.services.accounts.latest_run(account_id)
    assert run is not None
    now = service.services.clock()
    lease = Lease(account_id, run.run_id, "elsewhere", now + timedelta(minutes=1))
    service.services.accounts.finish_run(lease, RunOutcome(new=1210), now)
