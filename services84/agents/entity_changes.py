"""What a caller has changed in a message that it was given before. Pure.

A member that is nil is unchanged. What XML does to texts on their way to a caller and back
(ends of lines, characters that it cannot carry) is no change. What only the mail server knows of
a message, such as its size and when it came, is not looked at; nor is what it is filed under.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from services84.agents.entity_drafts import sent_at
from services84.carriers.address import EMailAddress
from services84.carriers.message import EMailAttachment, EMailCustomHeader, EMailEntity

_UNCARRIED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTACHMENT_TEXTS = ("Id", "Filename", "Description", "Type", "Disposition")


def completed(given: EMailEntity, stored: EMailEntity) -> EMailEntity:
    """`given`, with the content of the stored message where it is nil."""
    for name in CONTENT:
        if getattr(given, name) is None:
            setattr(given, name, getattr(stored, name))
    return given


def changed_content(given: EMailEntity, stored: EMailEntity) -> list[str]:
    """The members by which two messages differ in what makes up their bytes.

    Where attachments are given with their bytes, the stored message has to have those too.
    """
    return [
        name
        for name, form in CONTENT.items()
        if getattr(given, name) is not None and form(given) != form(stored)
    ]


# The forms that are compared --------------------------------------------------------------------


def _text(name: str) -> Callable[[EMailEntity], object]:
    return lambda entity: _plain(getattr(entity, name))


def _people(name: str) -> Callable[[EMailEntity], object]:
    return lambda entity: [_person(each) for each in getattr(entity, name) or ()]


def _plain(text: str | None) -> str:
    one_way = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    return _UNCARRIED.sub("\ufffd", one_way).strip()


def _person(carrier: EMailAddress | None) -> tuple[str, str]:
    """Name and address; a name that repeats the address is none."""
    if carrier is None:
        return "", ""
    name, address = _plain(carrier.Name), _plain(carrier.Address)
    return ("" if name == address else name), address


def _attached(entity: EMailEntity) -> object:
    return [_Attached(each) for each in entity.Attachments or ()]


class _Attached:
    """An attachment that is the same as another without bytes, if all else is."""

    def __init__(self, carrier: EMailAttachment | None) -> None:
        self._texts = {name: getattr(carrier, name, None) for name in _ATTACHMENT_TEXTS}
        stream: Any = carrier.Stream if carrier is not None else None
        self._data = None if stream is None else _joined(stream)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Attached):
            return NotImplemented
        pairs = [(self._texts[name], other._texts[name]) for name in _ATTACHMENT_TEXTS]
        alike = all(_plain(one) == _plain(two) for one, two in pairs if one and two)
        return alike and (None in (self._data, other._data) or self._data == other._data)

    __hash__ = None  # type: ignore[assignment]


def _joined(stream: bytes | Iterable[bytes]) -> bytes:
    return stream if isinstance(stream, bytes) else b"".join(stream)


def _headers(entity: EMailEntity) -> object:
    fields: list[EMailCustomHeader | None] = list(entity.CustomHeaderList or ())
    found: dict[str, list[str]] = {}
    for each in fields:
        if each is not None:
            values = [" ".join(_plain(value).split()) for value in each.Values or ()]
            found.setdefault((each.Name or "").strip().lower(), []).extend(values)
    return found


def _answered(entity: EMailEntity) -> object:
    return _plain(entity.InReplyTo.MessageId).strip("<>") if entity.InReplyTo is not None else ""


def _sent(entity: EMailEntity) -> object:
    moment = sent_at(entity)
    return moment and moment.replace(microsecond=0)


CONTENT: Mapping[str, Callable[[EMailEntity], object]] = {
    "To": _people("To"),
    "Cc": _people("Cc"),
    "Bcc": _people("Bcc"),
    "Subject": _text("Subject"),
    "HTMLBody": _text("HTMLBody"),
    "From": lambda entity: _person(cast("Any", entity.From)),
    "Sent": _sent,
    "Priority": _text("Priority"),
    "MessageID": lambda entity: _plain(entity.MessageID).strip("<>"),
    "PlainBody": _text("PlainBody"),
    "Attachments": _attached,
    "CustomHeaderList": _headers,
    "InReplyTo": _answered,
}
