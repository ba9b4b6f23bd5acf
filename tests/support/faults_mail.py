"""The mailbox of the crash tests, and what another client changes in it between two syncs."""

from __future__ import annotations

import imaplib
import random
from dataclasses import dataclass

from tests.support.mailboxes import ODD, append, message, quoted

FOLDERS = ("INBOX", "Archive", "Entw&APw-rfe", "Work")
# A few messages each, of folders that something happens to as a whole: see `_change_folders`.
SMALL_FOLDERS = ("Dropped", "Left alone", "Losing", "Rebuilt", "Renamed", "Winning")
IN_SMALL = 4
FIRST_SMALL = 50_000  # the numbers of their messages
ATTACHMENT_EVERY = 40  # messages; so that some literals fill many segments of TCP
ATTACHMENT_BYTES = 60_000


@dataclass(frozen=True)
class Changes:
    """How much another client changes: messages with other flags, moved, expunged, new."""

    flags: int
    moves: int
    expunges: int
    new: int

    @property
    def messages(self) -> int:
        """How many messages there have to be, some of which stay as they are."""
        return (self.flags + self.moves + self.expunges) * 5 // 4


def fill(client: imaplib.IMAP4, count: int) -> None:
    """`count` messages over the folders, large ones and odd ones among them."""
    for folder in (*FOLDERS[1:], *SMALL_FOLDERS):
        assert client.create(quoted(folder))[0] == "OK"
    noise = random.Random(84)
    for number in range(count):
        large = noise.randbytes(ATTACHMENT_BYTES) if number % ATTACHMENT_EVERY == 7 else None
        flags = ["", "\\Seen", "\\Flagged $Later"][number % 3]
        append(client, FOLDERS[number % 4], message(number, attachment=large), flags)
    for number in range(len(SMALL_FOLDERS) * IN_SMALL):
        append(client, SMALL_FOLDERS[number // IN_SMALL], message(FIRST_SMALL + number))
    for content in list(ODD.values())[1:]:  # an empty message is no APPEND
        append(client, "Archive", content)


def change(client: imaplib.IMAP4, changes: Changes, first_new: int) -> None:
    """Do all of `changes`, evenly over the folders; no message is changed in two ways."""
    share = len(FOLDERS)
    uids: dict[str, list[bytes]] = {}
    for folder in FOLDERS:
        client.select(quoted(folder))
        uids[folder] = client.uid("SEARCH", "SUBJECT", "Message")[1][0].split()
        _random_order(uids[folder])
    for number, folder in enumerate(FOLDERS):
        assert client.select(quoted(folder))[0] == "OK"
        mine = uids[folder]
        for sign, names in (("+", "\\Answered $Work"), ("-", "\\Seen \\Flagged")):
            _store(client, _take(mine, changes.flags // share // 2), f"{sign}FLAGS", names)
        gone = _take(mine, changes.expunges // share)
        _store(client, gone, "+FLAGS", "\\Deleted")
        assert client.uid("EXPUNGE", _set(gone))[0] == "OK"
        # Both ways in the order in which folders are synced: forward and back.
        for step in (1, share - 1):
            target = quoted(FOLDERS[(number + step) % share])
            moved = _take(mine, changes.moves // share // 2)
            assert client.uid("MOVE", _set(moved), target)[0] == "OK"
    client.unselect()
    _change_folders(client)
    for number in range(changes.new):
        append(client, FOLDERS[number % share], message(first_new + number))


def _change_folders(client: imaplib.IMAP4) -> None:
    """A folder loses messages to another and changes in no other way; one is dropped when its
    messages are elsewhere, one renamed, and one made anew with the same messages."""
    _move(client, "Losing", "1:2", "Winning")
    _move(client, "Dropped", "1:2", "INBOX")
    _move(client, "Dropped", "3:*", "Archive")
    assert client.delete("Dropped")[0] == "OK"
    assert client.rename("Renamed", quoted("Its new name"))[0] == "OK"
    client.select("Rebuilt")
    parts = client.uid("FETCH", "1:*", "(INTERNALDATE BODY.PEEK[])")[1]
    client.unselect()
    assert client.delete("Rebuilt")[0] == "OK"
    assert client.create("Rebuilt")[0] == "OK"
    for head, content in (part for part in parts if isinstance(part, tuple)):
        date = head.decode().split('INTERNALDATE "')[1].split('"')[0]
        assert client.append("Rebuilt", "", f'"{date}"', content)[0] == "OK"


def _move(client: imaplib.IMAP4, folder: str, uids: str, target: str) -> None:
    client.select(quoted(folder))
    assert client.uid("MOVE", uids, quoted(target))[0] == "OK"
    client.unselect()


def change_a_little(client: imaplib.IMAP4, draw: random.Random, first_new: int) -> None:
    """Other flags, moves, expunges and new messages, a few of each in some of the folders."""
    for folder in draw.sample(FOLDERS, 2):
        client.select(quoted(folder))
        uids = client.uid("SEARCH", "SUBJECT", "Message")[1][0].split()
        draw.shuffle(uids)
        if len(uids) > 20:
            _store(client, _take(uids, 4), draw.choice(("+FLAGS", "-FLAGS")), "\\Seen $Work")
            target = draw.choice([other for other in FOLDERS if other != folder])
            assert client.uid("MOVE", _set(_take(uids, 4)), quoted(target))[0] == "OK"
            gone = _take(uids, 2)
            _store(client, gone, "+FLAGS", "\\Deleted")
            assert client.uid("EXPUNGE", _set(gone))[0] == "OK"
        client.unselect()
        for number in range(4):
            append(client, folder, message(first_new + number))
        first_new += 4


def _random_order(uids: list[bytes]) -> None:
    random.Random(len(uids)).shuffle(uids)


def _take(uids: list[bytes], count: int) -> list[bytes]:
    assert len(uids) >= count, "there is too little mail for so many changes"
    taken, uids[:] = uids[:count], uids[count:]
    return taken


def _store(client: imaplib.IMAP4, uids: list[bytes], how: str, names: str) -> None:
    # "-FLAGS" changes only what has them; adding one as well makes every message a changed one.
    assert client.uid("STORE", _set(uids), how, f"({names})")[0] == "OK"
    if how.startswith("-"):
        assert client.uid("STORE", _set(uids), "+FLAGS", "($Touched)")[0] == "OK"


def _set(uids: list[bytes]) -> str:
    return b",".join(uids).decode()
