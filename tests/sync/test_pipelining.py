"""A sync asks about many folders at a time: its round trips are counted, and what it finds is true
whatever happens in the middle.

The connection's part of it is `tests/imap/test_surveying.py`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from services84.store.values import AccountStatus
from services84.sync import reading
from services84.sync.reading import Unread
from services84.sync.values import SyncReport, SyncState
from tests.model.rig import held
from tests.support.imapmodel.faults import Fault, Kind
from tests.support.imapmodel.scene import ModelScene
from tests.support.imapmodel.server import (
    BASIC,
    CONDSTORE,
    FULL,
    LISTS,
    PASSWORD,
    QRESYNC,
    serving,
)
from tests.support.mailboxes import save_account
from tests.support.roundtrips import RoundTrips, counting_round_trips
from tests.support.service import Service, running_service

NAMES = ["INBOX", *(f"Box {number:02}" for number in range(18))]
LETTER = b"Message-ID: <%d@example.com>\r\nSubject: Letter %d\r\n\r\nText of it.\r\n"
EACH = 6  # messages of a folder
ALWAYS = 1_000_000
INTERRUPTIONS = (Kind.BYE, Kind.CUT, Kind.CUT, Kind.THROTTLE, Kind.NEWS, Kind.COUNT)


@dataclass
class Scene(ModelScene):
    """An account of 19 folders, synced once, behind a proxy that counts."""

    proxy: RoundTrips

    def sync(self) -> SyncReport:
        """A sync, whatever the account's backoff; its round trips are counted anew."""
        self.proxy.count = 0
        report = self.service.services.sync.sync(self.account_id, force=True, wait=60)
        assert report.state is SyncState.COMPLETED
        return report

    def trips(self) -> int:
        """The round trips, after signing in, of a sync that ends well."""
        report = self.sync()
        assert report.error is None
        assert self.cached() == held(self.server.mailbox)
        return self.proxy.count

    def is_level(self) -> None:
        report = self.sync()
        assert report.error is None
        assert self.account.status is AccountStatus.OK
        assert self.cached() == held(self.server.mailbox)

    def change_all(self) -> None:
        """A flag of a message in every folder."""
        with self.server.lock:
            for name in NAMES:
                first = self.server.mailbox.folders[name].messages[0]
                on = "\\Flagged" not in first.flags
                self.server.mailbox.flag(name, lambda m, one=first: m is one, "\\Flagged", on=on)

    def expunge_all(self) -> None:
        """The newest message of every folder."""
        with self.server.lock:
            for name in NAMES:
                last = self.server.mailbox.folders[name].messages[-1]
                self.server.mailbox.expunge(name, lambda m, one=last: m is one)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    settings = {"sync_max_errors": ALWAYS}
    with running_service(tmp_path_factory.mktemp("pipelining"), **settings) as one:
        yield one, one.associate("anna")[1]


def scene_of(service: tuple[Service, str], offers: frozenset[str]) -> Iterator[Scene]:
    with serving(offers) as server, counting_round_trips(server.port) as proxy:
        for number, name in enumerate(NAMES):
            server.mailbox.make(name)
            for at in range(EACH):
                letter = number * EACH + at
                server.mailbox.add(name, LETTER % (letter, letter), {"\\Seen"} if at % 2 else ())
        account_id = save_account(*service, "anna", PASSWORD, proxy.port)
        scene = Scene(service[0], server, account_id, proxy)
        scene.is_level()
        yield scene


@pytest.fixture
def everything(service: tuple[Service, str]) -> Iterator[Scene]:
    """On a server that has all there is."""
    yield from scene_of(service, FULL)


@pytest.fixture
def without_states(service: tuple[Service, str]) -> Iterator[Scene]:
    """On one with CONDSTORE and QRESYNC whose list does not tell the folders' states."""
    yield from scene_of(service, BASIC | QRESYNC)


@pytest.fixture
def condstore(service: tuple[Service, str]) -> Iterator[Scene]:
    """On one that tells what has changed, and not what is gone."""
    yield from scene_of(service, BASIC | LISTS | CONDSTORE)


@pytest.fixture
def flags_only(service: tuple[Service, str]) -> Iterator[Scene]:
    """On one like Courier, which cannot tell changes."""
    yield from scene_of(service, frozenset({"IDLE", "NAMESPACE", "UIDPLUS"}))


@pytest.fixture(params=["everything", "without_states", "condstore", "flags_only"])
def scene(request: pytest.FixtureRequest) -> Scene:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Scene)
    return found


# Round trips ------------------------------------------------------------------------------------


def test_nothing_changed_is_told_by_the_list(everything: Scene) -> None:
    assert everything.trips() == 1


def test_nothing_changed_is_told_by_the_folders_states(without_states: Scene) -> None:
    assert without_states.trips() == 2  # the lists; the states
    assert not any("EXAMINE" in one for one in without_states.server.commands[-20:])


def test_nothing_changed_is_found_out_by_all_flags(flags_only: Scene) -> None:
    assert flags_only.trips() == 3  # the lists; 16 folders; 3 folders


def test_nineteen_changed_folders_are_looked_at_in_two_goes(everything: Scene) -> None:
    everything.change_all()
    assert everything.trips() == 4  # the list; ENABLE; 16 folders; 3 folders


def test_nineteen_changed_folders_without_states_in_the_list(without_states: Scene) -> None:
    without_states.change_all()
    assert without_states.trips() == 4  # the lists; the states, ENABLE with them; 16; 3


def test_nineteen_changed_folders_by_their_flags(flags_only: Scene) -> None:
    flags_only.change_all()
    assert flags_only.trips() == 3


def test_what_is_gone_from_nineteen_folders(everything: Scene, condstore: Scene) -> None:
    everything.expunge_all()
    assert everything.trips() == 4
    condstore.expunge_all()
    assert condstore.trips() == 5  # the list; 16; 3; which UIDs are left: 16; 3


# What happens in the middle -----------------------------------------------------------------


@pytest.mark.parametrize("word", ["EXAMINE", "FETCH 1:* (FLAGS)", "STATUS"])
def test_whatever_comes_in_the_middle_the_next_sync_is_level(scene: Scene, word: str) -> None:
    for kind, at in zip(INTERRUPTIONS, (7, 17, 0, 7, 17, 1), strict=True):
        scene.change_all()
        scene.server.faults.set(Fault(kind, at=at, word=word, amount=50))
        scene.sync()
        scene.server.faults.set()
        scene.is_level()


def test_a_folder_that_is_refused_in_the_middle_is_put_off_and_the_others_are_level(
    scene: Scene,
) -> None:
    before = scene.cached()
    scene.change_all()
    scene.server.mailbox.folders["Box 07"].phantom = True
    report = scene.sync()
    assert (report.error, report.skipped) == (None, ("Box 07",))
    there = held(scene.server.mailbox)
    assert scene.cached() == there | {"Box 07": before["Box 07"]}


def test_a_lax_server_that_answers_for_the_folder_before_harms_neither(scene: Scene) -> None:
    before = scene.cached()
    scene.change_all()
    scene.server.faults.set(Fault(Kind.REFUSE, word='EXAMINE "Box 07"', times=ALWAYS))
    assert scene.sync().skipped == ("Box 07",)
    assert scene.cached() == held(scene.server.mailbox) | {"Box 07": before["Box 07"]}


def test_changes_that_others_make_in_the_middle_are_found_by_the_next_sync(scene: Scene) -> None:
    def change(_: object) -> None:
        scene.expunge_all()
        for name in NAMES:
            scene.server.mailbox.add(name, LETTER % (7777, 7777))

    scene.change_all()
    scene.server.faults.set(Fault(Kind.CHANGE, at=5, word="EXAMINE", change=change))
    scene.sync()
    scene.is_level()


def test_another_uid_validity_of_some_folders_among_many(scene: Scene) -> None:
    ids = item_ids(scene)
    scene.change_all()
    with scene.server.lock:
        for name in ("INBOX", "Box 04", "Box 17"):
            scene.server.mailbox.renumber(name)
    scene.is_level()
    assert item_ids(scene) == ids


def test_folders_that_lose_their_mod_sequences_are_compared(condstore: Scene) -> None:
    condstore.change_all()
    for name in NAMES[::2]:
        condstore.server.mailbox.folders[name].keeps_mod_seq = False
    condstore.is_level()


def item_ids(scene: Scene) -> dict[str, int]:
    services = scene.service.services
    return {
        row.subject: row.item_id
        for folder in services.folders.list(scene.account_id)
        for row in services.items.list(folder.folder_id, limit=1000)
    }


class _Elsewhere(Unread):
    """A message that another process is still reading whenever somebody looks."""

    under_way = True


@pytest.mark.parametrize("kind", [Kind.BYE, Kind.CUT, Kind.THROTTLE])
def test_a_look_that_breaks_costs_nothing_of_what_the_folder_before_is_still_read_of(
    service: tuple[Service, str], monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    def begin(sources: Sequence[bytes]) -> list[Unread]:
        return [_Elsewhere(source) for source in sources]

    monkeypatch.setattr(reading, "begin", begin)
    with serving(FULL) as server, counting_round_trips(server.port) as proxy:
        for name in NAMES[:2]:
            server.mailbox.make(name)
            for at in range(EACH):
                server.mailbox.add(name, LETTER % (at, at))
        account_id = save_account(*service, "anna", PASSWORD, proxy.port)
        scene = Scene(service[0], server, account_id, proxy)
        server.faults.set(Fault(kind, word=f'EXAMINE "{NAMES[1]}"', amount=50))
        assert scene.sync().error is not None
        there = held(server.mailbox)
        assert scene.cached() == {NAMES[0]: there[NAMES[0]], NAMES[1]: {}}
        fetches = [one for one in server.commands if "BODY.PEEK[]" in one]
        server.faults.set()
        scene.is_level()
        again = [one for one in server.commands if "BODY.PEEK[]" in one][len(fetches) :]
        assert (len(fetches), len(again)) == (1, 1)  # what was kept is not fetched again
