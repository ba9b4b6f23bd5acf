"""From the carrier of a message to the draft that `mime.compose` makes bytes of. No I/O.

What a member may hold is checked here, before anything is sent or stored; errors name the member
as the carrier does. The way back is `entities`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from services84.agents.entities import CALENDAR_NAME, PRIORITIES, attachment_by_id
from services84.carriers.address import EMailAddress
from services84.carriers.message import EMailAttachment, EMailCustomHeader, EMailEntity
from services84.errors import InvalidValue
from services84.mime.addresses import Address, address_list, checked_address
from services84.mime.compose import compose
from services84.mime.draft import NORMAL, Draft, DraftAttachment, check
from services84.mime.fields import check_name, check_text

YEARS_SENT = (1900, 9999)  # RFC 5322 section 3.3: what is less is read as another century
YEARS_RECEIVED = (1970, 2105)  # beyond these, servers keep another date, and do not say so

_PART_NUMBER = re.compile(r"\d+(?:\.\d+)*")
# Fields about the way that a message has come, which says nothing of the copy that goes out now.
_TRACE = frozenset(
    {"received", "return-path", "delivered-to", "x-original-to", "dkim-signature"}
    | {"authentication-results", "received-spf", "domainkey-signature", "arc-seal"}
    | {"arc-message-signature", "arc-authentication-results"}
)


def draft_of(
    entity: EMailEntity | None,
    *,
    member: str = "Email",
    original: bytes | None = None,
    sender: Address | None = None,
) -> Draft:
    """The message that a carrier describes, checked.

    `member` is the carrier's name in errors. `original` are the bytes of the message that the
    carrier was read from: attachments that come without a Stream are taken from there.
    `sender` counts where From is empty. Raises InvalidValue.
    """
    if entity is None:
        raise InvalidValue(member, "nil", "is required")
    attachments = _attachments(entity.Attachments, f"{member}/Attachments", original)
    invitation = next((each for each in attachments if _is_invitation(each)), None)
    headers = _Headers(entity.CustomHeaderList, f"{member}/CustomHeaderList")
    answered = (entity.InReplyTo.MessageId or "") if entity.InReplyTo is not None else ""
    return check(
        Draft(
            sender=_mailbox(cast("Any", entity.From), f"{member}/From", sender),
            to=_mailboxes(entity.To, f"{member}/To"),
            cc=_mailboxes(entity.Cc, f"{member}/Cc"),
            bcc=_mailboxes(entity.Bcc, f"{member}/Bcc"),
            reply_to=headers.take_mailboxes("reply-to"),
            subject=entity.Subject or "",
            plain=entity.PlainBody or "",
            html=entity.HTMLBody or "",
            calendar=invitation.data.decode("utf-8", "replace") if invitation else "",
            priority=PRIORITIES.index(entity.Priority) if entity.Priority else NORMAL,
            message_id=entity.MessageID or "",
            in_reply_to=answered,
            references=headers.take("references") or answered,
            custom_headers=headers.rest(),
            attachments=tuple(each for each in attachments if each is not invitation),
        ),
        member=f"{member}/",
    )


def source_of(
    entity: EMailEntity | None,
    *,
    now: datetime,
    member: str = "Email",
    original: bytes | None = None,
    sender: Address | None = None,
    with_bcc: bool = True,
) -> bytes:
    """The bytes of the message that a carrier describes, dated as it says or else `now`.

    Raises InvalidValue as `draft_of` does.
    """
    draft = draft_of(entity, member=member, original=original, sender=sender)
    assert entity is not None
    return compose(draft, date=sent_at(entity) or now, with_bcc=with_bcc, member=f"{member}/")


def sent_at(entity: EMailEntity) -> datetime | None:
    """When a carrier says that its message was sent; UTC where it names no zone. The year 1, the
    least that .NET knows and sends where there is no date, is none."""
    moment: datetime | None = entity.Sent
    if moment is None or moment.year == 1:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def date_told(given: datetime | None, member: str, years: tuple[int, int]) -> datetime | None:
    """A date that a carrier gives, as `sent_at`; raises InvalidValue for one of no such year."""
    moment = sent_at(EMailEntity(Sent=given))
    first, last = years
    if moment is not None and not first <= moment.year <= last:
        raise InvalidValue(member, moment.isoformat(), f"is not of the years {first} to {last}")
    return moment


# Addresses --------------------------------------------------------------------------------------


def _mailboxes(carriers: Sequence[EMailAddress | None] | None, member: str) -> tuple[Address, ...]:
    return tuple(
        _mailbox(each, f"{member}/EMailAddress[{number}]")
        for number, each in enumerate(carriers or (), start=1)
    )


def _mailbox(carrier: EMailAddress | None, member: str, default: Address | None = None) -> Address:
    """The mailbox of a carrier; its Address may be as in a header field, with the name in it."""
    address = ((carrier.Address or "") if carrier is not None else "").strip()
    if carrier is None or not address:
        if default is not None:
            return default
        raise InvalidValue(f"{member}/Address", "", "is empty; a mail address is required")
    name = (carrier.Name or carrier.PersonName or "").strip()
    check_text(address, f"{member}/Address")
    if "<" in address:
        found = address_list(address)
        if len(found) == 1 and found[0].address:
            name, address = name or found[0].name, found[0].address
    # Checked here, where the carrier's own path is known.
    check_text(name, f"{member}/Name")
    return Address("" if name == address else name, checked_address(address, f"{member}/Address"))


# Header fields ----------------------------------------------------------------------------------


class _Headers:
    """The custom header fields of a carrier, those with a member of the draft taken out."""

    def __init__(self, carriers: Iterable[EMailCustomHeader | None] | None, member: str) -> None:
        self._fields: list[tuple[str, str]] = []
        for number, carrier in enumerate(carriers or (), start=1):
            if carrier is None or not (carrier.Name or "").strip():
                where = f"{member}/EMailCustomHeader[{number}]/Name"
                raise InvalidValue(where, "", "is empty; a header field needs a name")
            where = f"{member}/EMailCustomHeader[{number}]"
            name = check_name(carrier.Name.strip(), f"{where}/Name")
            values = [check_text(value or "", f"{where}/Values") for value in carrier.Values or ()]
            self._fields += [(name, value) for value in values]

    def take(self, name: str) -> str:
        """All values of a field, which is none of the rest then."""
        found = [value for field, value in self._fields if field.lower() == name]
        self._fields = [each for each in self._fields if each[0].lower() != name]
        return " ".join(found)

    def take_mailboxes(self, name: str) -> tuple[Address, ...]:
        """The mailboxes of a field that names some."""
        return tuple(address_list(self.take(name)))

    def rest(self) -> tuple[tuple[str, str], ...]:
        """The other fields, without those about the way of a message."""
        return tuple(each for each in self._fields if each[0].lower() not in _TRACE)


# Attachments ------------------------------------------------------------------------------------


def _attachments(
    carriers: Sequence[EMailAttachment | None] | None, member: str, original: bytes | None
) -> tuple[DraftAttachment, ...]:
    found = []
    for number, carrier in enumerate(carriers or (), start=1):
        where = f"{member}/EMailAttachment[{number}]"
        if carrier is None:
            raise InvalidValue(where, "nil", "is empty")
        found.append(_attachment(carrier, where, original))
    return tuple(found)


def _attachment(carrier: EMailAttachment, member: str, original: bytes | None) -> DraftAttachment:
    for text in ("Filename", "Description", "Id", "Type"):
        check_text(getattr(carrier, text) or "", f"{member}/{text}")
    name = carrier.Filename or carrier.Description or ""
    content_id = (carrier.Id or "").strip()
    described = DraftAttachment(
        name=name,
        data=b"",
        content_type=carrier.Type or "",
        # The number of a part in the message that it was read from names nothing in this one.
        content_id="" if _PART_NUMBER.fullmatch(content_id) else content_id,
        inline=(carrier.Disposition or "").strip().lower() == "inline",
        description="" if carrier.Description == name else carrier.Description or "",
    )
    if carrier.Stream is not None:
        return replace(described, data=_joined(carrier.Stream))
    content = attachment_by_id(original, content_id) if original and content_id else None
    if content is None:
        raise InvalidValue(f"{member}/Stream", "", "is empty; an attachment needs its bytes")
    return replace(described, data=_joined(content.Stream))


def _is_invitation(attachment: DraftAttachment) -> bool:
    """Whether this is what `entities` has made of a message's own calendar part."""
    return attachment.name == CALENDAR_NAME and attachment.content_type == "text/calendar"


def _joined(stream: bytes | Iterable[bytes]) -> bytes:
    """The bytes of a Stream, which Spyne may give in pieces."""
    return stream if isinstance(stream, bytes) else b"".join(stream)
