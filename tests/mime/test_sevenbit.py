"""Messages in 7 bits say what they said in 8."""

from __future__ import annotations

import email
from email.policy import SMTP
from pathlib import Path

import pytest

from services84.mime.mimetext import mime_bytes, mime_text
from services84.mime.parse import parse
from services84.mime.sevenbit import seven_bit

NESTED = (
    "Subject: x\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "Préamble\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    "Grüße = \r\n-- \r\nÄnna \r\n"
    "--b\r\n\r\nno field, no ümlaut declared\r\n"
    "--b\r\nContent-Type: image/png; name=a\r\nContent-Transfer-Encoding:\r\n binary\r\n\r\n"
    "ÿþ\r\nþ\r\n"
    "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    "Subject: inner\r\nContent-Type: text/html; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n\r\n<p>Größe</p>\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n"
).replace("Préamble", "Preamble")


def contents(source: bytes) -> list[tuple[str, bytes | None]]:
    message = email.message_from_bytes(source, policy=SMTP)
    return [
        (part.get_content_type(), part.get_payload(decode=True))
        for part in message.walk()
        if not part.is_multipart()
    ]


def test_every_body_is_encoded_as_fits_it() -> None:
    source = NESTED.encode()
    encoded = seven_bit(source)
    assert encoded.isascii()
    assert max(map(len, encoded.split(b"\r\n"))) <= 78
    assert contents(encoded) == contents(source)
    fields = [line for line in encoded.split(b"\r\n") if b"Transfer-Encoding" in line]
    assert [field.partition(b": ")[2] for field in fields] == [
        *(b"8bit", b"quoted-printable", b"quoted-printable", b"base64", b"7bit"),
        b"quoted-printable",
    ]


def test_a_message_in_seven_bits_is_itself() -> None:
    source = b"Content-Transfer-Encoding: 8bit\r\n\r\nplain\r\n"
    assert seven_bit(source) is source


@pytest.mark.parametrize("header", ["", "Subject: x\r\n", "Content-Type: text/plain\r\n"])
def test_a_body_alone_is_encoded(header: str) -> None:
    encoded = seven_bit(f"{header}\r\nGrüße\r\n".encode())
    assert encoded.isascii()
    assert contents(encoded)[0][1] == "Grüße\r\n".encode()


def test_characters_in_fields_are_left() -> None:
    source = "Subject: Grüße\r\n\r\nx\r\n".encode()
    assert seven_bit(source) == source


def test_real_mail_is_read_as_before(shared_folder: Path) -> None:
    files = sorted((shared_folder / "corpus").rglob("*.eml"))
    assert files
    for file in files:
        source = mime_bytes(mime_text(file.read_bytes()))
        before, after = parse(source), parse(seven_bit(source))
        if before.problem:
            continue
        assert (after.subject, after.plain_body, after.html_body) == (
            before.subject,
            before.plain_body,
            before.html_body,
        ), file
