"""Real oddities, as they are and as they break: everything in this room takes all of them.

SERVICES84_MUTATIONS says how many seeded mutations are tried.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services84.mime.addresses import Address, address_list
from services84.mime.compose import compose
from services84.mime.mimetext import mime_bytes
from services84.mime.parse import UNREADABLE, ParsedMessage, parse, read_texts
from services84.mime.reading import (
    attachment_ids,
    attachment_of,
    attachments_of,
    custom_headers,
    draft_of,
)
from services84.mime.replies import forwarded, replied
from services84.mime.stripping import strip_attachments

MUTATIONS = int(os.environ.get("SERVICES84_MUTATIONS", "2000"))
SEED = 84
MOST_BYTES = 30_000  # of a message that is mutated, for the sake of the time
MOST_IDS = 20  # attachments of a message that are asked for one by one
ME = Address("Mé", "me@example.com")
DATE = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def corpus(shared_folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(shared_folder.glob("corpus/*.eml"))}


def mutated(source: bytes, chance: random.Random) -> bytes:
    """The message cut off, with bytes flipped, lines dropped, or a piece of it inserted."""
    raw = bytearray(source)
    match chance.randrange(4):
        case 0:
            del raw[chance.randrange(len(raw) + 1) :]
        case 1:
            for _ in range(min(len(raw), chance.randint(1, 20))):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
        case 2:
            lines = raw.split(b"\n")
            for _ in range(3):
                lines.pop(chance.randrange(min(len(lines), 40)))
                lines = lines or [bytearray()]
            raw = bytearray(b"\n".join(lines))
        case _:
            at, piece = chance.randrange(len(raw) + 1), chance.randrange(len(raw) + 1)
            raw[at:at] = raw[piece : piece + chance.randrange(300)]
    return bytes(raw)


def check(source: bytes) -> None:
    """Do with a message whatever is done with messages."""
    parsed = parse(source)
    assert not parsed.problem.startswith(UNREADABLE), parsed.problem
    _check_texts(source, parsed)
    custom_headers(source)
    for field in (parsed.sender, parsed.reply_to, parsed.to, parsed.cc, parsed.bcc):
        assert all(each.name or each.address for each in address_list(field))
    _check_attachments(source)
    _check_stripped(source)
    _check_forwarded(source)
    mime_bytes(source.decode("latin-1"))
    mime_bytes(source.decode("utf-8", "surrogateescape"))


def _check_texts(source: bytes, parsed: ParsedMessage) -> None:
    """They can be left for later, and are the same then."""
    without = replace(parsed, plain_body="", html_body="", calendar="")
    assert parse(source, texts=False) == without
    found = read_texts(source)
    assert (found.plain, found.html, found.calendar) == (
        parsed.plain_body,
        parsed.html_body,
        parsed.calendar,
    )


def _check_attachments(source: bytes) -> None:
    attachments = parse(source).attachments
    ids = attachment_ids(attachments)
    assert len(set(ids)) == len(ids)
    for attachment_id, attachment in list(zip(ids, attachments, strict=True))[:MOST_IDS]:
        found = attachment_of(source, attachment_id)
        assert found is not None
        assert found.about == attachment


def _check_stripped(source: bytes) -> None:
    before, after = parse(source), parse(strip_attachments(source))
    assert {each.content_type for each in after.attachments} <= {"text/calendar"}
    assert after.subject == before.subject
    assert after.plain_body.strip() == before.plain_body.strip()
    assert after.html_body.strip() == before.html_body.strip()


def _check_forwarded(source: bytes) -> None:
    parsed = parse(source)
    original = draft_of(parsed, tuple(attachments_of(source)))
    replied(original, sender=ME, sent_at=parsed.sent_at, to_all=True)
    made = compose(forwarded(original, sender=ME, sent_at=parsed.sent_at), date=DATE)
    assert made.isascii()
    assert max(len(line) for line in made.split(b"\r\n")) <= 998
    assert b"\n" not in made.replace(b"\r\n", b"")
    again = list(attachments_of(made))
    assert [each.about.name for each in again] == [
        each.name.strip() for each in original.attachments
    ]
    for mine, theirs in zip(again, original.attachments, strict=True):
        if not mine.about.content_type.startswith("message/"):  # whose line ends may change
            assert mine.data == theirs.data


def test_every_message_is_read_stripped_answered_and_forwarded(corpus: dict[str, bytes]) -> None:
    assert corpus
    for name, source in corpus.items():
        try:
            check(source)
        except Exception as error:
            raise AssertionError(f"{name}: {error!r}") from error


def test_no_mutation_of_a_message_leads_to_an_error(corpus: dict[str, bytes]) -> None:
    chance = random.Random(SEED)
    sources = [source for source in corpus.values() if len(source) <= MOST_BYTES]
    for number in range(MUTATIONS):
        source = mutated(chance.choice(sources), chance)
        try:
            check(source)
        except Exception as error:
            raise AssertionError(f"mutation {number}: {error!r}\n{source[:2000]!r}") from error
