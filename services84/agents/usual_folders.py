"""The folders for drafts and for deleted mail: found, or made where a mailbox has none."""

from __future__ import annotations

from contextlib import suppress

from services84.errors import MailServerRefused
from services84.imap.connection import ImapConnection
from services84.imap.special import SpecialUse, special_folder
from services84.sync.errands import Errand

DRAFTS = SpecialUse(
    "\\drafts",
    (
        *("drafts", "draft", "entwürfe", "entwurf", "utkast", "kladder", "kladde", "luonnokset"),
        *("brouillons", "borradores", "borrador", "esborranys", "rascunhos", "bozze"),
        *("concepten", "kopie robocze", "robocze", "szkice", "koncepty", "rozepsané"),
        *("piszkozatok", "piszkozat", "ciorne", "чернови", "черновики", "чернетки"),
        *("πρόχειρα", "taslaklar", "下書き", "草稿", "草稿箱", "임시 보관함", "임시보관함"),
    ),
    "Drafts",
)
TRASH = SpecialUse(
    "\\trash",
    (
        *("trash", "deleted items", "deleted messages", "deleted", "bin", "rubbish"),
        *("papierkorb", "gelöschte elemente", "gelöschte objekte", "gelöscht"),
        *("slettede elementer", "slettede", "slettet", "slettet post", "papirkurv"),
        *("papirkurven", "borttagna objekt", "borttaget", "papperskorgen", "papperskorg"),
        *("roskakori", "poistetut", "corbeille", "éléments supprimés", "messages supprimés"),
        *("papelera", "elementos eliminados", "paperera", "lixeira", "itens excluídos"),
        *("itens eliminados", "cestino", "posta eliminata", "elementi eliminati"),
        *("prullenbak", "verwijderde items", "verwijderde berichten", "kosz"),
        *("elementy usunięte", "koš", "odstraněná pošta", "odstránené", "kuka"),
        *("törölt elemek", "coș de gunoi", "elemente șterse", "кошче", "корзина"),
        # Folded, as all of them: the last letter is no final sigma.
        *("удаленные", "удалённые", "кошик", "видалені", "διαγραμμένα", "κάδοσ"),
        *("çöp kutusu", "silinmiş öğeler", "ごみ箱", "削除済みアイテム", "已删除", "已删除邮件"),
        *("废件箱", "휴지통", "지운 편지함"),
    ),
    "Trash",
)


def usual_folder(errand: Errand, use: SpecialUse) -> str:
    """The server name of the folder of this use; it is made, and subscribed, where the mailbox
    has none. Raises MailServerError."""
    listed = errand.connection.folders()
    found = special_folder(use, listed)
    if found is not None:
        return found.server_name
    spelt = errand.connection.server_name_of(use.new_name, listed)
    make_folder(errand.connection, spelt)
    errand.touch(spelt)
    with suppress(MailServerRefused):  # it is there all the same
        errand.connection.subscribe(spelt)
    return spelt


def make_folder(connection: ImapConnection, server_name: str) -> None:
    """Make a folder, unless another call has just done so. Raises MailServerError."""
    try:
        connection.create_folder(server_name)
    except MailServerRefused as refusal:
        try:
            connection.status(server_name)
        except MailServerRefused:
            raise refusal from None
