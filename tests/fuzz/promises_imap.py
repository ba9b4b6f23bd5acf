"""What the IMAP response parser promises of whatever a server sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services84.imap import names, responses, uidsets
from services84.imap.framing import Framer, LimitReached, Limits, Response
from services84.imap.refusals import shown

LIMITS = Limits(line=2000, literal=4000, command=8000)
HIGHEST = 2**63 - 1


def promises(data: bytes) -> None:
    """Raises AssertionError, or whatever the parser should not, when a promise is broken.

    The first byte says in how large pieces the rest arrives.
    """
    size, stream = (data[0] if data else 0) + 1, data[1:]
    whole, pieces = framed(stream, len(stream) or 1), framed(stream, size)
    assert whole == pieces, "the answer depends on how the bytes arrive"
    for response in whole[0]:
        _parse(response)


def framed(stream: bytes, size: int) -> tuple[list[Response], str]:
    """The responses of a stream that arrives in pieces of `size`, and what ended it."""
    framer, found = Framer(LIMITS), list[Response]()
    try:
        for at in range(0, len(stream), size):
            found += framer.feed(stream[at : at + size])
    except LimitReached as error:
        return found, str(error)
    for response in found:
        assert len(response.text) <= LIMITS.line
        assert sum(map(len, response.literals)) <= LIMITS.literal
    return found, ""


_EACH: tuple[Callable[[Response], Any], ...] = (
    responses.untagged,
    responses.listed,
    responses.namespaces,
    responses.fetched,
    responses.status,
    responses.search,
    responses.found_uids,
    responses.vanished,
    responses.count,
)


def _parse(response: Response) -> None:
    for parse in _EACH:
        _check(parse(response))
    status = responses.status_text(response.text)
    assert "\n" not in status.text
    assert "\n" not in shown(response.text)
    responses.capabilities(response.text)
    uidsets.appended_uid(status.argument)
    uidsets.copied_uids(status.argument)
    listed = responses.listed(response)
    if listed is not None:
        readable = names.decode_name(listed.name)
        assert isinstance(readable, str)
        assert len(listed.delimiter) <= 1
        # What goes back to the server is what it said, in one spelling.
        spelled = names.from_utf8(listed.name)
        names.to_utf8(spelled)
        if names.is_possible(listed.name):
            for piece in names.astring(listed.name):
                assert isinstance(piece, bytes)


def _check(found: Any) -> None:
    match found:
        case responses.Fetched():
            for number in (found.uid, found.size, found.mod_seq):
                assert number is None or 0 <= number <= HIGHEST
            assert found.internal_date is None or isinstance(found.internal_date, datetime)
            if found.internal_date is not None:
                found.internal_date.utctimetuple()
            for name, section in found.sections.items():
                assert name.startswith("BODY[")
                assert section is None or isinstance(section, bytes)
        case list():
            for one in found:
                if isinstance(one, tuple) and all(isinstance(number, int) for number in one):
                    assert one[0] <= one[1]
