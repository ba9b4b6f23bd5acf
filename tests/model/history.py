"""Random histories of a mailbox: what other clients do, when a sync comes, what goes wrong then.

A step is a kind and three numbers, which pick among whatever there is at that moment; so every
history makes sense, and a shorter one of the same kind too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.support.imapmodel.faults import Fault, Kind
from tests.support.imapmodel.mailbox import EPOCH, INBOX, Mailbox, Message
from tests.support.imapmodel.server import BASIC, CONDSTORE, FULL, LISTS, QRESYNC

MOST_FOLDERS = 5
NAMES = ["Work", "Work/2026", "Entw&APw-rfe", 'Say "hi"', "Box 1", "Box 2", "&ZeVnLIqe-", "Sent"]
FLAGS = ["\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "$Later"]
OFFERS = {
    "all": FULL,
    "qresync without lists": BASIC | QRESYNC,
    "condstore": BASIC | LISTS | CONDSTORE,
    "condstore without lists": (BASIC | CONDSTORE) - {"ESEARCH"},
    "neither": BASIC | LISTS,
    "lists without status": (BASIC | LISTS | QRESYNC) - {"LIST-STATUS", "SPECIAL-USE"},
    "nothing": frozenset[str](),
}


@dataclass(frozen=True)
class Step:
    """One thing that another client does; a, b, c choose the folder, the messages, the rest."""

    kind: str
    a: int = 0
    b: int = 0
    c: int = 0


@dataclass(frozen=True)
class Mishap:
    """One thing that goes wrong during a sync, at its `at`-th command that holds `word`."""

    kind: Kind
    word: str = ""
    at: int = 0
    amount: int = 0
    step: Step | None = None


@dataclass(frozen=True)
class Round:
    """What happens before a sync, and during it."""

    before: tuple[Step, ...]
    mishaps: tuple[Mishap, ...] = ()


@dataclass(frozen=True)
class History:
    """A whole life of a mailbox; it begins with a few folders and messages."""

    forgetful: bool
    expunge_issued: bool
    rounds: tuple[Round, ...]


NUMBERS = st.integers(0, 63)


def steps(kinds: list[str]) -> st.SearchStrategy[Step]:
    """Steps of these kinds, the more often named the more often."""
    return st.builds(Step, st.sampled_from(kinds), NUMBERS, NUMBERS, NUMBERS)


def histories() -> st.SearchStrategy[History]:
    """Histories with everything that happens to a mailbox, and mishaps during the syncs."""
    kinds = ["receive"] * 6 + ["flag"] * 4 + ["expunge"] * 3 + ["make"] * 2
    kinds += ["delete", "again", "unselectable", "phantom", "renumber", "lower", "replace"]
    kinds += ["jump", "no_mod_seq", "refuse", "nil", "flapping", "move", "move", "rename"]
    broken = st.sampled_from([k for k in Kind if k not in {Kind.SILENT, Kind.DRIP, Kind.SLOW}])
    words = st.sampled_from(["", "EXAMINE", "UID FETCH", "BODY.PEEK[]"])
    mishaps = st.builds(Mishap, broken, words, st.integers(0, 5), st.integers(0, 99), steps(kinds))
    return _of_rounds(steps(kinds), st.lists(mishaps, max_size=3))


def moves() -> st.SearchStrategy[History]:
    """Histories in which messages go from folder to folder and folders are renamed; nothing else
    goes wrong."""
    kinds = ["receive"] * 4 + ["flag"] * 2 + ["expunge"] * 2 + ["make"] * 2 + ["move"] * 8
    kinds += ["rename"] * 3 + ["delete", "jump", "no_mod_seq"]
    return _of_rounds(steps(kinds), st.just([]))


def _of_rounds(
    some: st.SearchStrategy[Step], mishaps: st.SearchStrategy[list[Mishap]]
) -> st.SearchStrategy[History]:
    before = st.lists(some, min_size=2, max_size=8)
    rounds = st.builds(Round, before.map(tuple), mishaps.map(tuple))
    several = st.lists(rounds, min_size=3, max_size=5)
    return st.builds(History, st.booleans(), st.booleans(), several.map(tuple))


class World:
    """Carries out steps on a mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.flapping = False
        self._number = 0
        for name in NAMES[:2]:
            mailbox.make(name)
        for at in range(9):
            self._receive(Step("receive", at, 1, 8 * at))

    def do(self, step: Step) -> None:
        getattr(self, f"_{step.kind}")(step)

    def heal(self) -> None:
        """Nothing is wrong any more; what has happened has happened."""
        self.flapping = False
        for folder in self.mailbox.folders.values():
            folder.phantom = False
            for message in folder.messages:
                message.fault = ""

    def faults(self, mishaps: Sequence[Mishap]) -> list[Fault]:
        """What a model server is told of mishaps.

        One that loses lines has its counts right, and no other client at work meanwhile:
        nobody could tell else.
        """
        lossy = any(one.kind in {Kind.OMIT, Kind.FORGET} for one in mishaps)
        telling = {Kind.COUNT, Kind.CHANGE} if lossy else set()
        return [self._fault(one) for one in mishaps if one.kind not in telling]

    def _fault(self, mishap: Mishap) -> Fault:
        change = None
        if mishap.kind is Kind.CHANGE and mishap.step is not None:
            step = mishap.step

            def change(_: Mailbox) -> None:
                self.do(step)

        amount, word = mishap.amount, mishap.word
        if mishap.kind in {Kind.COUNT, Kind.STATUS}:
            amount = amount % 5 - 2
            word = "EXAMINE" if mishap.kind is Kind.COUNT else "STATUS"
        elif mishap.kind is Kind.OMIT:
            amount, word = amount % 3, "1:* (FLAGS)"
        elif mishap.kind is Kind.FORGET:
            word = "EXAMINE"
        at, times = mishap.at, 1
        if mishap.kind in {Kind.STATUS, Kind.OMIT, Kind.FORGET}:
            at, times = 0, mishap.at + 1
        return Fault(mishap.kind, at, word, amount, times, change=change)

    # What a step picks --------------------------------------------------------------------------

    def _folder(self, number: int) -> str:
        names = sorted(self.mailbox.folders, key=lambda name: (name != INBOX, name))
        return names[number % len(names)]

    @staticmethod
    def _some(number: int) -> Callable[[Message], bool]:
        """Every second, third ... message."""
        return lambda message: (message.lineage + number // 8) % (number % 4 + 1) == 0

    # Messages -----------------------------------------------------------------------------------

    def _receive(self, step: Step) -> None:
        for at in range(step.b % 4 + 1):
            flags = [flag for bit, flag in enumerate(FLAGS) if step.c >> bit & 1 and at % 2]
            self._number += 1
            content, date = _message(self._number), None
            if step.c % 8 == 1:  # the same once more, indistinguishable
                content, date = _message(1000 + step.c % 3), EPOCH
            elif step.c % 8 == 2:
                content = b"Subject: who am I\r\n\r\n%d\r\n" % self._number
            added = self.mailbox.add(self._folder(step.a), content, flags, date)
            if added is not None and step.c % 8 in {3, 4} and not at:
                added.fault = ["NO", "NIL"][step.c % 8 - 3]

    def _flag(self, step: Step) -> None:
        flag = FLAGS[step.c % len(FLAGS)]
        self.mailbox.flag(self._folder(step.a), self._some(step.b), flag, on=step.c % 2 == 0)

    def _expunge(self, step: Step) -> None:
        self.mailbox.expunge(self._folder(step.a), self._some(step.b))

    def _move(self, step: Step) -> None:
        source, target = self._folder(step.a), self._folder(step.c)
        self.mailbox.move(source, target, self._some(step.b))

    def _refuse(self, step: Step) -> None:
        self._break(step, "NO")

    def _nil(self, step: Step) -> None:
        self._break(step, "NIL")

    def _break(self, step: Step, how: str) -> None:
        folder = self.mailbox.folders[self._folder(step.a)]
        for message in filter(self._some(step.b), folder.messages):
            message.fault = how

    # Folders ------------------------------------------------------------------------------------

    def _make(self, step: Step) -> None:
        if len(self.mailbox.folders) < MOST_FOLDERS:
            self.mailbox.make(NAMES[step.a % len(NAMES)])

    def _delete(self, step: Step) -> None:
        self.mailbox.delete(self._folder(step.a))

    def _again(self, step: Step) -> None:
        """Deleted and made anew, with other mail in it."""
        name = self._folder(step.a)
        self.mailbox.delete(name)
        self.mailbox.make(name)
        self._receive(Step("receive", step.a, step.b, step.c))

    def _rename(self, step: Step) -> None:
        self.mailbox.rename(self._folder(step.a), NAMES[step.b % len(NAMES)])

    def _unselectable(self, step: Step) -> None:
        self.mailbox.make_unselectable(self._folder(step.a))

    def _phantom(self, step: Step) -> None:
        if (name := self._folder(step.a)) != INBOX:
            self.mailbox.folders[name].phantom = True

    def _renumber(self, step: Step) -> None:
        self.mailbox.renumber(self._folder(step.a), same_uids=step.b % 2 == 0)

    def _lower(self, step: Step) -> None:
        self.mailbox.renumber(self._folder(step.a), lower=True)

    def _replace(self, step: Step) -> None:
        self.mailbox.replace_all(self._folder(step.a))
        self._receive(step)

    def _jump(self, step: Step) -> None:
        self.mailbox.jump_uids(self._folder(step.a))

    def _no_mod_seq(self, step: Step) -> None:
        folder = self.mailbox.folders[self._folder(step.a)]
        folder.keeps_mod_seq = not folder.keeps_mod_seq

    def _flapping(self, _: Step) -> None:
        self.flapping = True


def _message(number: int) -> bytes:
    return (
        f"Message-ID: <{number}@example.com>\r\nSubject: Message {number}\r\n"
        f"From: a@example.com\r\n\r\nText {number}\r\n"
    ).encode()
