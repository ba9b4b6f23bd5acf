"""One mail transaction (RFC 5321 section 3.3): told exactly whether a message was taken.

A message goes to all its recipients or to none, unless asked for otherwise. Until the last dot
nothing has been sent, whatever goes wrong; after it, only the server's answer tells.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from services84.errors import (
    InvalidValue,
    LoginRefused,
    MailServerBusy,
    MailServerError,
    MailServerRefused,
    MessageTooLarge,
    RecipientsRefused,
    SendUncertain,
    SevenBitOnly,
)
from services84.mailtext import readable
from services84.smtp.dialogue import Dialogue, refusal
from services84.smtp.login import REFUSES_LOGIN

BLOCK = 64 * 1024  # bytes that are sent within one time-out
MOST_RECIPIENTS = 10_000

_GO_ON, _CLOSING = 354, 421
_LAST_WORDS = 1.0  # seconds that a server has to say why it broke off
_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_ADDRESS = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s<>"]+)@[^\s<>"@]+')
_HEADER_END = re.compile(rb"\r\n\r\n|\Z")


@dataclass(frozen=True)
class SendResult:
    """A message that the server has taken: for `accepted`, and not for `refused` (address to
    reason). `reply` is what the server said, which often holds its own id of the message."""

    accepted: tuple[str, ...]
    reply: str
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Mail:
    """A message that is fit to be sent, and what it asks of the server."""

    mail_from: str
    recipients: tuple[str, ...]
    source: bytes = field(repr=False)

    @property
    def strange(self) -> list[str]:
        """The addresses that only SMTPUTF8 can carry."""
        return [each for each in (self.mail_from, *self.recipients) if not each.isascii()]

    def has_utf8_header(self) -> bool:
        end = _HEADER_END.search(self.source)
        header = self.source[: end.start() if end else None]
        if header.isascii():
            return False
        try:
            header.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True


def transfer(
    dialogue: Dialogue,
    mail_from: str,
    recipients: Iterable[str],
    source: bytes,
    *,
    partially: bool,
) -> SendResult:
    """Hand a message over; to be called within `dialogue.attempt()`. See `Session.send`."""
    mail = _checked(mail_from, recipients, source)
    options = _options(dialogue, mail)
    try:
        refused = _address(dialogue, mail, options)
        if refused and (not partially or len(refused) == len(mail.recipients)):
            raise _recipients_refused(dialogue, refused)
        _begin_data(dialogue)
    except MailServerError:
        _reset(dialogue)
        raise
    _send_blocks(dialogue, mail.source)
    reply = _verdict(dialogue)
    accepted = tuple(each for each in mail.recipients if each not in refused)
    return SendResult(accepted, reply, refused)


# Before anything is said ------------------------------------------------------------------------


def _checked(mail_from: str, recipients: Iterable[str], source: bytes) -> _Mail:
    once = tuple(dict.fromkeys(recipients))
    if not once:
        raise InvalidValue("Recipients", "", "names nobody")
    if len(once) > MOST_RECIPIENTS:
        raise InvalidValue("Recipients", len(once), f"are more than {MOST_RECIPIENTS}")
    if mail_from:  # an empty one is for messages that nobody shall answer (section 4.5.5)
        _check_address(mail_from, "From")
    for number, recipient in enumerate(once):
        _check_address(recipient, f"Recipients[{number}]")
    if not source or source.isspace():
        raise InvalidValue("Rfc822", "", "is no message: it is empty")
    return _Mail(mail_from, once, _with_line_ends(source))


def _check_address(address: str, member: str) -> None:
    # What could end the command, or mean something else in it.
    if not _ADDRESS.fullmatch(address) or not address.isprintable() or len(address) > 320:
        raise InvalidValue(member, address, "is no address such as anna@example.com")


def _with_line_ends(source: bytes) -> bytes:
    """The message with CRLF for every line end, the last one too: a server that takes others for
    one could be shown a message's end where there is none."""
    if not source.count(b"\n") == source.count(b"\r\n") == source.count(b"\r"):
        source = _LINE_END.sub(b"\r\n", source)
    return source if source.endswith(b"\r\n") else source + b"\r\n"


def _options(dialogue: Dialogue, mail: _Mail) -> list[str]:
    """The parameters of MAIL; raises MailServerError for what this server cannot take."""
    client, host = dialogue.client, dialogue.host
    options: list[str] = []
    utf8 = client.has_extn("smtputf8")
    if mail.strange and not utf8:  # said first: it names whom the message cannot be sent to
        raise _ascii_only(dialogue, mail)
    if client.has_extn("size"):
        limit = client.esmtp_features["size"].strip()
        size = len(mail.source)
        if limit.isdigit() and 0 < int(limit[:18]) < size:
            raise MessageTooLarge(
                f"{host} takes messages of at most {int(limit):,} bytes; this one has {size:,}",
                host=host.host,
            )
        options.append(f"SIZE={size}")
    if not mail.source.isascii():
        if not client.has_extn("8bitmime"):
            raise SevenBitOnly(
                f"{host} takes messages of 7 bits only (no 8BITMIME)", host=host.host
            )
        options.append("BODY=8BITMIME")
    if mail.strange or (utf8 and mail.has_utf8_header()):
        options.append("SMTPUTF8")
    return options


def _ascii_only(dialogue: Dialogue, mail: _Mail) -> MailServerError:
    host = dialogue.host
    problem = "the server takes ASCII addresses only (no SMTPUTF8)"
    strange = [each for each in mail.strange if each in mail.recipients]
    if strange:
        return RecipientsRefused(dict.fromkeys(strange, problem), host=host.host, server=str(host))
    text = f"{host} cannot send from {mail.mail_from}: {problem}"
    return MailServerRefused(text, host=host.host)


# The envelope -----------------------------------------------------------------------------------


def _address(dialogue: Dialogue, mail: _Mail, options: list[str]) -> dict[str, str]:
    """Say from whom and to whom; gives the recipients that are refused, with the reasons."""
    client, host = dialogue.client, dialogue.host
    client.command_encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
    dialogue.progress()
    code, text = client.docmd(" ".join([f"MAIL FROM:<{mail.mail_from}>", *options]))
    if code in REFUSES_LOGIN:
        said = f"{code} {readable(text)}".strip()
        raise LoginRefused(f"{host} demands a login: {said}", host=host.host)
    if not 200 <= code < 300:
        raise refusal(host, f"the sender {mail.mail_from or '<>'}", code, text)
    refused: dict[str, str] = {}
    for recipient in mail.recipients:
        dialogue.progress()
        code, text = client.docmd(f"RCPT TO:<{recipient}>")
        if code == _CLOSING or code < 0:
            dialogue.broken = True
            raise refusal(host, f"the recipient {recipient}", code, text)
        if not 200 <= code < 300:
            refused[recipient] = f"{code} {readable(text)}".strip()
    return refused


def _recipients_refused(dialogue: Dialogue, refused: dict[str, str]) -> RecipientsRefused:
    host = dialogue.host
    return RecipientsRefused(refused, host=host.host, server=str(host))


def _reset(dialogue: Dialogue) -> None:
    """Make the server forget the envelope; the connection is of no more use where that fails."""
    if dialogue.broken:
        return
    try:
        dialogue.progress()
        code, _ = dialogue.client.rset()
        dialogue.broken |= not 200 <= code < 300
    except (OSError, ValueError):
        dialogue.broken = True


# The message ------------------------------------------------------------------------------------


def _begin_data(dialogue: Dialogue) -> None:
    dialogue.progress()
    code, text = dialogue.client.docmd("DATA")
    if code != _GO_ON:
        raise refusal(dialogue.host, "the message", code, text)


def _send_blocks(dialogue: Dialogue, source: bytes) -> None:
    """Send all but the last dot: what breaks off before that is no message."""
    sock = dialogue.client.sock
    assert sock is not None
    try:
        for block in _dotted(source):
            dialogue.progress()
            sock.sendall(block)
    except TimeoutError:
        raise
    except OSError:
        _hear_last_words(dialogue)
        raise


def _dotted(source: bytes) -> Iterator[bytes]:
    """The message by blocks, a dot doubled where it begins a line (RFC 5321 section 4.5.2)."""
    for at in range(0, len(source), BLOCK):
        block = source[at : at + BLOCK].replace(b"\n.", b"\n..")
        begins_line = at == 0 or source[at - 1] == 0x0A
        yield b"." + block if begins_line and block.startswith(b".") else block


def _hear_last_words(dialogue: Dialogue) -> None:
    """Raise the reason for which a server has broken off, if it has given one."""
    with contextlib.suppress(OSError, ValueError):
        dialogue.put_up_with(_LAST_WORDS)
        code, text = dialogue.client.getreply()
        if code >= 400:
            dialogue.broken = True
            raise refusal(dialogue.host, "the message", code, text)


def _verdict(dialogue: Dialogue) -> str:
    """Send the last dot and hear the answer: taken (its text), refused, or not to be known."""
    host, client, timeouts = dialogue.host, dialogue.client, dialogue.timeouts
    assert client.sock is not None
    try:
        dialogue.progress(timeouts.verdict)
        dialogue.put_up_with(timeouts.verdict)
        client.sock.sendall(b".\r\n")
        code, text = client.getreply()
        dialogue.put_up_with(timeouts.read)
    except (OSError, ValueError) as error:
        raise _uncertain(dialogue, dialogue.why(error)) from error
    said = f"{code} {readable(text)}".strip()
    if 200 <= code < 300:
        return said
    if 400 <= code < 500:
        raise MailServerBusy(f"{host} did not take the message now: {said}", host=host.host)
    if 500 <= code < 600:
        raise refusal(host, "the message", code, text)
    raise _uncertain(dialogue, f"{host} answered {said!r}")


def _uncertain(dialogue: Dialogue, why: str) -> SendUncertain:
    return SendUncertain(
        f"the message may have been sent: it was handed over to {dialogue.host}, but the answer "
        f"did not come ({why}). Look for it in the recipient's or the Sent folder before sending "
        "it again",
        host=dialogue.host.host,
    )
