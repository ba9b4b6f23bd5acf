"""The gettext catalogues of the service's texts, read when they are first needed.

`locale/LANGUAGE/LC_MESSAGES/services84.po`; `extraction` keeps their list of messages equal to the
sources'. Read as they are, not compiled: there is no second file that could be stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from services84.texts.templates import Templates

# Babel's names of the languages, where they differ from ours.
LOCALES = {"en": "en", "no": "nb", "sv": "sv", "da": "da", "de": "de", "nl": "nl"}
TRANSLATED = ("no", "sv", "da", "de", "nl")


def po_file(language: str) -> Traversable:
    """Where the catalogue of one of TRANSLATED is."""
    return files("services84.texts").joinpath("locale", language, "LC_MESSAGES", "services84.po")


def read_catalogue(language: str) -> Catalog:
    """A catalogue with all that its file says."""
    return read_po(BytesIO(po_file(language).read_bytes()), locale=LOCALES[language])


@cache
def catalogue(language: str | None) -> Mapping[str, str]:
    """English template → the language's; empty for English."""
    if language not in TRANSLATED:
        return {}
    return {
        str(message.id): str(message.string)
        for message in read_catalogue(language)
        if message.id and message.string and not message.fuzzy
    }


@cache
def templates() -> Templates:
    """The messages that the catalogues know."""
    known: set[str] = set()
    for language in TRANSLATED:
        known.update(catalogue(language))
    return Templates(sorted(known))
