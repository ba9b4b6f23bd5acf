"""Messages without their attachments: valid, and otherwise as they were."""

from __future__ import annotations

import pytest

from services84.mime.parse import parse
from services84.mime.stripping import strip_attachments

SOURCE = b"""\
Subject: both\r
Content-Type: multipart/mixed; boundary="b"\r
\r
preamble\r
--b\r
Content-Type: multipart/related; boundary=r\r
\r
--r\r
Content-Type: text/html\r
\r
<p>Hi</p>\r
--r\r
Content-Type: image/png\r
Content-ID: <p@x>\r
\r
PNG\r
--r--\r
--b\r
Content-Type: text/calendar; name=i.ics\r
\r
BEGIN:VCALENDAR\r
--b  \r
Content-Type: application/pdf; name=a.pdf\r
\r
%PDF\r
--b--\r
"""
TEXTS = b"""\
Subject: both\r
Content-Type: multipart/mixed; boundary="b"\r
\r
--b\r
Content-Type: multipart/related; boundary=r\r
\r
--r\r
Content-Type: text/html\r
\r
<p>Hi</p>\r
--r--\r
\r
--b\r
Content-Type: text/calendar; name=i.ics\r
\r
BEGIN:VCALENDAR\r
--b--\r
"""
PICTURE = b"--r\r\nContent-Type: image/png\r\nContent-ID: <p@x>\r\n\r\nPNG\r\n"


def test_texts_and_invitations_stay() -> None:
    assert strip_attachments(SOURCE) == TEXTS


def test_pictures_within_the_text_stay_where_that_is_wanted() -> None:
    expected = TEXTS.replace(b"--r--", PICTURE + b"--r--")

    assert strip_attachments(SOURCE, keep_inline=True) == expected


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"Subject: x\r\n\r\ntext",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b--\r\n",
    ],
)
def test_a_message_without_attachments_stays_as_it_is(source: bytes) -> None:
    assert strip_attachments(source) == source


def test_a_message_of_attachments_only_keeps_an_empty_text() -> None:
    part = b"--b\nContent-Type: image/gif\n\nGIF\n"
    source = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + part * 2 + b"--b--\n"

    stripped = parse(strip_attachments(source))

    assert (stripped.subject, stripped.plain_body.strip(), stripped.attachments) == ("x", "", ())
    assert stripped.problem == ""


def test_a_message_that_is_one_attachment_keeps_its_other_fields() -> None:
    source = (
        b"Subject: one\r\n file\r\nContent-Type: application/pdf;\r\n name=a.pdf\r\n"
        b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\nTo: a@x.org\r\n\r\nJVBERg==\r\n"
    )

    assert strip_attachments(source) == (
        b"Subject: one\r\n file\r\nTo: a@x.org\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"
    )


def test_a_multipart_that_is_not_closed_is_closed() -> None:
    source = SOURCE[: SOURCE.index(b"%PDF") + 2]

    stripped = strip_attachments(source)

    assert stripped.endswith(b"\r\n--b--\r\n")
    assert parse(stripped).problem == ""


def test_a_header_that_runs_into_its_body_is_told_apart() -> None:
    source = (
        b"Content-Type: multipart/mixed; boundary=b\r\nno field\r\n--b\r\n"
        b"Content-Type: text/plain\r\n\r\nHi\r\n--b\r\nContent-Type: image/gif\r\n\r\nGIF\r\n--b--\r\n"
    )

    stripped = parse(strip_attachments(source))

    assert (stripped.plain_body, stripped.attachments) == ("Hi", ())
