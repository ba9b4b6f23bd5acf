"""Where a fuzzer begins: inputs that come far, and words that it may put in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from services84.agents import TABLES
from tests.conformance.bad_input import leaves, wrong_texts
from tests.fuzz.promises_soap import OPERATIONS
from tests.mime.test_parse import NESTED

_IMAP = (
    b"* OK [CAPABILITY IMAP4rev1 UIDPLUS] ready\r\n",
    b"* CAPABILITY IMAP4rev1 CONDSTORE QRESYNC LITERAL+\r\n",
    b'* LIST (\\HasNoChildren \\Drafts) "/" "Entw&APw-rfe"\r\n',
    b'* LIST () NIL {5}\r\nINBOX ("CHILDINFO" ("SUBSCRIBED"))\r\n',
    b"* STATUS {5}\r\nINBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 9 HIGHESTMODSEQ 77)\r\n",
    b"* 1 FETCH (UID 7 FLAGS (\\Seen $X) RFC822.SIZE 5 MODSEQ (9)"
    b' INTERNALDATE " 1-Mar-2024 10:00:00 +0100" BODY[] {5}\r\nabc\r\n)\r\n',
    b'* 2 FETCH (BODY[HEADER.FIELDS (DATE)]<0> "x\\"y" BODY[1] NIL UID 8)\r\n',
    b'* SEARCH 1 2 3 (MODSEQ 9)\r\n* ESEARCH (TAG "a") UID COUNT 3 ALL 1:3,9\r\n',
    b"* VANISHED (EARLIER) 1:3,9\r\n* 3 EXISTS\r\n* 1 EXPUNGE\r\n",
    b'* NAMESPACE (("" "/")) NIL (("#shared/" "/" "X" ("a")))\r\n',
    b"a1 OK [COPYUID 9 1:3 4:6] done\r\na2 OK [APPENDUID 9 7] done\r\n",
    b"a3 NO [UNAVAILABLE] later\r\n* BYE [THROTTLED] too many {3}\r\n+ go on\r\n",
)
_MIME = (
    NESTED,
    b"Subject: =?iso-8859-1?q?Gr=FC=DFe?= =?utf-8?b?8J+YgA==?=\r\nFrom: A <a@e.com>\r\n\r\nhi\r\n",
    b"Content-Type: text/plain; charset*0=ut; charset*1=f-8; name*=utf-8''%e2%82%ac\r\n\r\n\xc3\xbc",
    b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a\r\n#:&D*\r\n`\r\nend\r\n",
    b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny",
    b'To: a: b@c (d (e)), "f\\" g" <@r:h@[1.2.3.4]>;, =?x?y?z?=\r\nDate: 1 Jan 70 0:0 EST\r\n\r\n',
    b'Content-Type: multipart/digest; boundary=""\r\n\r\n--\r\n\r\n----\r\n',
    b"Content-Type: text/html; charset=iso-2022-jp\r\n\r\n\x1b$B$\x22\x1b(B",
)
_IMAP_WORDS = (
    b"FETCH BODY[] UID FLAGS MODSEQ RFC822.SIZE INTERNALDATE LIST LSUB NIL STATUS SEARCH "
    b"ESEARCH VANISHED NAMESPACE (EARLIER) {5} {0} {3+} ~{2} [COPYUID [APPENDUID &AOQ- \\Seen"
)
_MIME_WORDS = (
    b"Content-Type: |multipart/mixed|boundary=|message/rfc822|text/calendar|charset=|utf-7|name*=|"
    b"=?utf-8?b?|=?utf-8?q?|?=|Content-Transfer-Encoding: |base64|quoted-printable|x-uuencode|"
    b"begin 644 a|Content-Disposition: attachment; filename=|Content-ID: <|--|utf-16|hz|X-Priority: "
)


def seeds(target: str) -> Iterator[bytes]:
    """Inputs that come far, none of them remarkable."""
    if target == "imap":
        for at, stream in enumerate(_IMAP):
            yield bytes([at * 7 % 256]) + stream
        yield b"\x02" + b"".join(_IMAP)
    elif target == "mime":
        yield from _MIME
    else:
        yield from _calls()


def _calls() -> Iterator[bytes]:
    """Each operation with each of its members once, and each with texts that are not of its type."""
    for chosen, (service, name) in enumerate(OPERATIONS):
        members = list(leaves(TABLES[service][name]))
        for form in (0, 4):
            yield bytes([form, chosen])
            for leaf in members[:12]:
                for text in ("1", *wrong_texts(leaf.kind)[:1]):
                    yield bytes([form, chosen]) + leaf.xml(text).encode()
    yield b"\x80\x00<Envelope/>"


def words(target: str) -> list[bytes]:
    """Words that mean something to the target."""
    if target == "imap":
        return _IMAP_WORDS.split()
    if target == "mime":
        return [word for word in _MIME_WORDS.split(b"|") if word]
    found = {b"<![CDATA[", b"&#0;", b"&#xd800;", b' i:nil="true"', b"<!--", b"<?x", b' xmlns=""'}
    for table in TABLES.values():
        for operation in table:
            for leaf in leaves(operation):
                found |= {f"<{step}>".encode() for _, step in leaf.steps}
                found |= {f"</{step}>".encode() for _, step in leaf.steps}
    return sorted(found)


FOUND = Path(__file__).parent / "found"


def found(target: str) -> list[Path]:
    """What fuzzers have found of a target, to be run again for ever."""
    return sorted(path for path in (FOUND / target).glob("*") if path.is_file())
