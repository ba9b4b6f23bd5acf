"""Folders with a use of their own, among those that a server lists. Pure.

A server says which they are (SPECIAL-USE, RFC 6154), or they are known by the names that mail
programs give them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from services84.imap.values import ListedFolder

# Folders that hold the usual ones of a mailbox instead of being one.
_ROOTS = frozenset({"inbox", "[gmail]", "[google mail]"})
_NOT_FOR_MAIL = frozenset({"\\noselect", "\\nonexistent"})


@dataclass(frozen=True)
class SpecialUse:
    """A use: its attribute, the names under which programs make such a folder (folded, the most
    usual first), and the one for a new folder."""

    attribute: str
    names: tuple[str, ...]
    new_name: str


SENT = SpecialUse(
    "\\sent",
    (
        *("sent", "sent items", "sent mail", "sent messages", "sent-mail", "sent_mail"),
        *("gesendet", "gesendete elemente", "gesendete objekte", "gesendete nachrichten"),
        *("sendte elementer", "sendt", "sendt post", "sendte meldinger", "sendte beskeder"),
        *("skickat", "skickade objekt", "skickade meddelanden", "lähetetyt", "sent-items"),
        *("envoyés", "éléments envoyés", "messages envoyés", "objets envoyés", "enviats"),
        *("enviados", "elementos enviados", "mensajes enviados", "itens enviados", "enviadas"),
        *("mensagens enviadas", "itens enviadas", "correo enviado", "correio enviado"),
        *("posta inviata", "inviati", "inviata", "elementi inviati", "messaggi inviati"),
        *("verzonden", "verzonden items", "verzonden berichten", "verzonden objecten"),
        *("wysłane", "elementy wysłane", "odeslané", "odeslaná pošta", "odoslané", "poslano"),
        *("elküldött elemek", "elküldött", "trimise", "elemente trimise", "изпратени"),
        *("отправленные", "надіслані", "απεσταλμένα", "gönderilmiş öğeler", "gönderilenler"),
        *("送信済み", "送信済みアイテム", "已发送", "已发送邮件", "寄件備份", "보낸 편지함"),
    ),
    "Sent",
)


def special_folder(use: SpecialUse, folders: Iterable[ListedFolder]) -> ListedFolder | None:
    """The folder of this use: the one with the attribute, else the one with the most usual name
    at the top of the mailbox; None where there is none that holds mail."""
    known = [one for one in folders if not one.attributes & _NOT_FOR_MAIL]
    marked = [one for one in known if use.attribute in one.attributes]
    if marked:
        return marked[0]
    ranks = {name: rank for rank, name in enumerate(use.names)}
    named = [(ranks[top], one) for one in known if (top := _top_name(one)) in ranks]
    return min(named, key=lambda found: found[0])[1] if named else None


def _top_name(folder: ListedFolder) -> str:
    """The folded name of a folder at the top, below INBOX or Gmail's own root too; else empty."""
    name = unicodedata.normalize("NFKC", folder.name).casefold()
    levels = name.split(folder.delimiter) if folder.delimiter else [name]
    if len(levels) > 1 and levels[0] in _ROOTS:
        levels = levels[1:]
    return levels[0] if len(levels) == 1 else ""
