"""From a draft to the bytes that are sent or stored. Pure, apart from a made-up Message-ID.

The structure that mail programs expect: mixed (related (alternative (text, HTML), pictures),
files), as little of it as the draft needs. Everything is 7-bit unless asked for otherwise, or
unless an address is not ASCII, which only UTF-8 fields can hold (RFC 6532).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

from services84.errors import InvalidValue
from services84.mime.addresses import Address, address_list, checked_address
from services84.mime.bodies import Leaf, Multipart, fits_as_message, text_leaf, with_crlf
from services84.mime.draft import (
    NORMAL,
    UNKNOWN_TYPE,
    Draft,
    DraftAttachment,
    check,
    identified,
)
from services84.mime.fields import (
    address_field,
    folded,
    old_parameter,
    parameter,
    unstructured,
    with_parameters,
)

_PRIORITIES = {1: "1 (Highest)", 2: "2 (High)", 4: "4 (Low)", 5: "5 (Lowest)"}
_IMPORTANCE = {1: "high", 2: "high", 4: "low", 5: "low"}
_ADDRESS_HEADERS = frozenset(
    {"reply-to", "sender", "errors-to", "return-receipt-to", "disposition-notification-to"}
)
_METHOD = re.compile(r"^METHOD:([A-Z-]{1,40})\s*$", re.MULTILINE | re.IGNORECASE)


def compose(
    draft: Draft,
    *,
    date: datetime,
    with_bcc: bool = False,
    eight_bit: bool = False,
    member: str = "",
) -> bytes:
    """The message, its lines ended by CRLF and at most 998 bytes long.

    `date` needs a time zone. `with_bcc` is for the copies that only the sender sees, such as a
    stored draft. `eight_bit` leaves texts in UTF-8, for servers with 8BITMIME. Raises
    InvalidValue, with `member` before the name of the draft's member ("Email/").
    """
    if date.tzinfo is None:
        raise ValueError("a date needs a time zone")
    draft = identified(check(draft, member=member))
    content = _content(draft, eight_bit)
    content.fields = [*_fields(draft, date, with_bcc, member), *content.fields]
    out = io.BytesIO()
    content.write(out)
    if bytes(out.getbuffer()[-2:]) != b"\r\n":
        out.write(b"\r\n")
    return out.getvalue()


# Fields -----------------------------------------------------------------------------------------


def _fields(draft: Draft, date: datetime, with_bcc: bool, member: str) -> list[bytes]:
    fields = [
        folded("Date", format_datetime(date).split()),
        address_field("From", [draft.sender]),
    ]
    several = {"Reply-To": draft.reply_to, "To": draft.to, "Cc": draft.cc}
    if with_bcc:
        several["Bcc"] = draft.bcc
    fields += [address_field(name, each) for name, each in several.items() if each]
    fields += [unstructured("Subject", draft.subject), folded("Message-ID", [draft.message_id])]
    ids = {"In-Reply-To": draft.in_reply_to, "References": draft.references}
    fields += [folded(name, each.split()) for name, each in ids.items() if each]
    if draft.priority not in (0, NORMAL):
        fields.append(f"X-Priority: {_PRIORITIES[draft.priority]}\r\n".encode())
        fields.append(f"Importance: {_IMPORTANCE[draft.priority]}\r\n".encode())
    fields += _custom_fields(draft, fields, f"{member}CustomHeaderList")
    return [*fields, b"MIME-Version: 1.0\r\n"]


def _custom_fields(draft: Draft, fields: list[bytes], member: str) -> Iterable[bytes]:
    taken = {field.partition(b":")[0].lower().decode() for field in fields}
    for number, (name, value) in enumerate(draft.custom_headers, start=1):
        path = f"{member}/EMailCustomHeader[{number}]"
        if name.lower() in taken:
            raise InvalidValue(f"{path}/Name", name, "is set by another member already")
        if name.lower() in _ADDRESS_HEADERS:
            yield address_field(name, _mailboxes(value, f"{path}/Values"))
        else:
            yield unstructured(name, value)


def _mailboxes(text: str, member: str) -> list[Address]:
    found = address_list(text)
    return [
        Address(each.name, checked_address(each.address or each.name, member)) for each in found
    ]


# Contents ---------------------------------------------------------------------------------------


def _content(draft: Draft, eight_bit: bool) -> Leaf | Multipart:
    seed = draft.message_id
    inline = [each for each in draft.attachments if _is_inline(each) and draft.html]
    others = [each for each in draft.attachments if not (_is_inline(each) and draft.html)]
    parts: list[Leaf | Multipart] = []
    if draft.plain or not (draft.html or draft.calendar):
        parts.append(text_leaf("plain", draft.plain, eight_bit=eight_bit))
    if draft.html:
        html: Leaf | Multipart = text_leaf("html", draft.html, eight_bit=eight_bit)
        if inline:
            pictures = [_attached(each, eight_bit) for each in inline]
            html = Multipart("related", [html, *pictures], ['type="text/html"'], seed=seed)
        parts.append(html)
    if draft.calendar:
        parts.append(_calendar(draft.calendar, eight_bit))
    text = parts[0] if len(parts) == 1 else Multipart("alternative", parts, seed=seed)
    if not others:
        return text
    return Multipart("mixed", [text, *(_attached(each, eight_bit) for each in others)], seed=seed)


def _is_inline(attachment: DraftAttachment) -> bool:
    return attachment.inline and bool(attachment.content_id)


def _calendar(text: str, eight_bit: bool) -> Leaf:
    method = _METHOD.search(text)
    parameters = [f"method={method[1].upper()}"] if method else []
    return text_leaf("calendar", text, eight_bit=eight_bit, parameters=parameters)


def _attached(attachment: DraftAttachment, eight_bit: bool) -> Leaf:
    kind, data, encoding = attachment.content_type, attachment.data, "base64"
    if kind.startswith("message/"):
        if fits_as_message(data, eight_bit=eight_bit):
            data = with_crlf(data)
            encoding = "7bit" if data.isascii() else "8bit"
        else:
            kind = UNKNOWN_TYPE  # as a file; nobody expects an encoded message
    fields = [
        with_parameters("Content-Type", kind, _names("name", attachment.name)),
        f"Content-Transfer-Encoding: {encoding}\r\n".encode(),
        with_parameters(
            "Content-Disposition",
            "inline" if _shown_inline(attachment) else "attachment",
            parameter("filename", attachment.name) if attachment.name else (),
        ),
    ]
    if attachment.content_id:
        fields.append(folded("Content-ID", [f"<{attachment.content_id}>"]))
    if attachment.description:
        fields.append(unstructured("Content-Description", attachment.description))
    return Leaf(fields, data, base64=encoding == "base64")


def _shown_inline(attachment: DraftAttachment) -> bool:
    # A text without a name would be taken for one of the message's own.
    nameless = attachment.content_type.startswith("text/") and not attachment.name
    return attachment.inline and not nameless


def _names(name: str, value: str) -> list[str]:
    return [old_parameter(name, value)] if value else []
