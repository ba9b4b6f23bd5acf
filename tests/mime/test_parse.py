"""Messages, whole and broken: texts, attachments, priority, and never an exception."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services84.mime.parse import (
    ParsedAttachment,
    ParsedMessage,
    Texts,
    parse,
    part_bytes,
    read_texts,
)

INVITATION = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
NESTED = (
    b"""\
Message-ID: <1@example.com>\r
From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>\r
To: anna@example.com\r
Subject: a whole lot\r
Date: Fri, 1 Mar 2024 10:00:00 +0100\r
X-Priority: 1 (Highest)\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="outer"\r
\r
This is the preamble.\r
--outer\r
Content-Type: multipart/related; boundary=middle\r
\r
--middle\r
Content-Type: multipart/alternative; boundary="inner"\r
\r
--inner\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
H=C3=B6he\r
--inner\r
Content-Type: text/html; charset=iso-8859-1\r
\r
<b>H\xf6he</b><img src="cid:pic@x">\r
--inner\r
Content-Type: text/calendar; charset=utf-8; method=REQUEST\r
\r
"""
    + INVITATION
    + b"""\
--inner--\r
--middle\r
Content-Type: image/png; name=pic.png\r
Content-ID: <pic@x>\r
Content-Transfer-Encoding: base64\r
\r
iVBORw0KGgo=\r
--middle--\r
--outer\r
Content-Type: message/rfc822\r
\r
Subject: =?utf-8?q?inner=2Fmost?=\r
\r
inner text\r
--outer\r
Content-Type: application/ms-tnef; name=winmail.dat\r
Content-Disposition: attachment; filename="C:\\\\temp\\\\winmail.dat"\r
Content-Transfer-Encoding: base64\r
\r
AAEC\r
AwQ=\r
--outer--\r
The epilogue.\r
"""
)


def test_a_message_with_everything() -> None:
    assert parse(NESTED) == ParsedMessage(
        message_id="<1@example.com>",
        subject="a whole lot",
        sender="Jörg <joerg@example.com>",
        to="anna@example.com",
        sent_at=datetime(2024, 3, 1, 9, tzinfo=UTC),
        priority=1,
        plain_body="Höhe",
        html_body='<b>Höhe</b><img src="cid:pic@x">',
        calendar=INVITATION.decode().removesuffix("\r\n"),
        attachments=(
            ParsedAttachment("1.2", "pic@x", "pic.png", "image/png", 8, "base64", True),
            ParsedAttachment("2", "", "inner most.eml", "message/rfc822", 47, "7bit", False),
            ParsedAttachment("3", "", "winmail.dat", "application/ms-tnef", 5, "base64", False),
        ),
    )


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("1.1.1", "Höhe".encode()),
        ("1.2", b"\x89PNG\r\n\x1a\n"),
        ("2", b"Subject: =?utf-8?q?inner=2Fmost?=\r\n\r\ninner text"),
        ("3", bytes(range(5))),
        ("1", None),
        ("4", None),
        ("", None),
        ("1.1.9", None),
    ],
)
def test_a_part_is_found_by_its_number(part: str, content: bytes | None) -> None:
    assert part_bytes(NESTED, part) == content


def test_sizes_are_those_of_the_decoded_parts() -> None:
    for attachment in parse(NESTED).attachments:
        assert attachment.size == len(part_bytes(NESTED, attachment.part) or b"")


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_other_line_ends_change_nothing(end: bytes) -> None:
    message = parse(NESTED.replace(b"\r\n", end))

    assert message.plain_body == "Höhe"
    assert [a.part for a in message.attachments] == ["1.2", "2", "3"]


def test_a_single_part_is_number_1() -> None:
    source = b"Content-Type: application/pdf; name=a.pdf\r\n\r\n%PDF"

    assert parse(source).attachments == (
        ParsedAttachment("1", "", "a.pdf", "application/pdf", 4, "7bit", False),
    )
    assert part_bytes(source, "1") == b"%PDF"


@pytest.mark.parametrize(
    ("fields", "priority"),
    [
        (b"", 3),
        (b"X-Priority: 2\r\n", 2),
        (b"X-Priority: 5 (Lowest)\r\n", 5),
        (b"X-Priority: 9\r\n", 3),
        (b"X-Priority: soon\r\nImportance: High\r\n", 1),
        (b"Importance: low\r\n", 5),
        (b"Priority: urgent\r\n", 1),
        (b"Priority: non-urgent\r\n", 5),
        (b"X-MSMail-Priority: Normal\r\n", 3),
    ],
)
def test_priority(fields: bytes, priority: int) -> None:
    assert parse(fields + b"\r\n").priority == priority


def multipart(kind: bytes, *parts: bytes, closed: bool = True) -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/%s; boundary=b\r\n\r\n" % kind + body + b"--b--\r\n" * closed


def test_texts_of_a_mixed_message_are_read_together() -> None:
    source = multipart(b"mixed", b"\r\nfirst", b"Content-Type: image/gif\r\n\r\nGIF", b"\r\nsecond")

    assert parse(source).plain_body == "first\nsecond"


def test_a_text_sent_as_a_file_is_an_attachment() -> None:
    source = multipart(
        b"mixed",
        b"\r\nbody",
        b"Content-Disposition: attachment\r\n\r\none",
        b"Content-Type: text/plain; name=two.txt\r\n\r\ntwo",
        b"Content-Disposition: inline; filename=three.txt\r\n\r\nthree",
    )
    message = parse(source)

    assert message.plain_body == "body"
    assert [(a.part, a.name, a.inline) for a in message.attachments] == [
        ("2", "", False),
        ("3", "two.txt", False),
        ("4", "three.txt", True),
    ]


def test_texts_that_are_read_later_are_the_same() -> None:
    for source in (NESTED, multipart(b"mixed", b"\r\none", b"\r\ntwo"), b"\r\nplain", b"", b"\0"):
        whole, found = parse(source), read_texts(source)
        assert found == Texts(whole.plain_body, whole.html_body, whole.calendar)
        without = replace(whole, plain_body="", html_body="", calendar="")
        assert parse(source, texts=False) == without


def test_uuencoded_text_stays_in_the_text() -> None:
    source = b"\r\nsee:\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n"

    assert "begin 644 a.txt" in parse(source).plain_body


def test_a_uuencoded_part_is_decoded() -> None:
    source = multipart(
        b"mixed",
        b"Content-Type: application/x\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n"
        b"begin 644 a.txt\r\n#0V%T\r\n`\r\nend",
    )

    assert part_bytes(source, "1") == b"Cat"


@pytest.mark.parametrize(
    ("source", "problem", "text"),
    [
        (multipart(b"mixed", b"\r\nx", closed=False), "a multipart is not closed", "x\r\n"),
        (b"Content-Type: multipart/mixed\r\n\r\nx", "a multipart names no boundary", "x"),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\nx",
            "a multipart's boundary never comes",
            "x",
        ),
    ],
)
def test_a_broken_multipart_is_named_and_read(source: bytes, problem: str, text: str) -> None:
    message = parse(source)

    assert message.problem == problem
    assert message.plain_body == text


def test_a_boundary_that_begins_like_another_is_told_apart() -> None:
    source = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: multipart/alternative; boundary=bb\r\n\r\n"
        b"--bb\r\n\r\nx\r\n--bb--\r\n--b--\r\n"
    )

    assert (parse(source).plain_body, parse(source).problem) == ("x", "")


def deep(levels: int) -> bytes:
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (at, at)
        for at in range(levels)
    )
    closed = b"".join(b"\r\n--b%d--" % at for at in reversed(range(levels)))
    return opened + b"\r\nat the bottom" + closed


def test_deep_nesting_is_bounded() -> None:
    assert parse(deep(100)).plain_body == "at the bottom"
    assert parse(deep(101)).problem == "multiparts are nested more than 100 levels deep"
    assert parse(deep(20_000)).problem


def test_too_many_parts_are_bounded() -> None:
    message = parse(multipart(b"mixed", *[b"Content-Type: x/y\r\n"] * 20_000))

    assert "more than 10000 parts" in message.problem
    assert len(message.attachments) < 10_001


@pytest.mark.parametrize(
    "source",
    [
        b"Subject: " + b"=?utf-8?q?" * 100_000,
        b"Subject: " + b"=?" * 500_000,
        b"Content-Type: text/plain; " + b'x="' * 300_000,
        b"Content-Type: text/plain" + b"; x*0" * 200_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b" * 1_000_000,
        b"To: " + b'"' * 900_000 + b"=?utf-8?q?a?= " * 1000,
        b"X: y\r\n" * 200_000,
        b" " * 1_000_000,
        b"Date: " + b"1 " * 500_000,
        b"\r\n" + b"=" * 5_000_000,
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b"?" * 5_000_000,
    ],
    ids=lambda source: repr(source[:24]),
)
def test_no_message_takes_long(source: bytes) -> None:
    started = time.process_time()
    parse(source)

    assert time.process_time() - started < 5


def test_a_large_attachment_is_not_decoded_to_describe_it() -> None:
    content = base64.encodebytes(bytes(3_000_000))
    source = multipart(
        b"mixed", b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n" + content
    )

    assert parse(source).attachments[0].size == 3_000_000


def corpus_files(shared_folder: Path) -> list[Path]:
    return sorted((shared_folder / "corpus").glob("*.eml"))


def test_every_message_of_the_corpus_is_read(shared_folder: Path) -> None:
    messages = {path.name: parse(path.read_bytes()) for path in corpus_files(shared_folder)}

    unread = {name: m.problem for name, m in messages.items() if "cannot be read" in m.problem}
    assert len(messages) > 100
    assert not unread
    assert messages["flanker-russian-attachment-yahoo.eml"].attachments[0].name.startswith("Картин")
    assert messages["mikel-japanese_shift_jis.eml"].plain_body


def test_every_part_of_the_corpus_is_found_by_its_number(shared_folder: Path) -> None:
    for path in corpus_files(shared_folder):
        source = path.read_bytes()
        for attachment in parse(source).attachments[:20]:
            content = part_bytes(source, attachment.part)
            assert content is not None, (path.name, attachment)
            if attachment.encoding != "base64":
                assert attachment.size == len(content)


CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), max_size=6)


def mutated(source: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, instead in cuts:
        at = int(where * len(source))
        source = source[:at] + instead + source[at + length :]
    return source


@given(CUTS)
def test_damage_gives_a_message_all_the_same(cuts: list[tuple[float, int, bytes]]) -> None:
    message = parse(mutated(NESTED, cuts))

    assert "cannot be read" not in message.problem


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_messages_of_the_corpus_are_read(data: st.DataObject, shared_folder: Path) -> None:
    path = data.draw(st.sampled_from(corpus_files(shared_folder)))
    source = mutated(path.read_bytes(), data.draw(CUTS))

    assert "cannot be read" not in parse(source).problem
