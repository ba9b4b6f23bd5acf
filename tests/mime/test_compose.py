"""Composed messages: read back by two parsers, safe to send, impossible to break out of."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services84.errors import InvalidValue
from services84.mime.addresses import Address
from services84.mime.compose import compose
from services84.mime.draft import Draft, DraftAttachment, Envelope, envelope, identified
from services84.mime.parse import parse
from services84.mime.reading import attachments_of, read_draft

DATE = datetime(2026, 3, 1, 10, 0, tzinfo=timezone(timedelta(hours=1)))
ANNA = Address("Anna", "anna@example.com")
BERT = Address("Bert", "bert@example.org")
SIMPLE = Draft(sender=ANNA, to=(BERT,), subject="Hello", plain="Hi\n", message_id="<1@x.org>")
PICTURE = DraftAttachment("p.png", b"\x89PNG", content_id="p1@x.org", inline=True)
FILE = DraftAttachment("list.csv", b"a;b\r\nc;d\n")
INVITATION = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


def made(draft: Draft = SIMPLE, **changes: Any) -> bytes:
    return compose(dataclasses.replace(draft, **changes), date=DATE)


def read(source: bytes) -> EmailMessage:
    """The message as the standard library sees it."""
    return cast(EmailMessage, email.message_from_bytes(source, policy=email.policy.default))


def structure(message: Any) -> Any:
    """Content types, nested as the parts are."""
    kind = message.get_content_type()
    if not message.is_multipart() or kind == "message/rfc822":
        return kind
    return [kind, *(structure(part) for part in message.iter_parts())]


def test_the_simplest_message_is_simple() -> None:
    assert made() == (
        b"Date: Sun, 01 Mar 2026 10:00:00 +0100\r\n"
        b"From: Anna <anna@example.com>\r\n"
        b"To: Bert <bert@example.org>\r\n"
        b"Subject: Hello\r\n"
        b"Message-ID: <1@x.org>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain;\r\n charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Hi\r\n"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"plain": ""}, "text/plain"),
        ({"plain": "", "html": "<p>Hi"}, "text/html"),
        ({"html": "<p>Hi"}, ["multipart/alternative", "text/plain", "text/html"]),
        ({"attachments": (FILE,)}, ["multipart/mixed", "text/plain", "text/csv"]),
        (
            {"html": "<p>Hi", "calendar": INVITATION},
            ["multipart/alternative", "text/plain", "text/html", "text/calendar"],
        ),
        (
            {"html": '<img src="cid:p1@x.org">', "attachments": (PICTURE, FILE)},
            [
                "multipart/mixed",
                [
                    "multipart/alternative",
                    "text/plain",
                    ["multipart/related", "text/html", "image/png"],
                ],
                "text/csv",
            ],
        ),
        ({"attachments": (PICTURE,)}, ["multipart/mixed", "text/plain", "image/png"]),
    ],
)
def test_the_structure_is_as_small_as_the_draft_allows(
    changes: dict[str, Any], expected: Any
) -> None:
    assert structure(read(made(**changes))) == expected


def test_blind_recipients_stand_only_in_the_senders_own_copy() -> None:
    draft = dataclasses.replace(SIMPLE, bcc=(Address("Eve", "eve@example.net"),))

    assert b"eve@example.net" not in compose(draft, date=DATE)
    assert parse(compose(draft, date=DATE, with_bcc=True)).bcc == "Eve <eve@example.net>"
    assert envelope(draft) == Envelope("anna@example.com", ("bert@example.org", "eve@example.net"))


def test_an_envelope_names_everybody_once_and_needs_somebody() -> None:
    with pytest.raises(InvalidValue, match=r"^Emails\[2\]\.To: .* names no recipient"):
        envelope(dataclasses.replace(SIMPLE, to=()), member="Emails[2].")

    twice = dataclasses.replace(SIMPLE, to=(BERT, BERT), cc=(BERT, Address("", "jörg@bücher.de")))
    assert envelope(twice).recipients == ("bert@example.org", "jörg@bücher.de")
    assert envelope(twice).needs_smtputf8
    assert not envelope(SIMPLE).needs_smtputf8


def test_a_message_without_an_id_gets_one_of_the_senders_domain() -> None:
    draft = dataclasses.replace(SIMPLE, message_id="", sender=Address("", "a@bücher.example"))

    first, second = identified(draft).message_id, identified(draft).message_id
    assert re.fullmatch(r"<[\w.]+@xn--bcher-kva\.example>", first)
    assert first != second
    assert identified(SIMPLE).message_id == "<1@x.org>"
    assert parse(made(draft)).message_id.endswith("@xn--bcher-kva.example>")


def test_ids_get_their_angle_brackets() -> None:
    message = read(
        made(message_id="2@x.org", in_reply_to="1@x.org", references="<0@x.org><1@x.org>")
    )

    assert message["message-id"] == "<2@x.org>"
    assert message["in-reply-to"] == "<1@x.org>"
    assert message["references"] == "<0@x.org> <1@x.org>"


@pytest.mark.parametrize(
    ("priority", "x_priority", "importance"),
    [(1, "1 (Highest)", "high"), (5, "5 (Lowest)", "low"), (3, None, None), (0, None, None)],
)
def test_only_an_unusual_priority_is_said(
    priority: int, x_priority: str | None, importance: str | None
) -> None:
    source = made(priority=priority)

    assert read(source)["x-priority"] == x_priority
    assert read(source)["importance"] == importance
    assert parse(source).priority == (priority or 3)


NAMES = [
    "plain.txt",
    "with space.txt",
    'quote " and \\ slash.txt',
    "räksmörgås.pdf",
    "räksmörgås med ett mycket långt namn som inte får plats på en enda rad i meddelandet.pdf",
    "x" * 200 + ".txt",
    "日本語のファイル名.docx",
    "50%.txt",
    "semi;colon='x'.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_file_names_are_read_by_old_and_new_clients(name: str) -> None:
    source = made(attachments=(DraftAttachment(name, b"data"),))

    (part,) = read(source).iter_attachments()
    assert part.get_filename() == name
    (attachment,) = parse(source).attachments
    assert attachment.name == name.rpartition("\\")[2].strip()
    # Those that know nothing of RFC 2231 look at the other parameter.
    old = source.replace(b"filename", b"x-unknown")
    assert parse(old).attachments[0].name == name.rpartition("\\")[2].strip()
    assert all(len(line) <= 998 for line in source.split(b"\r\n"))


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Grüße",
        "Grüße " * 60,
        "x" * 2000,
        "=?utf-8?q?not_a_word?=",
        "two  blanks and a tab\tin it",
        "日本語" * 50,
        "😀" * 40,
        "word " * 300,
    ],
)
def test_subjects_survive(subject: str) -> None:
    source = made(subject=subject)

    assert source.isascii()
    assert all(len(line) <= 998 for line in source.split(b"\r\n"))
    assert parse(source).subject == " ".join(subject.split())
    assert read(source)["subject"].split() == subject.split()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain\n",
        "Höhe\n",
        "no line end",
        "ends in blanks   \nnext\t\n",
        ".\n..\nFrom me\n--=_x\n",
        "x" * 5000,
        "ö" * 5000,
        "日本語\n" * 100,
        "bell \x07, form feed \x0c, nul \x00\n",
        "old\rMac\rlines",
    ],
)
@pytest.mark.parametrize("eight_bit", [False, True])
def test_texts_survive(text: str, eight_bit: bool) -> None:
    draft = dataclasses.replace(SIMPLE, plain=text, html=f"<p>{text}</p>")

    source = compose(draft, date=DATE, eight_bit=eight_bit)

    assert eight_bit or source.isascii()
    assert all(len(line) <= 998 for line in source.split(b"\r\n"))
    assert b"\n" not in source.replace(b"\r\n", b"")
    lines = re.split("\r\n|\r|\n", text)
    html = parse(source).html_body
    assert html.removesuffix("\r\n") == "<p>" + "\r\n".join(lines) + "</p>"
    plain = read(source).get_body(("plain",))
    if text:
        assert plain is not None
        assert plain.get_content().splitlines() == "\n".join(lines).splitlines()


def test_half_a_character_becomes_a_replacement() -> None:
    assert parse(made(plain="a\ud83db")).plain_body.strip() == "a\ufffdb"
    assert parse(made(plain="a\ud83d\ude00b")).plain_body.strip() == "a😀b"


def test_eight_bits_are_used_only_where_asked_for() -> None:
    draft = dataclasses.replace(SIMPLE, plain="auf der Höhe")

    assert b"auf der H=C3=B6he" in compose(draft, date=DATE)
    assert b"\r\n\r\nauf der H\xc3\xb6he\r\n" in compose(draft, date=DATE, eight_bit=True)


def test_an_address_of_other_letters_stands_as_it_is_and_its_domain_in_ascii_if_it_can() -> None:
    source = made(to=(Address("Jörg", "jörg@bücher.example"), Address("", "anna@bücher.example")))

    assert "To: =?utf-8?b?SsO2cmc=?= <jörg@bücher.example>".encode() in source
    assert b"anna@xn--bcher-kva.example" in source


def test_files_arrive_byte_by_byte() -> None:
    data = [bytes(range(256)) * 9, b"", b"x", b"a" * 57, b"a" * 58, b"\r\n.\r\n--=_"]
    files = tuple(DraftAttachment(f"{n}.bin", each) for n, each in enumerate(data))

    source = made(attachments=files)

    assert [each.data for each in attachments_of(source)] == data
    assert [part.get_content() for part in read(source).iter_attachments()] == data


def test_a_message_in_a_message_is_one() -> None:
    inner = made(html="<p>", attachments=(FILE,))

    source = made(attachments=(DraftAttachment("m.eml", inner, "message/rfc822"),))

    assert structure(read(source)) == ["multipart/mixed", "text/plain", "message/rfc822"]
    (attachment,) = attachments_of(source)
    assert attachment.data == inner
    assert attachment.about.content_type == "message/rfc822"


@pytest.mark.parametrize(
    "inner", ["Subject: Höhe\r\n\r\nHöhe\r\n".encode(), b"A: b\r\n\r\n" + b"x" * 2000]
)
def test_a_message_that_7_bits_cannot_hold_goes_as_a_file(inner: bytes) -> None:
    source = made(attachments=(DraftAttachment("m.eml", inner, "message/rfc822"),))

    assert source.isascii()
    (attachment,) = attachments_of(source)
    assert attachment.data == inner
    assert attachment.about.content_type == "application/octet-stream"
    assert attachment.about.name == "m.eml"


def test_no_boundary_occurs_in_a_part() -> None:
    first = made(plain="Hi", html="<p>")
    boundary = read(first).get_boundary()

    source = made(plain=f"--{boundary}\n--{boundary}--\n", html="<p>")

    assert read(source).get_boundary() != boundary
    assert parse(source).plain_body.strip() == f"--{boundary}\r\n--{boundary}--"


def test_a_type_is_told_by_the_name_where_none_is_given() -> None:
    files = [DraftAttachment("a.pdf", b""), DraftAttachment("a", b""), DraftAttachment("", b"")]

    source = made(attachments=tuple(files))

    kinds = [each.about.content_type for each in attachments_of(source)]
    assert kinds == ["application/pdf", "application/octet-stream", "application/octet-stream"]


def test_custom_headers_are_written_and_those_of_addresses_checked() -> None:
    headers = (("X-Note", "Grüße"), ("X-Note", "two"), ("Reply-To", "Chef, Ö <c@bücher.example>"))

    source = made(custom_headers=headers)

    assert read(source).get_all("x-note") == ["Grüße", "two"]
    assert b"Reply-To: =?utf-8?" in source
    assert b"<c@xn--bcher-kva.example>" in source
    with pytest.raises(
        InvalidValue, match=r"^CustomHeaderList/EMailCustomHeader\[1\]/Values: 'nobody' is no add"
    ):
        made(custom_headers=(("Reply-To", "nobody <>"),))


BREAKS = ["a\r\nBcc: eve@x.org", "a\nb", "a\rb", "a\0b", "a\ud800"]
PLACES: list[tuple[str, Any]] = [
    ("Subject", lambda bad: {"subject": bad}),
    ("From/Name", lambda bad: {"sender": Address(bad, "a@x.org")}),
    ("From/Address", lambda bad: {"sender": Address("", f"{bad}@x.org")}),
    ("To/EMailAddress[2]/Name", lambda bad: {"to": (BERT, Address(bad, "a@x.org"))}),
    ("To/EMailAddress[1]/Address", lambda bad: {"to": (Address("", f"{bad}@x.org"),)}),
    ("Cc/EMailAddress[1]/Address", lambda bad: {"cc": (Address("", f"a@{bad}.org"),)}),
    ("Bcc/EMailAddress[1]/Name", lambda bad: {"bcc": (Address(bad, "a@x.org"),)}),
    ("ReplyTo/EMailAddress[1]/Name", lambda bad: {"reply_to": (Address(bad, "a@x.org"),)}),
    ("MessageID", lambda bad: {"message_id": f"<{bad}@x.org>"}),
    ("InReplyTo/MessageId", lambda bad: {"in_reply_to": f"<{bad}@x.org>"}),
    ("References", lambda bad: {"references": f"<{bad}@x.org>"}),
    ("CustomHeaderList/EMailCustomHeader[1]/Name", lambda bad: {"custom_headers": ((bad, "x"),)}),
    (
        "CustomHeaderList/EMailCustomHeader[1]/Values",
        lambda bad: {"custom_headers": (("X-A", bad),)},
    ),
    (
        "Attachments/EMailAttachment[1]/Filename",
        lambda bad: {"attachments": (DraftAttachment(bad, b""),)},
    ),
    (
        "Attachments/EMailAttachment[1]/Type",
        lambda bad: {"attachments": (DraftAttachment("a", b"", bad),)},
    ),
    (
        "Attachments/EMailAttachment[1]/Id",
        lambda bad: {"attachments": (DraftAttachment("a", b"", content_id=bad),)},
    ),
    (
        "Attachments/EMailAttachment[1]/Description",
        lambda bad: {"attachments": (DraftAttachment("a", b"", description=bad),)},
    ),
]


@pytest.mark.parametrize("bad", BREAKS)
@pytest.mark.parametrize(("member", "place"), PLACES)
def test_nothing_breaks_out_of_a_header(member: str, place: Any, bad: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        compose(
            dataclasses.replace(SIMPLE, **place(bad)),
            date=DATE,
            with_bcc=True,
            member="Emails/EMailEntity[1]/",
        )

    assert caught.value.member == f"Emails/EMailEntity[1]/{member}"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("changes", "member", "problem"),
    [
        ({"priority": 6}, "Priority", "is no priority"),
        ({"priority": -1}, "Priority", "is no priority"),
        ({"message_id": "<a@x> <b@x>"}, "MessageID", "more than one"),
        ({"message_id": "<ä@x>"}, "MessageID", "is no message id"),
        (
            {"custom_headers": (("Bcc", "a@x.org"),)},
            "CustomHeaderList/EMailCustomHeader[1]/Name",
            "is set by",
        ),
        (
            {"custom_headers": (("Content-Type", "x"),)},
            "CustomHeaderList/EMailCustomHeader[1]/Name",
            "is set by",
        ),
        (
            {"custom_headers": (("A b", "x"),)},
            "CustomHeaderList/EMailCustomHeader[1]/Name",
            "is no name",
        ),
        (
            {"custom_headers": (("A:", "x"),)},
            "CustomHeaderList/EMailCustomHeader[1]/Name",
            "is no name",
        ),
        (
            {"references": "<1@x>", "custom_headers": (("references", "<2@x>"),)},
            "CustomHeaderList/EMailCustomHeader[1]/Name",
            "by another member",
        ),
        (
            {"attachments": (FILE, DraftAttachment("a", b"", "multipart/mixed"))},
            "Attachments/EMailAttachment[2]/Type",
            "is no type",
        ),
        (
            {"attachments": (DraftAttachment("a", b"", "text"),)},
            "Attachments/EMailAttachment[1]/Type",
            "no type",
        ),
    ],
)
def test_what_makes_no_sense_is_named(changes: dict[str, Any], member: str, problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem) as caught:
        made(**changes)
    assert caught.value.member == member


def test_a_date_needs_its_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        compose(SIMPLE, date=DATE.replace(tzinfo=None))


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=200)


# Quotes around all of a name are taken off again.
NAME = TEXT.filter(lambda text: not text.strip().endswith('"'))


@settings(max_examples=150, deadline=None)
@given(subject=TEXT, plain=TEXT, html=TEXT, name=NAME, file=TEXT, data=st.binary(max_size=300))
def test_whatever_is_written_is_read_again(
    subject: str, plain: str, html: str, name: str, file: str, data: bytes
) -> None:
    draft = dataclasses.replace(
        SIMPLE,
        to=(Address(name, "bert@example.org"),),
        subject=subject,
        plain=plain,
        html=html,
        attachments=(DraftAttachment(file, data, "application/x-test"),),
    )

    source = compose(draft, date=DATE)
    again = read_draft(source)

    assert source.isascii()
    assert all(len(line) <= 998 for line in source.split(b"\r\n"))
    assert again.to == (Address(" ".join(name.split()), "bert@example.org"),)
    assert again.subject == " ".join(subject.split())
    assert again.attachments[0].data == data
    assert again.plain.removesuffix("\r\n") in {plain, ""}
    assert again.html.removesuffix("\r\n") == html
    witness = read(source)
    assert witness["to"].addresses[0].addr_spec == "bert@example.org"


BIG = """
import os, sys
from datetime import UTC, datetime
from services84.mime.addresses import Address
from services84.mime.compose import compose
from services84.mime.draft import Draft, DraftAttachment
def peak():
    return int(next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1])
data = os.urandom(40 << 20)
before = peak()
draft = Draft(Address("", "a@x.org"), attachments=(DraftAttachment("a.bin", data),))
size = len(compose(draft, date=datetime.now(UTC)))
assert size > 54 << 20
print(peak() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux tells the peak memory")
def test_forty_megabytes_are_in_memory_once_as_they_came_and_once_as_they_go() -> None:
    ran = subprocess.run([sys.executable, "-c", BIG], check=True, capture_output=True, text=True)

    assert int(ran.stdout) < 64 * 1024  # kB beyond the 40 MB; the message itself has 55 MB


def test_the_date_is_the_one_given() -> None:
    assert parse(made()).sent_at == datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
