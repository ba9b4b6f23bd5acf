"""Bodies that are small to send and dear to whoever believes them: of XML, of JSON, of forms.

Each is the body's media type, other headers, and the bytes. `LISTENER` stands for the port of a server
that must never hear of it.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field

from services84.namespaces import SERVICES84, SOAP11_ENVELOPE

LISTENER = b"{LISTENER}"
HEAD = f'<s:Envelope xmlns:s="{SOAP11_ENVELOPE}" xmlns="{SERVICES84}"><s:Body>'.encode()
TAIL = b"</s:Body></s:Envelope>"
PATCH = "application/json-patch+json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Bomb:
    """One body; `status` is what the web API answers."""

    body: bytes = field(repr=False)
    media_type: str = "text/xml; charset=utf-8"
    encoding: str | None = None  # of the content: gzip
    status: int = 400


def _soap(inside: bytes, before: bytes = b"") -> bytes:
    return (
        before
        + HEAD
        + b"<GetEMailAccount><EMailAccountId>"
        + inside
        + (b"</EMailAccountId></GetEMailAccount>" + TAIL)
    )


def _doctype(declarations: str, root: str = "s:Envelope") -> bytes:
    return f"<!DOCTYPE {root} [{declarations}]>".encode()


def _laughs(levels: int) -> str:
    first = '<!ENTITY l0 "ha">'
    return first + "".join(
        f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, levels + 1)
    )


_QUADRATIC = f'<!ENTITY q "{"q" * 100_000}">'
_EXTERNAL = '<!ENTITY x SYSTEM "%s">'
_PARAMETER = '<!ENTITY %% p SYSTEM "%s"> %%p;'
_FETCH = f"http://127.0.0.1:{LISTENER.decode()}/taken"

ENTITIES = {
    "a billion laughs": Bomb(_soap(b"&l9;", _doctype(_laughs(9)))),
    "one entity a thousand times": Bomb(_soap(b"&q;" * 1000, _doctype(_QUADRATIC))),
    "a file": Bomb(_soap(b"&x;", _doctype(_EXTERNAL % "file:///etc/passwd"))),
    "an address": Bomb(_soap(b"&x;", _doctype(_EXTERNAL % _FETCH))),
    "a parameter entity": Bomb(_soap(b"1", _doctype(_PARAMETER % _FETCH))),
    "an external subset": Bomb(
        _soap(b"1", f'<!DOCTYPE s:Envelope SYSTEM "{_FETCH}">'.encode()),
    ),
    "a public subset": Bomb(
        _soap(b"1", f'<!DOCTYPE s:Envelope PUBLIC "-//x//y" "{_FETCH}">'.encode()),
    ),
    "attributes by default": Bomb(
        _soap(b"1", _doctype('<!ATTLIST EMailAccountId a CDATA "x">')),
    ),
    "a declaration after a comment": Bomb(_soap(b"&l9;", b"<!-- --> <?x?>" + _doctype(_laughs(9)))),
    "in UTF-16": Bomb(
        ("\ufeff" + _soap(b"&l9;", _doctype(_laughs(9))).decode()).encode("utf-16-le"), "text/xml"
    ),
    "in UTF-16 without a mark": Bomb(
        _soap(b"&l9;", _doctype(_laughs(9))).decode().encode("utf-16-be"), "text/xml"
    ),
    "in UTF-7": Bomb(
        b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE s:Envelope [' + b"]+AD4-",
        "text/xml",
    ),
    "in EBCDIC": Bomb(
        _soap(b"&l9;", b'<?xml version="1.0" encoding="cp037"?>' + _doctype(_laughs(9)))
        .decode()
        .encode("cp037"),
        "text/xml",
    ),
    "of an undeclared entity": Bomb(_soap(b"&l9;")),
}

MARKUP = {
    "a hundred thousand levels": Bomb(_soap(b"<a>" * 100_000 + b"</a>" * 100_000), status=413),
    "a million elements": Bomb(_soap(b"<a/>" * 1_000_000), status=413),
    "a hundred thousand attributes": Bomb(
        _soap(b"<a " + b" ".join(b'a%d="x"' % at for at in range(100_000)) + b"/>"), status=413
    ),
    "a hundred thousand namespaces": Bomb(
        _soap(b"<a " + b" ".join(b'xmlns:n%d="u"' % at for at in range(100_000)) + b"/>"),
        status=413,
    ),
    "an attribute of 10 MB": Bomb(_soap(b'<a b="' + b"x" * 10_000_000 + b'"/>'), status=413),
    "a name of 10 MB": Bomb(_soap(b"<" + b"n" * 10_000_000 + b"/>"), status=413),
    "a million comments": Bomb(_soap(b"<!-- -->" * 1_000_000), status=413),
    "a million instructions": Bomb(_soap(b"<?x y?>" * 1_000_000), status=413),
    "an XInclude": Bomb(
        _soap(
            b'<i:include xmlns:i="http://www.w3.org/2001/XInclude" parse="text" '
            b'href="file:///etc/passwd"/>'
        ),
    ),
    "a stylesheet": Bomb(
        _soap(b"<x/>", b'<?xml-stylesheet type="text/xsl" href="%s"?>' % _FETCH.encode()),
    ),
    "ten thousand CDATA that never end": Bomb(_soap(b"<![CDATA[" * 10_000)),
}

COMPRESSED = {
    "ten megabytes in ten kilobytes": Bomb(
        gzip.compress(_soap(b" " * 10_000_000)), encoding="gzip", status=415
    ),
    "packed by a header that lies": Bomb(b"\x1f\x8b" + b"\0" * 100, encoding="x-gzip", status=415),
}


def _growing(times: int) -> bytes:
    """A patch that copies the whole document into itself, twice as large every time."""
    steps = [{"op": "copy", "from": "", "path": f"/{'ab'[at % 2]}"} for at in range(times)]
    return json.dumps(steps).encode()


def _deep_fields(count: int) -> bytes:
    """A form in which every field has a way of its own, sixty members long."""
    return b"&".join(b".".join([b"%d" % at] * 60) + b"=1" for at in range(count))


VALUES = {
    "a hundred thousand levels": Bomb(b"[" * 100_000, "application/json", status=413),
    "levels of objects": Bomb(b'{"a":' * 100_000, "application/json", status=413),
    "a million values": Bomb(b"[" + b"1," * 1_000_000 + b"1]", "application/json", status=413),
    "a million members": Bomb(
        b"{" + b",".join(b'"m%d":1' % at for at in range(1_000_000)) + b"}",
        "application/json",
        status=413,
    ),
    "a number of a million digits": Bomb(
        b'{"EMailAccountId": ' + b"9" * 1_000_000 + b"}", "application/json"
    ),
    "a number beyond all": Bomb(b'{"EMailAccountId": 1e999999999}', "application/json"),
    "a member twice": Bomb(b'{"EMailAccountId": 1, "EMailAccountId": 2}', "application/json"),
    "no number": Bomb(b'{"EMailAccountId": NaN}', "application/json"),
    "a string that never ends": Bomb(
        b'{"EMailAddress": "' + b"\\u0041" * 1_000_000, "application/json"
    ),
    "a million pairs of a form": Bomb(b"a=1&" * 1_000_000, FORM, status=413),
    "a form of one long name": Bomb(b"a%5B" * 1_000_000 + b"=1", FORM),
    "a form of deep names": Bomb(_deep_fields(20_000), FORM, status=413),
    "a form of one very deep name": Bomb(b"a" + b"[b]" * 1_000_000 + b"=1", FORM, status=413),
    "a patch that doubles": Bomb(_growing(60), PATCH, status=413),
    "a patch of a million steps": Bomb(
        b"[" + b'{"op":"test","path":"/a","value":1},' * 1_000_000 + b"{}]", PATCH, status=413
    ),
    "a patch of a long path": Bomb(
        json.dumps([{"op": "add", "path": "/a" * 1_000_000, "value": 1}]).encode(), PATCH
    ),
    "a name of 10 MB": Bomb(b'{"' + b"n" * 10_000_000 + b'": 1}', "application/json"),
}
