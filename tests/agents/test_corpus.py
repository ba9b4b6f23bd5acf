"""Real and damaged mail through the archive: every message is given, as the schema has it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from services84.agents.call import Call, Presented
from services84.agents.email.documents import archive_mail
from tests.soap.contract_schema import check_reply, compile_schemas
from tests.support.service import Service

MUTATIONS = 300
LARGEST = 200_000  # bytes of a message that is damaged; the rest would only cost time


def damaged(source: bytes, chance: random.Random) -> bytes:
    """The message cut, with bytes changed, with lines of its head gone, or with noise in it."""
    source = source[:LARGEST]
    at = chance.randrange(len(source) + 1)
    match chance.randrange(4):
        case 0:
            return source[:at]
        case 1:
            changed = bytearray(source or b"\0")
            for _ in range(chance.randrange(1, 40)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            return bytes(changed)
        case 2:
            lines = source.split(b"\n")
            del lines[chance.randrange(min(len(lines), 30))]
            return b"\n".join(lines)
        case _:
            return source[:at] + chance.randbytes(20) + source[at:]


@pytest.fixture
def corpus(shared_folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted((shared_folder / "corpus").rglob("*.eml"))]


def test_every_message_comes_back_as_a_valid_reply(service: Service, corpus: list[bytes]) -> None:
    chance = random.Random(84)
    messages = [*corpus, *(damaged(chance.choice(corpus), chance) for _ in range(MUTATIONS))]
    anna, ticket = service.associate("anna")
    _, _, wsdl = service.request("/Remote/Services84/EMail.svc?singleWsdl")
    schema = compile_schemas(wsdl)
    call = Call(service.services, Presented(), service.services.clock(), anna)
    for source in messages:
        document = archive_mail(call, source, anna.associate_id)
        asked = {"DocumentId": document.document_id}
        reply = service.call("GetEMailFromDocumentId", asked, ticket=ticket)
        assert reply.succeeded, (reply.exception, source[:200])
        check_reply(schema, reply.root)
