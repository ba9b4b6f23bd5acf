"""Hostile servers through the whole sync: a level cache or a readable reason, within the time-outs.

What the connection alone makes of such servers is `tests/imap/test_misbehaviour.py`'s matter.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services84.store.values import AccountStatus
from services84.sync import plan
from services84.sync.values import SyncReport, SyncState
from tests.model.rig import held
from tests.support.imapmodel.faults import Fault, Kind
from tests.support.imapmodel.mailbox import HIGHEST_UID, Mailbox
from tests.support.imapmodel.scene import ModelScene
from tests.support.imapmodel.server import BASIC, FULL, LISTS, PASSWORD, Server, serving
from tests.support.mailboxes import save_account
from tests.support.scripted import Play, hang, say, scripted
from tests.support.service import Service, running_service

READ = 1.0  # seconds of silence that are allowed
SLACK = 5.0  # seconds, for a machine that is busy with other things
ALWAYS = 1_000_000
FLAGS_ONLY = BASIC | LISTS
LETTER = b"Message-ID: <%d@example.com>\r\nSubject: Letter %d\r\n\r\n" + 60 * b"Text of it.\r\n"


class Scene(ModelScene):
    """How its syncs end, and what is cached then."""

    def sync(self, seconds: float = SLACK) -> SyncReport:
        """A sync that has to end within `seconds`, whatever the account's backoff."""
        begun = time.monotonic()
        report = self.service.services.sync.sync(self.account_id, force=True, wait=60)
        assert report.state is SyncState.COMPLETED
        assert time.monotonic() - begun < seconds
        return report

    def fails(self, seconds: float = SLACK) -> str:
        """The ErrorReason of a sync that fails, the server's address put as SERVER."""
        report = self.sync(seconds)
        assert report.error is not None
        assert self.account.status is AccountStatus.FAILING
        assert self.account.error_reason == report.error.message
        return report.error.message.replace(f"127.0.0.1:{self.server.port}", "SERVER")

    def is_level(self) -> None:
        """One more sync at most, and the cache equals the server."""
        report = self.sync()
        assert report.error is None
        assert self.account.status is AccountStatus.OK
        assert self.cached() == held(self.server.mailbox)

    def ids(self) -> dict[str, int]:
        """Item ids by subject."""
        services = self.service.services
        return {
            row.subject: row.item_id
            for folder in services.folders.list(self.account_id)
            for row in services.items.list(folder.folder_id, limit=1000)
        }


def filled(server: Server) -> Mailbox:
    mailbox = server.mailbox
    for name in ("Work", "Entw&APw-rfe"):
        mailbox.make(name)
    for number in range(12):
        name = ("INBOX", "Work", "Entw&APw-rfe")[number % 3]
        mailbox.add(name, LETTER % (number, number), {"\\Seen"} if number % 2 else ())
    return mailbox


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    settings = {"mail_connect_timeout": READ, "mail_read_timeout": READ, "sync_max_errors": ALWAYS}
    with running_service(tmp_path_factory.mktemp("hostile"), **settings) as one:
        yield one, one.associate("anna")[1]


@pytest.fixture(params=[FULL, FLAGS_ONLY], ids=["qresync", "flags"])
def scene(service: tuple[Service, str], request: pytest.FixtureRequest) -> Iterator[Scene]:
    with serving(request.param) as server:
        filled(server)
        yield another(service, server)


def another(service: tuple[Service, str], server: Server) -> Scene:
    """A fresh account on the server."""
    account_id = save_account(*service, "anna", PASSWORD, server.port)
    return Scene(service[0], server, account_id)


# Slow, silent, dripping -------------------------------------------------------------------------


def test_a_slow_server_is_waited_for(scene: Scene) -> None:
    scene.server.faults.set(Fault(Kind.SLOW, amount=100, times=ALWAYS))
    assert scene.sync(3 * SLACK).error is None
    scene.server.faults.set()
    scene.is_level()


@pytest.mark.parametrize("word", ["LIST", "EXAMINE", "UID FETCH", "BODY.PEEK[]"])
def test_a_server_that_falls_silent_is_left(scene: Scene, word: str) -> None:
    scene.server.faults.set(Fault(Kind.SILENT, word=word, at=1 if word == "EXAMINE" else 0))
    assert scene.fails(READ + SLACK) == "SERVER did not answer within 1 seconds"
    scene.server.faults.set()
    scene.is_level()


def test_a_server_that_drips_inside_a_literal_is_left(tmp_path: Path) -> None:
    """It is never silent, so that only the time for the whole answer ends it."""
    settings = {"mail_read_timeout": 0.3, "backoff_cap": 0.001}
    with serving() as server, running_service(tmp_path, **settings) as service:
        filled(server)
        scene = another((service, service.associate("anna")[1]), server)
        server.faults.set(Fault(Kind.DRIP, word="BODY.PEEK[]", amount=30))
        reason = scene.fails(10 * 0.3 + SLACK)
        assert reason == "SERVER did not finish its answer within 3 seconds"
        server.faults.set()
        scene.is_level()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ([hang], "SERVER did not answer within 1 seconds"),
        ([], "SERVER closed the connection"),
        ([say(b"* BYE go away\r\n")], "SERVER closed the connection: go away"),
        (
            [say(b"* BYE Too many connections from you\r\n")],
            "SERVER asks for patience: Too many connections from you",
        ),
        ([say(b"* BYE [UNAVAILABLE] later\r\n")], "SERVER asks for patience: [UNAVAILABLE] later"),
        ([say(b"220 mail.example.com ESMTP\r\n")], "SERVER does not speak IMAP: '220 mail.example.com ESMTP'"),
        (
            [say(b"* PREAUTH welcome\r\n")],
            "SERVER greets as already signed in, without asking who it is",
        ),
        ([say(b"x" * 200_000)], "SERVER sent a response of more than 0.0625 MB"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_get_to_the_login_gives_its_reason(
    service: tuple[Service, str], script: list[Play], reason: str
) -> None:
    with scripted(*script) as server:
        account_id = save_account(*service, "anna", PASSWORD, server.port)
        report = service[0].services.sync.sync(account_id, force=True, wait=60)
        assert report.error is not None
        assert report.error.message.replace(f"127.0.0.1:{server.port}", "SERVER") == reason
        account = service[0].services.accounts.get(account_id)
        assert account is not None
        assert account.status is AccountStatus.FAILING


# Breaking off at any point ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (Fault(Kind.BYE, text="going down"), "SERVER closed the connection: going down"),
        (Fault(Kind.CUT, amount=60), "SERVER closed the connection"),
        (
            Fault(Kind.THROTTLE, amount=3000),
            "SERVER asks for patience: Suggested Backoff Time: 3000 milliseconds",
        ),
    ],
    ids=["bye", "cut", "throttled"],
)
def test_a_server_that_breaks_off_at_any_point_costs_no_message(
    service: tuple[Service, str], scene: Scene, how: Fault, reason: str
) -> None:
    """Every command of a first sync in turn, each with an account of its own."""
    scene.sync()
    points = len(scene.server.commands)
    assert points > 8
    for point in range(points):
        one = another(service, scene.server)
        scene.server.faults.set(Fault(how.kind, point, "", how.amount, text=how.text))
        assert (point, one.fails()) == (point, reason)
        scene.server.faults.set()
        one.is_level()


# Lies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [5, -1])
def test_wrong_counts_do_no_harm(scene: Scene, wrong: int) -> None:
    scene.server.faults.set(
        Fault(Kind.COUNT, word="EXAMINE", amount=wrong, times=ALWAYS),
        Fault(Kind.STATUS, word="STATUS", amount=wrong, times=ALWAYS),
    )
    scene.is_level()
    ids = scene.ids()
    scene.server.mailbox.expunge("Work", lambda message: message.uid == 2)
    scene.server.mailbox.add("INBOX", LETTER % (77, 77))
    scene.sync()
    scene.server.faults.set()
    scene.is_level()
    kept = {subject: item_id for subject, item_id in scene.ids().items() if subject in ids}
    assert kept == {subject: ids[subject] for subject in kept}
    assert len(kept) == len(ids) - 1


def test_a_list_of_flags_with_messages_left_out_removes_none(scene: Scene) -> None:
    scene.is_level()
    ids = scene.ids()
    scene.server.mailbox.renumber("INBOX")  # so that all of it is compared
    scene.server.faults.set(Fault(Kind.OMIT, word="1:* (FLAGS)", times=ALWAYS))
    assert scene.sync().error is None
    assert scene.ids() == ids
    scene.server.faults.set()
    scene.is_level()
    assert scene.ids() == ids


def test_a_server_that_does_not_tell_what_has_vanished_is_found_out(scene: Scene) -> None:
    scene.is_level()
    scene.server.mailbox.expunge("Work", lambda message: message.uid != 2)
    scene.server.mailbox.flag("Work", lambda message: True, "\\Flagged", on=True)
    scene.server.faults.set(Fault(Kind.FORGET, word="EXAMINE", times=ALWAYS))
    scene.is_level()


def test_headers_of_ten_thousand_columns_are_kept(scene: Scene) -> None:
    wide = b"Subject: " + b"w" * 10_000 + b"\r\nReferences: " + b"<a@example.com> " * 700
    content = wide + b"\r\n" + b"X-Odd: 1\r\n" * 1_000 + b"\r\nText\r\n"
    scene.server.mailbox.add("INBOX", content)
    scene.server.faults.set(Fault(Kind.PAD, amount=10_000, times=ALWAYS))
    scene.is_level()
    assert "w" * 10_000 in scene.ids()


def test_the_highest_uids_there_are_are_synced_like_others(scene: Scene) -> None:
    mailbox = scene.server.mailbox
    scene.is_level()
    mailbox.jump_uids("INBOX", room=3)
    for number in range(90, 96):
        mailbox.add("INBOX", LETTER % (number, number))
    assert mailbox.folders["INBOX"].uid_next == HIGHEST_UID
    scene.is_level()
    mailbox.flag("INBOX", lambda message: message.uid == HIGHEST_UID - 1, "\\Flagged", on=True)
    mailbox.expunge("INBOX", lambda message: message.uid == HIGHEST_UID - 2)
    scene.is_level()


def test_a_folder_that_keeps_no_mod_sequences_is_compared(scene: Scene) -> None:
    mailbox = scene.server.mailbox
    mailbox.folders["Work"].keeps_mod_seq = False
    scene.is_level()
    mailbox.flag("Work", lambda message: True, "\\Answered", on=True)
    mailbox.expunge("Work", lambda message: message.uid == 1)
    scene.is_level()


@pytest.mark.parametrize("with_a_no", [False, True])
def test_messages_expunged_during_a_fetch_are_no_error(scene: Scene, with_a_no: bool) -> None:
    scene.server.expunge_issued = with_a_no

    def expunge(mailbox: Mailbox) -> None:
        for name in mailbox.folders:
            mailbox.expunge(name, lambda message: message.uid % 2 == 0)

    scene.server.faults.set(Fault(Kind.CHANGE, word="BODY.PEEK[]", change=expunge))
    assert scene.sync().error is None
    scene.server.faults.set()
    scene.is_level()
    assert len(scene.ids()) == 6


def test_data_that_nobody_asked_for_is_taken_at_any_time(scene: Scene) -> None:
    scene.server.faults.set(Fault(Kind.NEWS, times=ALWAYS))
    scene.is_level()
    scene.server.mailbox.flag("INBOX", lambda message: True, "$Later", on=True)
    scene.is_level()


def test_a_server_with_another_uidvalidity_at_every_connect_fails_with_a_reason(
    scene: Scene,
) -> None:
    """A few are followed, and the messages keep their ids; then it is given up, and said."""
    scene.is_level()
    ids = scene.ids()
    scene.server.flapping = True
    reports = [scene.sync() for _ in range(plan.MOST_VALIDITY_CHANGES + 3)]
    assert reports[0].error is None
    assert reports[-1].error is not None
    validity = scene.server.mailbox.folders["INBOX"].uid_validity
    assert reports[-1].error.message == (
        f"the server gives folder 'INBOX' another UIDVALIDITY at every sync (now {validity}): "
        "its messages cannot be told apart"
    )
    assert scene.account.status is AccountStatus.FAILING
    assert scene.ids() == ids
    scene.server.flapping = False
    for _ in range(plan.MOST_VALIDITY_CHANGES + 1):
        scene.sync()
    scene.is_level()
    assert scene.ids() == ids
