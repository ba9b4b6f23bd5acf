"""The operation that makes an e-mail which passes another one on; it sends and stores nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

from services84.agents.call import Call
from services84.agents.email.defaults import blank_address, blank_so_info
from services84.agents.entities import attachment_by_id
from services84.agents.entity_drafts import sent_at
from services84.agents.registry import operation
from services84.agents.writers import original_of
from services84.carriers.address import EMailAddress
from services84.carriers.message import (
    EMailAttachment,
    EMailCustomHeader,
    EMailEntity,
    EMailPriority,
)
from services84.errors import InvalidValue
from services84.mime.addresses import Address, address_list
from services84.mime.draft import Draft
from services84.mime.replies import forwarded

_PART_NUMBER = re.compile(r"\d+(?:\.\d+)*")


@operation("CreateForwardEmail", returns=EMailEntity, Email=EMailEntity)
def create_forward_email(call: Call, email: EMailEntity | None) -> EMailEntity:
    """Give an e-mail that passes this one on: from the caller, to nobody yet, with "Fw: " before
    the subject, its texts below a head that names writer, date and recipients, its attachments.

    Attachments of a cached e-mail, by EmailItemId, get their bytes. Nothing is sent.
    """
    if email is None:
        raise InvalidValue("Email", "nil", "is required")
    original = original_of(call, email)
    account = call.services.accounts.current(call.caller.associate_id, secrets=False)
    address = account.email_address if account else ""
    sender = Address(call.caller.full_name if account else "", address)
    draft = forwarded(_as_draft(email), sender=sender, sent_at=sent_at(email))
    return EMailEntity(
        To=[],
        Cc=[],
        Bcc=[],
        Subject=draft.subject,
        HTMLBody=draft.html,
        From=_own(call, address) if account else blank_address(),
        Size=0,
        Priority=EMailPriority.Normal,
        Flags=(),
        MessageID="",
        PlainBody=draft.plain,
        IsSent=False,
        EMailSOInfo=blank_so_info(),
        ServerId=0,
        Attachments=_attachments(email.Attachments, original),
        CustomHeaderList=_references(draft.references),
        FolderName="",
        EmailItemId=0,
        AccountId=account.account_id if account else 0,
    )


def _as_draft(email: EMailEntity) -> Draft:
    """The e-mail as it came: a writer or a recipient that nobody could write to is shown too."""
    return Draft(
        sender=_mailbox(cast("Any", email.From)),
        to=tuple(map(_mailbox, email.To or ())),
        cc=tuple(map(_mailbox, email.Cc or ())),
        subject=email.Subject or "",
        plain=email.PlainBody or "",
        html=email.HTMLBody or "",
        message_id=email.MessageID or "",
        in_reply_to=(email.InReplyTo.MessageId or "") if email.InReplyTo is not None else "",
        references=_header(email.CustomHeaderList, "references"),
    )


def _mailbox(carrier: EMailAddress | None) -> Address:
    if carrier is None:
        return Address("", "")
    address = (carrier.Address or "").strip()
    name = (carrier.Name or carrier.PersonName or "").strip()
    found = address_list(address) if "<" in address else []
    if len(found) == 1:
        name, address = name or found[0].name, found[0].address
    return Address("" if name == address else name, address)


def _header(carriers: Iterable[EMailCustomHeader | None] | None, name: str) -> str:
    values = [
        value or ""
        for each in carriers or ()
        if each is not None and (each.Name or "").strip().lower() == name
        for value in each.Values or ()
    ]
    return " ".join(values)


def _references(chain: str) -> list[EMailCustomHeader]:
    return [EMailCustomHeader(Name="References", Values=[chain])] if chain else []


def _own(call: Call, address: str) -> EMailAddress:
    found = blank_address()
    found.Address, found.Name = address, call.caller.full_name or address
    found.AssociateId = call.caller.associate_id
    return found


def _attachments(
    carriers: Sequence[EMailAttachment | None] | None, original: bytes | None
) -> list[EMailAttachment]:
    """The attachments with their bytes, where they are known; the number of a part of the
    original is no id in the new e-mail."""
    found = [each for each in carriers or () if each is not None]
    for each in found:
        attachment_id = (each.Id or "").strip()
        if each.Stream is None and original is not None and attachment_id:
            content = attachment_by_id(original, attachment_id)
            each.Stream = content.Stream if content is not None else None
        if each.Stream is not None and _PART_NUMBER.fullmatch(attachment_id):
            each.Id = ""
    return found
