"""Whatever shape a message is of, CreateEMailFromMimeMessage gives a carrier, never an error; the
reply is well-formed and as the schema wants it.

SERVICES84_MUTATIONS says how many seeded mutations go over SOAP; 2,000 unless it does, or as
many of them as half a minute has room for.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services84.mime.mimetext import mime_bytes, mime_text
from services84.mime.parse import parse
from tests.support.live_mail import LiveMail, running_office
from tests.support.mutations import mutations
from tests.support.service import member_xml

ASKED = os.environ.get("SERVICES84_MUTATIONS")
MUTATIONS = int(ASKED or "2000")
SECONDS = float("inf") if ASKED else 25.0
# What XML 1.0 cannot carry, a client has to leave out or replace.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveMail]:
    with running_office(tmp_path_factory.mktemp("office")) as office:
        yield LiveMail(office.service, office.ticket, 0, "nobody")


@pytest.fixture(scope="module")
def corpus(shared_folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(shared_folder.glob("corpus/*.eml"))}


def texts(source: bytes) -> list[str]:
    """The message as callers may make text of it: each byte a character, UTF-8 with what is none
    replaced, or as this service does it."""
    made = [source.decode("latin-1"), source.decode("utf-8", "replace"), mime_text(source)]
    return list(dict.fromkeys(_NOT_XML.sub("?", text) for text in made))


def read(mail: LiveMail, text: str) -> None:
    reply = mail.succeed("CreateEMailFromMimeMessage", member_xml({"MimeMessage": text}))
    assert reply.body[0].tag.endswith("}Response")
    received = text.replace("\r\n", "\n").replace("\r", "\n")  # as XML has it
    assert reply.text("Response/Size") == str(len(mime_bytes(received)))


def test_every_message_of_the_corpus_is_read(mail: LiveMail, corpus: dict[str, bytes]) -> None:
    assert corpus
    for name, source in corpus.items():
        for text in texts(source):
            try:
                read(mail, text)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from error


def test_every_mutation_of_the_corpus_is_read(mail: LiveMail, corpus: dict[str, bytes]) -> None:
    until = time.monotonic() + SECONDS
    for number, source in enumerate(mutations(list(corpus.values()), MUTATIONS)):
        if time.monotonic() > until:
            break
        made = texts(source)
        try:
            read(mail, made[number % len(made)])
        except AssertionError as error:
            raise AssertionError(f"mutation {number}: {error}\n{source[:2000]!r}") from error


def test_a_message_as_text_reads_like_the_message(corpus: dict[str, bytes]) -> None:
    differing = []
    for name, source in corpus.items():
        before, after = parse(source), parse(mime_bytes(mime_text(source)))
        assert len(after.attachments) == len(before.attachments), name
        if (after.subject, after.plain_body.split()) != (before.subject, before.plain_body.split()):
            differing.append(name)
    # Its sender took UTF-8 for Latin-1 characters, which reading them as a text undoes.
    assert differing == ["mikel-raw_email6.eml"]
