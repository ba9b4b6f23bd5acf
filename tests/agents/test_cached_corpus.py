"""Whatever shape a message is of: synced, it is given by GetEMail, in a reply that is well-formed
and as the schema wants it, and its carrier, given back, is known as the unchanged message.

SERVICES84_MUTATIONS says how many seeded mutations go that way; unless it does, as many as half a
minute has room for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from lxml import etree

from tests.support.boxes import ints
from tests.support.dovecot import DovecotServer
from tests.support.live_mail import LiveMail, running_office
from tests.support.mailboxes import append
from tests.support.mutations import mutations
from tests.support.service import Reply, member_xml

ASKED = os.environ.get("SERVICES84_MUTATIONS")
MUTATIONS = int(ASKED or "400")
SECONDS = float("inf") if ASKED else 25.0


@pytest.fixture(scope="module")
def corpus(shared_folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(shared_folder.glob("corpus/*.eml"))]


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory, dovecot: DovecotServer) -> Iterator[LiveMail]:
    with running_office(tmp_path_factory.mktemp("office")) as office:
        yield office.mailbox(dovecot)


def synced(mail: LiveMail, folder: str, sources: Sequence[bytes]) -> dict[int, int]:
    """The messages' ids in the cache by their numbers. A NUL, which no IMAP message holds, is
    replaced."""
    with mail.client() as client:
        client.create(folder)
        for source in sources:
            append(client, folder, source.replace(b"\0", b"?") or b"\r\n")
    mail.sync()
    items = mail.items(folder)
    assert len(items) == len(sources)
    return {number: items[uid] for number, uid in enumerate(sorted(items))}


def read(mail: LiveMail, item: int, size: int) -> None:
    """The message is given, and taken back as unchanged."""
    reply = mail.succeed("GetEMail", member_xml({"Id": item, "IncludeAttachments": True}))
    assert reply.text("Response/EmailItemId") == str(item)
    assert int(reply.text("Response/Size") or 0) >= size
    saved = mail.call("Save", given_back(reply))
    assert saved.succeeded, saved.exception


def given_back(reply: Reply) -> str:
    inner = b"".join(etree.tostring(child) for child in reply.body[0]).decode()
    return f"<n:Email>{inner}</n:Email>"


def test_every_message_of_the_corpus_is_given(mail: LiveMail, corpus: list[bytes]) -> None:
    assert corpus
    for number, item in synced(mail, "Corpus", corpus).items():
        try:
            read(mail, item, len(corpus[number]))
        except AssertionError as error:
            raise AssertionError(f"{corpus[number][:300]!r}: {error}") from error
    mail.assert_level()


def test_every_mutation_of_the_corpus_is_given(mail: LiveMail, corpus: list[bytes]) -> None:
    until = time.monotonic() + SECONDS
    sources = list(mutations(corpus, MUTATIONS))
    for number, item in synced(mail, "Mutations", sources).items():
        if time.monotonic() > until:
            break
        try:
            read(mail, item, len(sources[number]))
        except AssertionError as error:
            shown = sources[number][:2000]
            raise AssertionError(f"mutation {number}: {error}\n{shown!r}") from error
    mail.assert_level()


def test_all_of_them_are_told_as_new(mail: LiveMail, corpus: list[bytes]) -> None:
    with mail.client() as client:
        client.create("New")
    mail.sync()
    folders = mail.service.services.folders.list(mail.account_id)
    number = next(one.folder_id for one in folders if one.name == "New")
    with mail.client() as client:
        for source in corpus:
            append(client, "New", source.replace(b"\0", b"?"))
    reply = mail.succeed("GetNewMail", ints("Folders", [number]))
    assert len(list(reply.body[0])) == len(corpus)
