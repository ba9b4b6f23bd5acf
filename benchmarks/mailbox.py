"""Whole mailboxes on disk: a Maildir++ tree that Dovecot serves, made once and kept.

What is made depends on the seed and the size alone. Benchmarks work on copies of hard links, so
that a server's renames and index files leave the kept tree as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.mail import Writer

SEED = 84
MADE_BY = 2  # raise it when mailboxes are to be made anew
FOLDERS = (
    # as on the disk, and which share of the messages
    ("", 0.40), (".Sent", 0.14), (".Archive", 0.10), (".Archive.2024", 0.06), (".Trash", 0.05),
    (".Archive.2023", 0.05), (".Customers", 0.04), (".Customers.North", 0.03),
    (".Customers.South", 0.02), (".Projects", 0.03), (".Projects.Alpha", 0.02),
    (".Projects.Beta", 0.02), (".Lists", 0.01), (".Lists.News", 0.01), (".Drafts", 0.005),
    (".Invoices", 0.01), (".Travel", 0.003), (".Junk", 0.001), (".Empty", 0.0),
)  # fmt: skip
_FLAGS = ("", "S", "S", "S", "S", "RS", "FS", "FRS")


@dataclass(frozen=True)
class Mailbox:
    """A kept mailbox: how many messages, in how many folders, of how many bytes (CRLF)."""

    folder: str
    messages: int
    folders: int
    bytes: int
    median: int

    @property
    def path(self) -> Path:
        return Path(self.folder)


def kept_mailbox(root: Path, messages: int) -> Mailbox:
    """The mailbox of so many messages below `root`; made if it is not there."""
    folder = root / f"mailbox-{messages}"
    stamp = folder / "made.json"
    if stamp.exists():
        facts = json.loads(stamp.read_text())
        if facts.pop("made_by") == MADE_BY:
            return Mailbox(**{**facts, "folder": str(folder)})
    shutil.rmtree(folder, ignore_errors=True)
    sizes = _write(folder / "Maildir", messages)
    made = Mailbox(str(folder), messages, len(FOLDERS), sum(sizes), int(statistics.median(sizes)))
    stamp.write_text(json.dumps(asdict(made) | {"made_by": MADE_BY}))
    return made


def _write(maildir: Path, messages: int) -> list[int]:
    writer = Writer(SEED)
    sizes: list[int] = []
    for name, share in FOLDERS:
        folder = maildir / name if name else maildir
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
        if name:
            (folder / "maildirfolder").touch()
        count = round(messages * share)
        if name == FOLDERS[0][0]:  # the inbox takes what rounding leaves over
            count = messages - sum(round(messages * share) for _, share in FOLDERS[1:])
        for _ in range(count):
            sizes.append(_write_message(folder / "cur", writer, len(sizes)))
    (maildir / "subscriptions").write_text(
        "V\t2\n\n" + "".join(name[1:].replace(".", "\t") + "\n" for name, _ in FOLDERS if name)
    )
    return sizes


def _write_message(folder: Path, writer: Writer, number: int) -> int:
    content, when = writer.message(number)
    size = len(content) + content.count(b"\n")
    seconds = int(when.timestamp())
    flags = _FLAGS[number * 7919 % len(_FLAGS)]
    # Both sizes in the name, as servers that deliver do: else every first reader pays for them.
    path = folder / f"{seconds}.M{number}P1.bench,S={len(content)},W={size}:2,{flags}"
    path.write_bytes(content)
    os.utime(path, (seconds, seconds))
    return size


def copy_mailbox(mailbox: Mailbox, target: Path, owner: tuple[int, int]) -> None:
    """A working copy at `target` for the user and group ids of `owner`."""

    def link(source: str, copy: str) -> str:
        try:
            os.link(source, copy)
        except OSError:  # another file system
            shutil.copy2(source, copy)
        return copy

    shutil.copytree(mailbox.path / "Maildir", target, copy_function=link)
    if os.getuid() == 0:
        for folder, _, files in os.walk(target):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.chown(path, *owner)
