"""The XML entry point refuses what is dangerous before it is built, and takes all the rest."""

from __future__ import annotations

import base64
import contextlib
import time
import tracemalloc

import pytest

from services84.errors import LimitExceeded, MalformedMessage
from services84.wire.xmlreader import (
    MAX_NAMESPACES,
    MAX_TAG_ATTRIBUTES,
    MAX_TAG_BYTES,
    XmlLimits,
    read_xml,
)

LIMITS = XmlLimits(depth=8, elements=100)


@pytest.mark.parametrize(
    "text",
    [
        b"<!DOCTYPE a><a/>",
        b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>',
        b'<?pi?><!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><a/>',
        b"<a><!DOCTYPE a></a>",
        "<!DOCTYPE a><a/>".encode("utf-16"),
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16-le"),
    ],
)
def test_a_document_type_declaration_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedMessage, match="document type declaration"):
        read_xml(text, LIMITS)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"   ",
        b"hello",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a",
        b'<a b="<"/>',
        b"<a b='1' b='2'/>",
        b"<a>&nbsp;</a>",
        b"<a>\x00</a>",
        b"<a>&#0;</a>",
        b"<a>\xff</a>",
        b"<x:a/>",
        b"<a><!-- </a>",
        b"<a><![CDATA[ </a>",
        b"<!-- ",
        b"<![CDATA[x]]><a/>",
        b"</a>",
        b"<a/></a>",
        b"x<a/>",
    ],
)
def test_what_is_no_well_formed_xml_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_xml(text, LIMITS)


def nested(depth: int) -> bytes:
    return b"<a>" * (depth - 1) + b"<a/>" + b"</a>" * (depth - 1)


def test_depth_is_limited() -> None:
    read_xml(nested(8), LIMITS)
    with pytest.raises(LimitExceeded, match=r"8 levels.*SERVICES84_MAX_XML_DEPTH") as caught:
        read_xml(nested(9), LIMITS)
    assert caught.value.parameters == {"Limit": "8", "Setting": "SERVICES84_MAX_XML_DEPTH"}


def test_depth_counts_elements_with_content_too() -> None:
    with pytest.raises(LimitExceeded):
        read_xml(b"<a>" * 9 + b"x" + b"</a>" * 9, LIMITS)


def test_the_number_of_elements_is_limited() -> None:
    assert len(read_xml(b"<a>" + b"<b/>" * 99 + b"</a>", LIMITS)) == 99
    with pytest.raises(LimitExceeded, match=r"100 elements.*SERVICES84_MAX_XML_ELEMENTS"):
        read_xml(b"<a>" + b"<b/>" * 100 + b"</a>", LIMITS)


def test_ten_million_elements_never_become_a_tree() -> None:
    bomb = b"<a>" + b"<b/>" * 10_000_000
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded):
            read_xml(bomb, XmlLimits(depth=64, elements=20_000))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def attributes(count: int) -> bytes:
    return b" ".join(b'a%d=""' % number for number in range(count))


def test_the_attributes_of_a_tag_are_limited() -> None:
    read_xml(b"<a " + attributes(MAX_TAG_ATTRIBUTES) + b"/>", LIMITS)
    with pytest.raises(LimitExceeded, match="256 attributes in a tag"):
        read_xml(b"<a " + attributes(MAX_TAG_ATTRIBUTES + 1) + b"/>", LIMITS)


def test_namespace_declarations_count_as_attributes() -> None:
    many = b" ".join(b'xmlns:a%d="u"' % number for number in range(MAX_TAG_ATTRIBUTES + 1))
    with pytest.raises(LimitExceeded):
        read_xml(b"<a " + many + b"/>", LIMITS)


def test_the_attributes_of_a_document_are_limited() -> None:
    with pytest.raises(LimitExceeded, match=r"400 attributes.*SERVICES84_MAX_XML_ELEMENTS"):
        read_xml(b"<a>" + (b"<b " + attributes(101) + b"/>") * 4 + b"</a>", LIMITS)


@pytest.mark.parametrize("aside", [b"<!---->", b"<?p?>", b"<![CDATA[]]>"])
def test_what_is_no_element_is_limited_by_the_number_of_elements_too(aside: bytes) -> None:
    read_xml(b"<a>" + aside * 100 + b"</a>", LIMITS)
    with pytest.raises(LimitExceeded, match=r"100 comments, .*SERVICES84_MAX_XML_ELEMENTS"):
        read_xml(b"<a>" + aside * 101 + b"</a>", LIMITS)


@pytest.mark.parametrize("aside", [b"<!---->", b"<?p?>"])
def test_what_stands_before_and_after_the_root_counts_too(aside: bytes) -> None:
    read_xml(aside * 50 + b"<a/>" + aside * 50, LIMITS)
    with pytest.raises(LimitExceeded):
        read_xml(aside * 50 + b"<a/>" + aside * 51, LIMITS)


def declarations(count: int, start: int = 0) -> bytes:
    return b" ".join(b'xmlns:p%d="u"' % number for number in range(start, start + count))


def test_the_namespace_declarations_in_force_are_limited() -> None:
    outer = declarations(MAX_NAMESPACES - 3)
    text = b"<a " + outer + b"><b>%s</b><b %s><c/></b><b " + declarations(3, 200) + b"/></a>"
    read_xml(text % (b"", declarations(3, 300)), LIMITS)
    message = "128 namespace declarations in force at an element"
    with pytest.raises(LimitExceeded, match=message):
        read_xml(text % (b"", declarations(4, 300)), LIMITS)
    with pytest.raises(LimitExceeded, match=message):
        read_xml(text % (b"<c " + declarations(4, 300) + b"/>", b""), LIMITS)


def test_namespaces_may_be_declared_anew_at_every_element() -> None:
    """As toolkits do that write one element after the other."""
    root = read_xml(b"<a>" + (b"<b " + declarations(4) + b"><c/></b>") * 49 + b"</a>", LIMITS)
    assert len(root) == 49


BIG = 24 * 1024 * 1024


@pytest.mark.parametrize(
    ("before", "unit", "after"),
    [
        (b"<a>", b"</>", b""),
        (b"<a>", b"<!---->", b"</a>"),
        (b"<a>", b"<?p?>", b"</a>"),
        (b"<a>", b"<![CDATA[]]>", b"</a>"),
        (b"<a>", b"&lt;", b"</a>"),
        (b"", b" ", b"<a/>"),
        (b"", b"\n", b"<a/>"),
        (b"<a/>", b" ", b""),
        (b"<?xml ", b"encoding ", b"?><a/>"),
    ],
    ids=lambda text: text.decode(),
)
def test_whatever_is_repeated_is_read_or_refused_in_short(
    before: bytes, unit: bytes, after: bytes
) -> None:
    text = before + unit * (BIG // len(unit)) + after
    started = time.process_time()
    with contextlib.suppress(LimitExceeded, MalformedMessage):
        read_xml(text, XmlLimits(depth=64, elements=200_000))
    assert time.process_time() - started < 2


def test_the_length_of_a_tag_is_limited() -> None:
    frame = len(b'<a b=""/>')
    read_xml(b'<a b="' + b"x" * (MAX_TAG_BYTES - frame) + b'"/>', LIMITS)
    with pytest.raises(LimitExceeded, match="65536 bytes in a tag"):
        read_xml(b'<a b="' + b"x" * (MAX_TAG_BYTES - frame + 1) + b'"/>', LIMITS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'<?xml version="1.0"?><!-- <!DOCTYPE --><a>x</a>', "x"),
        (b"<a><![CDATA[<b> <!DOCTYPE &amp; ]]></a>", "<b> <!DOCTYPE &amp; "),
        (b'<a>1<!-- <b> " -->2<?pi <c ?>3</a>', "123"),
        (b"<a b='>' c=\"'>\">x</a >", "x"),
        (b"<a>&lt;&amp;&#228;</a>", "<&ä"),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><a>\xc3\xa4</a>", "ä"),
        ("<a>ä€</a>".encode("utf-16"), "ä€"),
        ("\ufeff<a>ä€</a>".encode("utf-16-be"), "ä€"),
        ("\ufeff<a>ä€</a>".encode("utf-32-le"), "ä€"),
        ('<?xml version="1.0" encoding="UTF-16"?><a>ä</a>'.encode("utf-16-le"), "ä"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>ä</a>'.encode("latin-1"), "ä"),
        ('<?xml version="1.0" encoding="windows-1252"?><a>€</a>'.encode("cp1252"), "€"),
    ],
)
def test_every_form_of_well_formed_xml_is_read(text: bytes, expected: str) -> None:
    assert read_xml(text, LIMITS).text == expected


def test_the_charset_of_the_content_type_overrules_the_declaration() -> None:
    text = '<?xml version="1.0" encoding="utf-8"?><a>ä</a>'.encode("latin-1")
    assert read_xml(text, LIMITS, charset="ISO-8859-1").text == "ä"


def test_a_byte_order_mark_overrules_the_charset() -> None:
    assert read_xml("<a>ä</a>".encode("utf-8-sig"), LIMITS, charset="iso-8859-1").text == "ä"


@pytest.mark.parametrize("charset", ["zip", "punycode", "utf-7", "unicode_escape", "nonsense"])
def test_an_encoding_that_no_client_uses_is_refused(charset: str) -> None:
    with pytest.raises(MalformedMessage, match="not supported"):
        read_xml(b"<a/>", LIMITS, charset=charset)


def test_a_text_of_forty_megabytes_is_read() -> None:
    text = base64.b64encode(bytes(40 * 1024 * 1024))
    root = read_xml(b"<a><Stream>" + text + b"</Stream></a>", LIMITS)
    assert len(root[0].text) == len(text)
