"""The one entry point of XML: bytes from a caller become a tree here, or are refused.

No document type declaration, hence no entities and nothing fetched; comments and processing
instructions are dropped. The limits on depth, elements, attributes and all other markup are
applied by a scan before the parser sees the first byte, so that no hostile document becomes a
tree. libxml2's own limits are off (they forbid a text over 10 MB, and attachments are longer than
that).

Pure: bytes in, tree out. Reading them from a socket is `body.py`'s.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from lxml import etree

from services84.errors import LimitExceeded, MalformedMessage
from services84.settings import PREFIX

MAX_TAG_BYTES = 64 * 1024  # of one start tag, with its attributes
MAX_TAG_ATTRIBUTES = 256  # of one start tag, namespace declarations included
# In force at an element, its ancestors' included: every xsi:type is looked up among them. The
# toolkits with the most declare every namespace they know at the Envelope, a few dozen.
MAX_NAMESPACES = 128
ATTRIBUTES_PER_ELEMENT = 4  # on average over a document: xsi:type, xsi:nil and some namespaces

# A start tag; possessive quantifiers, so that no input makes it try twice.
_START_TAG = re.compile(rb"""<[^\s<>/"'=!?]++(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")
_DECLARED_ENCODING = re.compile(
    rb"""\A<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']"""
)
_DECLARATION_BYTES = 1024  # no XML declaration is so long
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark starts with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# XML appendix F.1: without a mark, `<` and its neighbour tell the width of a character.
_UNMARKED = ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))
# Text encodings that clients use; Python knows others whose decoding is not linear.
_ENCODINGS = re.compile(
    r"utf-8|utf-16(-le|-be)?|utf-32(-le|-be)?|us-ascii|ascii|iso-?8859-\d{1,2}|latin-?1|"
    r"(windows-|cp)125\d|koi8-[ru]"
)


@dataclass(frozen=True)
class XmlLimits:
    """The limits that are settings; attributes follow from `elements`."""

    depth: int
    elements: int

    @property
    def attributes(self) -> int:
        return ATTRIBUTES_PER_ELEMENT * self.elements


def read_xml(body: bytes, limits: XmlLimits, *, charset: str | None = None) -> Any:
    """The root element of `body`, an lxml element.

    `charset` is that of the Content-Type; a byte order mark overrules it and it overrules the
    XML declaration (RFC 7303 section 3). Raises MalformedMessage for what is no XML or has a DTD,
    and LimitExceeded naming the limit.
    """
    body = _as_utf8(body, charset)  # by the same name: the original is not needed any more
    _Scan(body, limits).run()
    parser = etree.XMLParser(
        encoding="utf-8",  # overrules the declaration, which speaks of the original bytes
        huge_tree=True,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedMessage(f"the request is no well-formed XML: {_reason(error)}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        _refuse_dtd()
    return root


def _as_utf8(body: bytes, charset: str | None) -> bytes:
    if not body:
        raise MalformedMessage("the request is empty")
    encoding = charset
    for mark, name in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            body, encoding = body[len(mark) :], name
            break
    else:
        for start, name in _UNMARKED:
            if body.startswith(start):
                encoding = name
        if encoding is None:
            declared = _DECLARED_ENCODING.match(body, 0, _DECLARATION_BYTES)
            encoding = declared[1].decode("ascii") if declared else "utf-8"
    encoding = encoding.lower().replace("_", "-")
    if encoding in ("utf-8", "utf8"):
        return body
    if not _ENCODINGS.fullmatch(encoding):
        raise MalformedMessage(f"the request's encoding {encoding[:40]!r} is not supported")
    try:
        return body.decode(encoding).encode("utf-8")
    except (LookupError, UnicodeError) as error:
        raise MalformedMessage(f"the request is not encoded in {encoding}") from error


class _Scan:
    """Counts through all markup of a document; raises at the first that is beyond a limit.

    Every `<` is counted for something: a start tag as an element, an end tag against its start
    tag, all else as an aside.
    """

    def __init__(self, text: bytes, limits: XmlLimits) -> None:
        self._text = text
        self._limits = limits
        self._depth = self._elements = self._attributes = self._asides = self._namespaces = 0
        # Of open elements that declare namespaces: their depth, and how many they declare.
        self._declaring: list[tuple[int, int]] = []

    def run(self) -> None:
        """Raises LimitExceeded, or MalformedMessage for what cannot be XML or has a DTD."""
        position = 0
        while (position := self._text.find(b"<", position)) >= 0:
            kind = self._text[position + 1 : position + 2]
            if kind == b"/":
                position = self._end_tag(position)
            elif kind in (b"?", b"!"):
                position = self._aside(position)
            else:
                position = self._start_tag(position)

    def _start_tag(self, position: int) -> int:
        self._elements += 1
        if self._elements > self._limits.elements:
            _exceeded("elements", self._limits.elements, "max_xml_elements")
        if self._depth >= self._limits.depth:
            _exceeded("levels of nesting", self._limits.depth, "max_xml_depth")
        end = _end_of_start_tag(self._text, position)
        self._attributes += _count_attributes(self._text, position, end)
        if self._attributes > self._limits.attributes:
            _exceeded("attributes", self._limits.attributes, "max_xml_elements")
        # As with `=`, values that have the word too err on the safe side.
        declared = self._text.count(b"xmlns", position, end)
        if self._namespaces + declared > MAX_NAMESPACES:
            _exceeded("namespace declarations in force at an element", MAX_NAMESPACES)
        if self._text[end - 2 : end] != b"/>":
            if declared:
                self._declaring.append((self._depth, declared))
                self._namespaces += declared
            self._depth += 1
        return end

    def _end_tag(self, position: int) -> int:
        self._depth -= 1
        if self._depth < 0:
            raise MalformedMessage(
                "the request is no well-formed XML: a tag ends that was not begun"
            )
        if self._declaring and self._declaring[-1][0] == self._depth:
            self._namespaces -= self._declaring.pop()[1]
        return _end_of(self._text, b">", position)

    def _aside(self, position: int) -> int:
        self._asides += 1
        if self._asides > self._limits.elements:
            _exceeded(
                "comments, processing instructions and CDATA sections",
                self._limits.elements,
                "max_xml_elements",
            )
        if self._text.startswith(b"<?", position):
            return _end_of(self._text, b"?>", position + 2)
        return _skip_section(self._text, position)


def _skip_section(text: bytes, position: int) -> int:
    if text.startswith(b"<!--", position):
        return _end_of(text, b"-->", position + 4)
    if text.startswith(b"<![CDATA[", position):
        return _end_of(text, b"]]>", position + 9)
    return _refuse_dtd()


def _end_of_start_tag(text: bytes, position: int) -> int:
    tag = _START_TAG.match(text, position, position + MAX_TAG_BYTES)
    if tag is not None:
        return tag.end()
    if len(text) - position > MAX_TAG_BYTES:
        _exceeded("bytes in a tag", MAX_TAG_BYTES)
    raise MalformedMessage("the request is no well-formed XML: a tag does not end")


def _count_attributes(text: bytes, start: int, end: int) -> int:
    # Every attribute has its `=`; values may have more, which errs on the safe side.
    count = text.count(b"=", start, end)
    if count > MAX_TAG_ATTRIBUTES:
        _exceeded("attributes in a tag", MAX_TAG_ATTRIBUTES)
    return count


def _end_of(text: bytes, mark: bytes, position: int) -> int:
    found = text.find(mark, position)
    if found < 0:
        raise MalformedMessage("the request is no well-formed XML: it ends inside markup")
    return found + len(mark)


def _exceeded(what: str, limit: int, setting: str | None = None) -> NoReturn:
    parameters = {"Limit": str(limit)}
    message = f"the request has more than {limit} {what}"
    if setting is not None:
        parameters["Setting"] = f"{PREFIX}{setting.upper()}"
        message += f" (setting {parameters['Setting']})"
    raise LimitExceeded(message, parameters=parameters)


def _refuse_dtd() -> NoReturn:
    raise MalformedMessage("the request has a document type declaration, which SOAP forbids")


def _reason(error: Exception) -> str:
    return str(getattr(error, "msg", None) or error)
