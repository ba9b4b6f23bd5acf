"""Long binary members come and go whole, and are in memory no oftener than they have to be."""

from __future__ import annotations

import base64
import gc
import tracemalloc
from pathlib import Path

import pytest

from services84.soap.longtexts import LONG, LongTexts
from tests.support.service import Service, member_xml, running_service

DATA = bytes(range(256)) * 16 * 1024  # 4 MiB


def test_marks_give_way_to_their_texts() -> None:
    texts = LongTexts()
    one, two = texts.mark(b"AAAA"), texts.mark(b"B" * 12)
    document = f"<a><b>{two}</b><b>{one}</b><c>{'0' * 32}-0-</c></a>".encode()
    assert texts.fill(document) == b"<a><b>%s</b><b>AAAA</b><c>%s-0-</c></a>" % (
        b"B" * 12,
        b"0" * 32,
    )


def test_a_document_without_long_texts_is_not_touched() -> None:
    assert LongTexts().fill(b"<a>x-0-</a>") == b"<a>x-0-</a>"


def forward(service: Service, ticket: str, *streams: str) -> list[str | None]:
    """The streams of the attachments of a mail that comes back with those it was sent with."""
    attachments = "".join(
        member_xml({"EMailAttachment": {"Filename": "a.bin", "Stream": stream}})
        for stream in streams
    )
    members = f"<n:Email><n:Attachments>{attachments}</n:Attachments></n:Email>"
    ticket_header = f"<n:Credentials><n:Ticket>{ticket}</n:Ticket></n:Credentials>"
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:n="http://'
        'www.superoffice.net/ws/crm/NetServer/Services84"><s:Header>'
        f"{ticket_header}</s:Header><s:Body><n:CreateForwardEmail>{members}"
        "</n:CreateForwardEmail></s:Body></s:Envelope>"
    )
    reply = service.post(body.encode())
    assert reply.succeeded, reply.exception
    return [each.text for each in reply.body.iter("{*}Stream")]


@pytest.mark.parametrize("line", [76, 10**9])
def test_long_and_short_members_of_one_message_come_back_as_they_were(
    tmp_path: Path, line: int
) -> None:
    with running_service(tmp_path) as service:
        _, ticket = service.associate("anna")
        long, short = DATA, b"\x00\xff"
        other = DATA[::-1]
        texts = [base64.b64encode(each).decode() for each in (long, short, other)]
        cut = [
            "\n".join(text[at : at + line] for at in range(0, len(text), line)) for text in texts
        ]
        assert len(texts[0]) > LONG
        assert forward(service, ticket, *cut) == texts


def test_nothing_of_a_call_is_kept_when_it_is_over(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        _, ticket = service.associate("anna")
        text = base64.b64encode(DATA).decode()
        forward(service, ticket, text)
        gc.collect()
        gc.disable()  # what only the collector would find does not count as gone
        tracemalloc.start()
        try:
            forward(service, ticket, text)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            gc.enable()
        assert kept < len(DATA) / 4
