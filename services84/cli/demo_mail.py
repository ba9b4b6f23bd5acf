"""Sample mail of the demo: nested folders, names in several scripts, flags, HTML, an attachment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

OWNER = "Ingrid Solheim <demo@example.com>"
LATEST = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CSV = "artikkel;antall;pris\nKaffebønner, 1 kg;12;249,00\nFiltre;40;39,50\n"


@dataclass(frozen=True)
class SampleMessage:
    """A message as it lies on the mail server; `flags` as IMAP spells them."""

    source: bytes
    received: datetime
    flags: Sequence[str] = ()


@dataclass(frozen=True)
class SampleFolder:
    """A folder with its mail; `name` is for people, levels separated by `/`."""

    name: str
    messages: Sequence[SampleMessage]


def sample_mail() -> list[SampleFolder]:
    """The demo's mailbox; the same at every call."""
    return [
        SampleFolder("INBOX", [_welcome(), _order(), _newsletter(), _meeting(), _greek()]),
        SampleFolder("Kunder", []),
        SampleFolder("Kunder/Åsgård & Sønner", [_complaint(), _complaint_answer()]),
        SampleFolder("Kunder/Żółw", [_polish()]),
        SampleFolder("Prosjekter/2026/日本", [_japanese()]),
        SampleFolder("Sent", [_sent()]),
        SampleFolder("Drafts", [_draft()]),
        SampleFolder("Trash", []),
    ]


def _message(number: int, sender: str, subject: str, text: str, *, to: str = OWNER) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(_received(number))
    message["Message-ID"] = f"<{number}.demo@services84.example>"
    message.set_content(text)
    return message


def _received(number: int) -> datetime:
    """The higher the number, the older the message."""
    return LATEST - timedelta(hours=7 * number, minutes=11 * number)


def _stored(number: int, message: EmailMessage, *flags: str) -> SampleMessage:
    return SampleMessage(message.as_bytes(), _received(number), flags)


def _welcome() -> SampleMessage:
    text = "Everything in this mailbox was put there by the demo.\nHave a look around.\n"
    return _stored(1, _message(1, "services84 <hello@example.com>", "Welcome to services84", text))


def _order() -> SampleMessage:
    message = _message(
        2,
        "Bjørn Ærlig <bjorn@example.no>",
        "Bestilling 4711: kaffebønner og filtre",
        "Hei Ingrid,\n\nlisten ligger ved.\n\nHilsen Bjørn\n",
    )
    message.add_attachment(
        CSV.encode(), maintype="text", subtype="csv", filename="bestilling-påske.csv"
    )
    return _stored(2, message, "\\Flagged")


def _newsletter() -> SampleMessage:
    message = _message(
        3, "Kafferösterei <news@example.de>", "Frühlingsröstung ☕ ab sofort", "Neu im Regal.\n"
    )
    message.add_alternative(
        "<html><body><h1>Frühlingsröstung</h1><p>Neu im <b>Regal</b>.</p></body></html>",
        subtype="html",
    )
    return _stored(3, message, "\\Seen")


def _meeting() -> SampleMessage:
    message = _message(
        4, "Marte <marte@example.com>", "Møte torsdag kl. 10", "Passer torsdag klokken ti?\n"
    )
    return _stored(4, message, "\\Seen", "\\Answered")


def _greek() -> SampleMessage:
    text = "Καλημέρα,\n\nτο τιμολόγιο θα έρθει αύριο.\n"
    return _stored(5, _message(5, "Ελένη <eleni@example.gr>", "Τιμολόγιο Μαρτίου", text))


def _complaint() -> SampleMessage:
    text = "To av tolv poser var åpne.\n"
    message = _message(6, "Åse <ase@example.no>", "Reklamasjon på levering", text)
    return _stored(6, message, "\\Seen", "\\Answered")


def _complaint_answer() -> SampleMessage:
    message = _message(
        7, "Åse <ase@example.no>", "Re: Reklamasjon på levering", "Takk for rask hjelp!\n"
    )
    message["In-Reply-To"] = "<9.demo@services84.example>"
    message["References"] = "<6.demo@services84.example> <9.demo@services84.example>"
    return _stored(7, message, "\\Seen", "\\Flagged")


def _polish() -> SampleMessage:
    text = "Dzień dobry,\n\nproszę o ofertę na źródlaną wodę.\n"
    return _stored(8, _message(8, "Łukasz <lukasz@example.pl>", "Zapytanie ofertowe", text))


def _sent() -> SampleMessage:
    text = "Vi sender to nye poser i dag.\n"
    message = _message(9, OWNER, "Re: Reklamasjon på levering", text, to="Åse <ase@example.no>")
    message["In-Reply-To"] = "<6.demo@services84.example>"
    return _stored(9, message, "\\Seen")


def _japanese() -> SampleMessage:
    text = "お世話になっております。\n来週の打ち合わせの件でご連絡いたしました。\n"
    return _stored(10, _message(10, "田中 <tanaka@example.jp>", "来週の打ち合わせについて", text))


def _draft() -> SampleMessage:
    message = _message(11, OWNER, "Tilbud (utkast)", "Kladd.\n", to="Łukasz <lukasz@example.pl>")
    return _stored(11, message, "\\Draft")
