"""The operation that submits a message which somebody else has written, byte by byte as it is."""

from __future__ import annotations

from services84.agents.call import Call
from services84.agents.email.outbox import PATIENCE, SLOT_SECONDS, VERDICT_SECONDS
from services84.agents.mailboxes import SMTP, protocol_of, where
from services84.agents.registry import operation
from services84.carriers.account import EMailConnectionInfoExtended
from services84.carriers.base import ArrayOfString, String
from services84.errors import InvalidValue
from services84.mime.addresses import checked_address
from services84.mime.mimetext import mime_bytes
from services84.mime.sevenbit import seven_bit
from services84.mime.stripping import without_field

MEMBER = "ConnectionInfoExtended"
NOBODY = "<>"  # the sender of messages that nobody shall answer (RFC 5321 section 4.5.5)


@operation(
    "RelayMessage",
    ConnectionInfoExtended=EMailConnectionInfoExtended,
    Rfc822=String,
    From=String,
    Recipients=ArrayOfString,
)
def relay_message(
    call: Call,
    info: EMailConnectionInfoExtended | None,
    rfc822: str | None,
    mail_from: str | None,
    recipients: list[str | None] | None,
) -> None:
    """Submit a message as it is to Recipients, whatever its header says; a Bcc field is left out.

    From is who is told of failures, `<>` nobody. For a server that takes 7 bits only, 8-bit texts
    and files are encoded. No copy is kept.
    """
    if protocol_of(info, SMTP) != SMTP:
        problem = "gets mail, and this operation sends it; SMTP does, or nothing at all"
        raise InvalidValue(f"{MEMBER}/Protocol", info.Protocol if info else "", problem)
    host, login = where(call, info, SMTP, member=MEMBER, anonymous=True)
    source = without_field(mime_bytes(rfc822 or ""), "bcc")
    if not source.strip():
        raise InvalidValue("Rfc822", "", "is empty; a message is required")
    sender = (mail_from or "").strip()
    sender = "" if sender == NOBODY else checked_address(sender, "From")
    to = [
        checked_address(each or "", f"Recipients/string[{number}]")
        for number, each in enumerate(recipients or (), start=1)
    ]
    if not to:
        raise InvalidValue("Recipients", "", "names nobody; a message needs somebody to go to")
    mail = call.services.mail
    with (
        call.services.slots.held(host.host, SLOT_SECONDS),
        mail.smtp(host, login, patience=PATIENCE, verdict=VERDICT_SECONDS) as session,
    ):
        session.send(sender, to, source if session.takes_eight_bit else seven_bit(source))
