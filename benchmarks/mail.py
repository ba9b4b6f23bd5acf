"""Messages for benchmarks: the same number gives the same bytes, and they look like real mail.

Sizes, headers and structure follow what mailboxes hold (median about 9 KB, mean about three times
that): plain texts, texts with HTML beside them, attachments. All names are invented, and the
domains reserved (RFC 2606). Lines end with LF, as a Maildir keeps them.
"""

from __future__ import annotations

import base64
import quopri
import random
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.utils import format_datetime

_WORDS = """
    the of to and a in is that it was for on are with as his they be at one have this from or
    had by hot but some what there we can out other were all your when up use word how said an
    each she which do their time if will way about many then them would write like so these her
    long make thing see him two has look more day could go come did my sound no most number who
    over know water than call first people may down side been now find any new work part take
    get place made live where after back little only round man year came show every good me give
    our invoice meeting schedule project delivery contract customer order budget review deadline
""".split()  # noqa: SIM905 (words are easier read as a text)
_NORDIC = ["Grüße", "møte", "på", "fredag,", "Ærlig", "talt:", "løsning.", "für", "Änderungen."]
_NAMES = ["Ingrid Solberg", "Jörg Müller", "Åse Bjørnstad", "Tom Baker", "Chloé Dubois", "Kim Lee"]
_HOSTS = ["mx1.example.com", "smtp.example.net", "relay.example.org", "mail.example.com"]
_START = datetime(2016, 1, 4, 8, 0, tzinfo=UTC)
_SENTENCES = 4000
_STYLE = "font-family:Calibri,Helvetica,sans-serif;font-size:11pt;margin:0 0 8px;color:#1f2937"


class Writer:
    """Writes the messages of one mailbox; `message(n)` needs no message before it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        chance = random.Random(seed)
        self._sentences = [_sentence(chance) for _ in range(_SENTENCES)]
        self._noise = chance.randbytes(4 * 1024 * 1024)  # attachments are cut out of it

    def message(self, number: int) -> tuple[bytes, datetime]:
        """The bytes of a message and when it was delivered."""
        chance = random.Random(self._seed * 1_000_003 + number)
        when = _START + timedelta(minutes=7 * number, seconds=chance.randrange(400))
        boundary = f"----=_Part_{number}_{chance.getrandbits(48):012x}"
        size = int(min(chance.lognormvariate(8.35, 0.9), 200_000))
        kind = chance.random()
        if kind < 0.35:
            body, lines = self._plain(chance, size)
        elif kind < 0.82:
            body, lines = self._alternative(chance, size, boundary)
        else:
            body, lines = self._mixed(chance, size, boundary)
        head = "\n".join([*self._fields(chance, number, when), *lines, "", ""])
        return head.encode() + body, when

    # Fields -------------------------------------------------------------------------------------

    def _fields(self, chance: random.Random, number: int, when: datetime) -> list[str]:
        sender, reader = chance.choice(_NAMES), chance.choice(_NAMES)
        date = format_datetime(when)
        lines = [f"Return-Path: <{_address(sender)}>", f"Delivered-To: {_address(reader)}"]
        for hop in range(chance.randint(2, 6)):
            lines += [
                f"Received: from {chance.choice(_HOSTS)} ([192.0.2.{chance.randrange(255)}])",
                f"\tby {chance.choice(_HOSTS)} (Postfix) with ESMTPS id {chance.getrandbits(44):X}",
                f"\tfor <{_address(reader)}>; {format_datetime(when + timedelta(seconds=hop))}",
            ]
        for _ in range(chance.randint(0, 2)):
            lines += _signature(chance, self._noise)
        lines += [
            f"From: {_phrase(sender)} <{_address(sender)}>",
            f"To: {_phrase(reader)} <{_address(reader)}>",
            f"Subject: {self._subject(chance)}",
            f"Date: {date}",
            f"Message-ID: <{number}.{chance.getrandbits(64):016x}@{_HOSTS[number % 4]}>",
            "MIME-Version: 1.0",
            "X-Mailer: Example Mailer 16.0",
        ]
        if number and chance.random() < 0.45:
            known = [f"<{n}.{n:016x}@{_HOSTS[n % 4]}>" for n in range(max(0, number - 4), number)]
            lines += [f"In-Reply-To: {known[-1]}", "References: " + "\n\t".join(known)]
        if chance.random() < 0.3:
            others = ", ".join(f"{_phrase(n)} <{_address(n)}>" for n in chance.sample(_NAMES, 3))
            lines.append(f"Cc: {others}")
        return lines

    def _subject(self, chance: random.Random) -> str:
        text = " ".join(chance.choice(self._sentences).split()[:8]).rstrip(".")
        if chance.random() < 0.3:
            return Header(f"{chance.choice(_NORDIC)} {text}", "utf-8").encode()
        return ("Re: " if chance.random() < 0.4 else "") + text

    # Bodies -------------------------------------------------------------------------------------

    def _plain(self, chance: random.Random, size: int) -> tuple[bytes, list[str]]:
        body, encoding = _encoded(chance, self._text(chance, size))
        return body, [
            'Content-Type: text/plain; charset="utf-8"',
            f"Content-Transfer-Encoding: {encoding}",
        ]

    def _alternative(
        self, chance: random.Random, size: int, boundary: str
    ) -> tuple[bytes, list[str]]:
        text = self._text(chance, size // 2)
        parts = [_part(chance, "text/plain", text), _part(chance, "text/html", _html(text))]
        kind = f'Content-Type: multipart/alternative;\n\tboundary="{boundary}"'
        return _together(parts, boundary), [kind]

    def _mixed(self, chance: random.Random, size: int, boundary: str) -> tuple[bytes, list[str]]:
        inner = boundary + "_alt"
        body, lines = self._alternative(chance, size, inner)
        parts = ["\n".join([*lines, "", ""]).encode() + body]
        for at in range(chance.choice((1, 1, 1, 2, 3))):
            length = int(min(chance.lognormvariate(10.3, 1.1), 3_000_000))
            start = chance.randrange(len(self._noise) - length)
            head = (
                f'Content-Type: application/pdf; name="paper {at}.pdf"\n'
                f"Content-Disposition: attachment; filename*=utf-8''paper%20{at}%C3%A9.pdf\n"
                "Content-Transfer-Encoding: base64\n\n"
            )
            content = base64.encodebytes(self._noise[start : start + length])
            parts.append(head.encode() + content)
        kind = f'Content-Type: multipart/mixed;\n\tboundary="{boundary}"'
        return _together(parts, boundary), [kind]

    def _text(self, chance: random.Random, size: int) -> str:
        pieces: list[str] = []
        held = 0
        while held < size:
            sentence = chance.choice(self._sentences)
            pieces.append(sentence)
            held += len(sentence) + 1
            if chance.random() < 0.2:
                pieces.append("\n")
        return " ".join(pieces) + "\n"


def _sentence(chance: random.Random) -> str:
    words = [chance.choice(_WORDS) for _ in range(chance.randint(5, 18))]
    if chance.random() < 0.2:
        words.insert(chance.randrange(len(words)), chance.choice(_NORDIC))
    return " ".join(words).capitalize() + "."


def _html(text: str) -> str:
    paragraphs = "\n".join(
        f'<p style="{_STYLE}"><span lang="en">{line.strip()}</span></p>'
        for line in text.split("\n")
        if line.strip()
    )
    head = f"<html><head><style>p {{{_STYLE}}}</style></head>"
    return f"{head}<body>\n{paragraphs}\n</body></html>\n"


def _encoded(chance: random.Random, text: str) -> tuple[bytes, str]:
    raw = text.encode()
    choice = chance.random()
    if choice < 0.25:
        return base64.encodebytes(raw), "base64"
    if choice < 0.75:
        return quopri.encodestring(raw), "quoted-printable"
    return raw.replace(b". ", b".\n"), "8bit"


def _part(chance: random.Random, kind: str, text: str) -> bytes:
    body, encoding = _encoded(chance, text)
    head = f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n"
    return head.encode() + body


def _together(parts: list[bytes], boundary: str) -> bytes:
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\n" + part.rstrip(b"\n") + b"\n" for part in parts)
    return b"This is a message in several parts.\n" + body + mark + b"--\n"


def _signature(chance: random.Random, noise: bytes) -> list[str]:
    start = chance.randrange(len(noise) - 512)
    lines = base64.b64encode(noise[start : start + 256]).decode()
    folded = [f"\t {lines[at : at + 68]}" for at in range(0, len(lines), 68)]
    head = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s2048;"
    return [head, "\th=from:to:subject:date:message-id:mime-version:content-type; b=", *folded]


def _phrase(name: str) -> str:
    return name if name.isascii() else Header(name, "utf-8").encode()


def _address(name: str) -> str:
    ascii_only = name.encode("ascii", "replace").decode().replace("?", "o")
    return ascii_only.lower().replace(" ", ".") + "@example.com"


def huge_message(size: int) -> bytes:
    """A message of about `size` bytes, nearly all of them one attachment in Base64."""
    attached = base64.encodebytes(random.Random(size).randbytes(size * 57 // 78))
    head = (
        "From: sender@example.com\nTo: receiver@example.com\nSubject: large\nMIME-Version: 1.0\n"
        "Content-Type: application/octet-stream; name=large.bin\n"
        "Content-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n"
    )
    return (head.encode() + attached).replace(b"\n", b"\r\n")
