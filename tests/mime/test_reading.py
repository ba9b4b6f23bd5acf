"""Attachments by their ids, the remaining header fields, and messages as drafts."""

from __future__ import annotations

import time

import pytest

from services84.mime.addresses import Address
from services84.mime.draft import Draft
from services84.mime.parse import parse
from services84.mime.reading import (
    attachment_ids,
    attachment_of,
    attachments_of,
    custom_headers,
    first_address,
    read_draft,
)

NESTED = b"""\
Received: from a\r
\tby b\r
RECEIVED: from c\r
From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>, second@example.com\r
To: "Doe, Anna" <anna@example.com>\r
Reply-To: "Chef, J" <chef@example.com>\r
Subject: a lot\r
Message-ID: <1@example.com>\r
In-Reply-To: <0@example.com> (yesterday)\r
References: <00@example.com>\r
 nonsense <0@example.com>\r
X-Note: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=outer\r
\r
--outer\r
Content-Type: multipart/related; boundary=inner\r
\r
--inner\r
Content-Type: text/html\r
\r
<img src="cid:pic@x">\r
--inner\r
Content-Type: image/png; name=pic.png\r
Content-ID: <pic@x>\r
Content-Description: a =?utf-8?q?H=C3=B6he?=\r
Content-Transfer-Encoding: base64\r
\r
iVBORw0KGgo=\r
--inner--\r
--outer\r
Content-Type: application/pdf; name="a\tb.pdf"\r
\r
%PDF\r
--outer\r
Content-Type: image/gif\r
Content-ID: <pic@x>\r
Content-Transfer-Encoding: base64\r
\r
R0lG\r
--outer\r
Content-Type: image/gif; name=strange.gif\r
Content-ID: <not an id>\r
\r
GIF\r
--outer--\r
"""


def test_every_attachment_has_an_id_of_its_own_that_finds_it() -> None:
    attachments = parse(NESTED).attachments
    ids = attachment_ids(attachments)

    assert ids == ("pic@x", "2", "3", "not an id")
    for attachment_id, attachment in zip(ids, attachments, strict=True):
        found = attachment_of(NESTED, attachment_id)
        assert found is not None
        assert found.about == attachment
    assert [each.about for each in attachments_of(NESTED)] == list(attachments)


@pytest.mark.parametrize(
    ("attachment_id", "data"),
    [
        ("pic@x", b"\x89PNG\r\n\x1a\n"),
        ("<pic@x>", b"\x89PNG\r\n\x1a\n"),
        (" pic@x ", b"\x89PNG\r\n\x1a\n"),
        ("1.2", b"\x89PNG\r\n\x1a\n"),
        ("2", b"%PDF"),  # the part with this number, which is the third of all
        ("3", b"GIF"),
        ("5", b"GIF"),  # there is no part 5, but a fifth one
    ],
)
def test_an_attachment_is_found_by_content_id_number_or_place(
    attachment_id: str, data: bytes
) -> None:
    found = attachment_of(NESTED, attachment_id)

    assert found is not None
    assert found.data == data


@pytest.mark.parametrize(
    "attachment_id", ["", "0", "1", "1.1", "6", "9" * 400, "-1", "²", "x", "<>"]
)
def test_what_names_no_attachment_finds_none(attachment_id: str) -> None:
    assert attachment_of(NESTED, attachment_id) is None


def test_a_description_comes_with_the_bytes() -> None:
    found = attachment_of(NESTED, "pic@x")

    assert found is not None
    assert found.description == "a Höhe"
    assert "PNG" not in repr(found)


def test_fields_without_a_member_are_custom_headers_with_all_their_values() -> None:
    assert custom_headers(NESTED) == {
        "Received": ("from a by b", "from c"),
        "Reply-To": ('"Chef, J" <chef@example.com>',),
        "References": ("<00@example.com> nonsense <0@example.com>",),
        "X-Note": ("Grüße",),
    }


def test_a_message_becomes_a_draft() -> None:
    draft = read_draft(NESTED)

    assert draft.sender == Address("Jörg", "joerg@example.com")
    assert draft.to == (Address("Doe, Anna", "anna@example.com"),)
    assert draft.reply_to == (Address("Chef, J", "chef@example.com"),)
    assert (draft.message_id, draft.in_reply_to) == ("<1@example.com>", "<0@example.com>")
    assert draft.references == "<00@example.com> <0@example.com>"
    # What could not be written again is left out.
    assert [(each.name, each.content_id) for each in draft.attachments] == [
        ("pic.png", "pic@x"),
        ("a b.pdf", ""),
        ("", "pic@x"),
        ("strange.gif", ""),
    ]
    assert read_draft(NESTED, with_attachments=False).attachments == ()
    assert read_draft(b"").sender == Address("", "")


def test_what_would_break_a_header_is_no_part_of_a_draft() -> None:
    source = b"Subject: =?utf-8?q?a=00b=0Ac?=\r\nFrom: =?utf-8?q?d=00=0De?= <f@x.org>\r\n\r\n"

    draft = read_draft(source)

    assert (draft.subject, draft.sender) == ("a b c", Address("d e", "f@x.org"))


def test_a_message_of_many_attachments_is_read_in_one_pass() -> None:
    part = b"--b\r\nContent-Type: image/gif; name=a.gif\r\n\r\nGIF\r\n"
    source = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 5000 + b"--b--\r\n"

    started = time.process_time()
    draft = read_draft(source)

    assert len(draft.attachments) == 5000
    assert time.process_time() - started < 10
    assert isinstance(draft, Draft)


def test_the_first_address_of_a_field_is_told() -> None:
    assert first_address("Anna <a@x.org>, b@x.org") == Address("Anna", "a@x.org")
    assert first_address("") == Address("", "")
