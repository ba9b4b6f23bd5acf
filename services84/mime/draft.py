"""A message as its writer thinks of it, before it is bytes and after. Pure.

What may stand where is checked when it is composed; an error names the member as the vendor's
EMailEntity does.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import make_msgid

from services84.errors import InvalidValue
from services84.mime.addresses import Address, checked_address, domain_of
from services84.mime.fields import check_name, check_text

NORMAL = 3  # EMailPriority of the vendor: 1 Highest, 2 High, 3 Normal, 4 Low, 5 Lowest
UNKNOWN_TYPE = "application/octet-stream"
LONGEST_ID = 900  # characters; it has to stand on one line
MOST_REFERENCES = 30  # the first and the latest; a longer chain tells nobody more

_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_ID = re.compile(r"<[^<>\s]+>")
_OWN_FIELDS = frozenset(
    {"from", "to", "cc", "bcc", "subject", "date", "message-id", "in-reply-to", "mime-version"}
)
# Only the types that every installation knows, not those of the machine's files.
_TYPES = mimetypes.MimeTypes()


@dataclass(frozen=True)
class DraftAttachment:
    """A file, or with `message/rfc822` a whole message. With an empty `content_type` the name
    tells; `inline` with a `content_id` is shown where the HTML refers to `cid:...`."""

    name: str
    data: bytes = field(repr=False)
    content_type: str = ""
    content_id: str = ""
    inline: bool = False
    description: str = ""


@dataclass(frozen=True)
class Draft:
    """A message to be written. `references` holds message ids separated by blanks; `priority` is
    1 (highest) to 5, or 0 for none; `custom_headers` are (name, value), a name as often as it
    has values."""

    sender: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    plain: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    calendar: str = field(default="", repr=False)
    priority: int = NORMAL
    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""
    custom_headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[DraftAttachment, ...] = ()


@dataclass(frozen=True)
class Envelope:
    """Who sends to whom, as the submission server is told; every address once."""

    mail_from: str
    recipients: tuple[str, ...]

    @property
    def needs_smtputf8(self) -> bool:
        """Whether an address is not ASCII, which only servers with SMTPUTF8 take (RFC 6531)."""
        return not all(address.isascii() for address in (self.mail_from, *self.recipients))


def identified(draft: Draft) -> Draft:
    """The draft with a Message-ID of its own, made from its sender's domain, if it has none."""
    if draft.message_id.strip():
        return draft
    return replace(draft, message_id=make_msgid(domain=domain_of(draft.sender.address)))


def envelope(draft: Draft, *, member: str = "") -> Envelope:
    """The draft's addresses, Bcc among them; raises InvalidValue for one that is none, and for a
    draft without any recipient."""
    checked = check(draft, member=member)
    recipients = [each.address for each in (*checked.to, *checked.cc, *checked.bcc)]
    if not recipients:
        raise InvalidValue(f"{member}To", "", "names no recipient, nor do Cc and Bcc")
    return Envelope(checked.sender.address, tuple(dict.fromkeys(recipients)))


def check(draft: Draft, *, member: str = "") -> Draft:
    """The draft in the form that it is written in: addresses checked, ids in angle brackets.

    `member` is put before the members' names in errors ("Email/"). Raises InvalidValue.
    """
    return replace(
        draft,
        sender=_checked_mailbox(draft.sender, f"{member}From"),
        to=_checked_mailboxes(draft.to, f"{member}To"),
        cc=_checked_mailboxes(draft.cc, f"{member}Cc"),
        bcc=_checked_mailboxes(draft.bcc, f"{member}Bcc"),
        reply_to=_checked_mailboxes(draft.reply_to, f"{member}ReplyTo"),
        subject=check_text(draft.subject, f"{member}Subject"),
        priority=_checked_priority(draft.priority, f"{member}Priority"),
        message_id=_one_id(draft.message_id, f"{member}MessageID"),
        in_reply_to=_one_id(draft.in_reply_to, f"{member}InReplyTo/MessageId"),
        references=" ".join(_ids(draft.references, f"{member}References")),
        custom_headers=_checked_headers(draft.custom_headers, f"{member}CustomHeaderList"),
        attachments=tuple(
            _checked_attachment(each, f"{member}Attachments/EMailAttachment[{number}]")
            for number, each in enumerate(draft.attachments, start=1)
        ),
    )


def _checked_mailbox(mailbox: Address, member: str) -> Address:
    name = check_text(mailbox.name, f"{member}/Name")
    check_text(mailbox.address, f"{member}/Address")
    return Address(name.strip(), checked_address(mailbox.address, f"{member}/Address"))


def _checked_mailboxes(mailboxes: tuple[Address, ...], member: str) -> tuple[Address, ...]:
    return tuple(
        _checked_mailbox(each, f"{member}/EMailAddress[{number}]")
        for number, each in enumerate(mailboxes, start=1)
    )


def _checked_priority(priority: int, member: str) -> int:
    if not 0 <= priority <= 5:
        raise InvalidValue(member, priority, "is no priority from 1 (highest) to 5, or 0")
    return priority


def _one_id(text: str, member: str) -> str:
    """A message id in angle brackets, or nothing."""
    found = _ids(text, member)
    if len(found) > 1:
        raise InvalidValue(member, text, "holds more than one message id")
    return found[0] if found else ""


def _ids(text: str, member: str) -> list[str]:
    """The message ids of a text, in angle brackets, shortened to what a field should hold."""
    words = [word.strip("<>,") for word in check_text(text, member).replace("><", "> <").split()]
    found = [f"<{word}>" for word in words if word]
    for each in found:
        if not _ID.fullmatch(each) or not _is_plain(each):
            raise InvalidValue(member, each, "is no message id such as <1@example.com>")
        if len(each) > LONGEST_ID:
            raise InvalidValue(member, each, "is too long for a message id")
    return found if len(found) <= MOST_REFERENCES else [found[0], *found[1 - MOST_REFERENCES :]]


def _checked_headers(
    headers: tuple[tuple[str, str], ...], member: str
) -> tuple[tuple[str, str], ...]:
    for number, (name, value) in enumerate(headers, start=1):
        path = f"{member}/EMailCustomHeader[{number}]"
        check_name(name, f"{path}/Name")
        check_text(value, f"{path}/Values")
        if name.lower() in _OWN_FIELDS or name.lower().startswith("content-"):
            raise InvalidValue(f"{path}/Name", name, "is set by the message itself")
    return headers


def _checked_attachment(attachment: DraftAttachment, member: str) -> DraftAttachment:
    check_text(attachment.name, f"{member}/Filename")
    check_text(attachment.description, f"{member}/Description")
    content_id = check_text(attachment.content_id, f"{member}/Id").strip().strip("<>")
    if content_id and not is_content_id(content_id):
        raise InvalidValue(f"{member}/Id", content_id, "is no content id such as image1@example")
    check_text(attachment.content_type, f"{member}/Type")
    kind = attachment.content_type.partition(";")[0].strip().lower()
    kind = kind or _TYPES.guess_type(attachment.name)[0] or UNKNOWN_TYPE
    if not _CONTENT_TYPE.fullmatch(kind) or kind.startswith("multipart/"):
        raise InvalidValue(f"{member}/Type", attachment.content_type, "is no type of a file")
    return replace(attachment, content_id=content_id, content_type=kind)


def reply_chain(parent_id: str, parent_references: str, parent_in_reply_to: str = "") -> str:
    """The References of an answer to a message with these fields (RFC 5322 section 3.6.4)."""
    known = found_ids(parent_references) or found_ids(parent_in_reply_to)[:1]
    return " ".join(dict.fromkeys([*known, *found_ids(parent_id)]))


def found_ids(text: str) -> list[str]:
    """What may stand as a message id in a draft, of what a stranger's field holds."""
    found = _ID.findall(text)
    return [each for each in found if _is_plain(each) and len(each) <= LONGEST_ID]


def is_content_id(text: str) -> bool:
    """Whether a draft's attachment may have this Content-ID."""
    return _is_plain(text) and len(text) <= LONGEST_ID and bool(_ID.fullmatch(f"<{text}>"))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def custom_headers(values: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    """A draft's custom headers from names with their values."""
    return tuple((name, value) for name, each in values.items() for value in each)
