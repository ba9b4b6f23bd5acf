"""Answers and forwarded messages: who gets them, what they are called, what they quote. Pure.

RFC 5322 section 3.6.4 for the chain of references. What the writer adds is not known here.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime

from services84.mime.addresses import Address
from services84.mime.draft import Draft, reply_chain

_FORWARDED = re.compile(r"\s*(?:fwd?|wg|vs|vb|tr|rv|i|enc)\s*:", re.IGNORECASE)
_ANSWERED = re.compile(r"\s*(?:re|aw|sv|antw|odp)\s*(?:\[\d+\])?:", re.IGNORECASE)
_BODY = re.compile(r"<body\b[^>]{0,2000}>", re.IGNORECASE)
_HEADLINE = "-----Original Message-----"


def forwarded(original: Draft, *, sender: Address, sent_at: datetime | None = None) -> Draft:
    """A draft that passes a message on: its texts below a head that names writer, date,
    recipients and subject; its attachments; the subject with "Fw: ". Recipients are open."""
    head = _head(original, sent_at)
    return Draft(
        sender=sender,
        subject=_prefixed("Fw: ", original.subject, _FORWARDED),
        plain=_quoted_plain(original, head, mark="") if original.plain or not original.html else "",
        html=_quoted_html(original.html, head) if original.html else "",
        calendar=original.calendar,
        references=reply_chain(original.message_id, original.references, original.in_reply_to),
        attachments=original.attachments,
    )


def replied(
    original: Draft, *, sender: Address, sent_at: datetime | None = None, to_all: bool = False
) -> Draft:
    """A draft that answers a message: to Reply-To or its sender, with `to_all` to all its other
    recipients too; texts quoted, the subject with "Re: ", attachments left out but for the
    pictures that its HTML shows."""
    to = original.reply_to or (original.sender,)
    taken = {each.address.lower() for each in (*to, sender)}
    others = (*original.to, *original.cc) if to_all else ()
    cc = [each for each in others if each.address and each.address.lower() not in taken]
    head = _head(original, sent_at)
    return Draft(
        sender=sender,
        to=to,
        cc=tuple({each.address.lower(): each for each in cc}.values()),
        subject=_prefixed("Re: ", original.subject, _ANSWERED),
        plain=_quoted_plain(original, head, mark="> ") if original.plain else "",
        html=_quoted_html(original.html, head) if original.html else "",
        in_reply_to=original.message_id,
        references=reply_chain(original.message_id, original.references, original.in_reply_to),
        attachments=tuple(e for e in original.attachments if e.inline and e.content_id),
    )


def answering(draft: Draft, parent_id: str, parent_references: str = "") -> Draft:
    """The draft as an answer to the message with this id and these references."""
    chain = reply_chain(parent_id, parent_references)
    return replace(draft, in_reply_to=parent_id, references=chain)


def _prefixed(prefix: str, subject: str, already: re.Pattern[str]) -> str:
    return subject if already.match(subject) else f"{prefix}{subject}".strip()


def _head(original: Draft, sent_at: datetime | None) -> list[tuple[str, str]]:
    head = [
        ("From", _shown(original.sender)),
        ("Sent", format_datetime(sent_at) if sent_at else ""),
        ("To", "; ".join(map(_shown, original.to))),
        ("Cc", "; ".join(map(_shown, original.cc))),
        ("Subject", original.subject),
    ]
    return [(name, text) for name, text in head if text]


def _shown(mailbox: Address) -> str:
    if not mailbox.name or not mailbox.address:
        return mailbox.name or mailbox.address
    return f"{mailbox.name} <{mailbox.address}>"


def _quoted_plain(original: Draft, head: list[tuple[str, str]], mark: str) -> str:
    lines = [_HEADLINE, *(f"{name}: {text}" for name, text in head), ""]
    lines += original.plain.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n\n" + "\n".join(f"{mark}{line}".rstrip() if mark else line for line in lines)


def _quoted_html(text: str, head: list[tuple[str, str]]) -> str:
    """The HTML with the head at the beginning of its body; its own head and styles stay."""
    rows = "<br>\r\n".join(f"<b>{name}:</b> {html.escape(value)}" for name, value in head)
    block = f"<br><br>\r\n<div>{_HEADLINE}<br>\r\n{rows}</div>\r\n<br>\r\n"
    body = _BODY.search(text)
    at = body.end() if body else 0
    return text[:at] + block + text[at:]
