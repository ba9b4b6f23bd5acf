"""Which of a server's folders is the one for sent mail."""

from __future__ import annotations

import pytest

from services84.imap.special import SENT, special_folder
from services84.imap.values import ListedFolder


def folder(name: str, *attributes: str, delimiter: str = "/") -> ListedFolder:
    return ListedFolder(name, name, delimiter, frozenset(attributes), subscribed=True)


def found(*folders: ListedFolder) -> str | None:
    special = special_folder(SENT, folders)
    return None if special is None else special.name


def test_what_the_server_says_comes_before_any_name() -> None:
    assert found(folder("Sent"), folder("Away", "\\sent")) == "Away"


@pytest.mark.parametrize(
    "name",
    [
        *("Sent", "SENT ITEMS", "INBOX/Sent", "[Gmail]/Sent Mail", "Gesendete Elemente"),
        *("Éléments envoyés", "E\u0301le\u0301ments envoye\u0301s", "Отправленные", "送信済み"),
    ],
)
def test_without_that_a_usual_name_tells(name: str) -> None:
    assert found(folder("INBOX"), folder(name)) == name


def test_the_most_usual_name_wins() -> None:
    assert found(folder("Gesendet"), folder("Sent Items"), folder("Sent")) == "Sent"


def test_a_folder_below_another_or_without_mail_is_not_meant() -> None:
    assert found(folder("Projects/Sent"), folder("Sent", "\\noselect")) is None
    assert found(folder("Away", "\\sent", "\\nonexistent")) is None


def test_levels_are_parted_by_the_servers_delimiter() -> None:
    assert found(folder("INBOX.Sent", delimiter=".")) == "INBOX.Sent"
    assert found(folder("INBOX.Sent", delimiter="")) is None
