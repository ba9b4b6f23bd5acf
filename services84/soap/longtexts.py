"""Long binary members of a reply, kept out of its XML document until that is bytes.

libxml2 has a text several times while it writes it; an attachment of 40 MB would cost 200 MB more.
"""

from __future__ import annotations

import re
import secrets

LONG = 1024 * 1024  # bytes; of longer texts it matters how often they are in memory


class LongTexts:
    """Texts of one reply, for each of which a mark stands in the document."""

    def __init__(self) -> None:
        self._seed = secrets.token_hex(16)  # no content can have been made to look like a mark
        self._texts: list[bytes] = []

    def mark(self, text: bytes) -> str:
        """What to write instead of a text; it has to be free of what XML would escape."""
        self._texts.append(text)
        return f"{self._seed}-{len(self._texts) - 1}-"

    def fill(self, document: bytes) -> bytes:
        """The document with its texts; they are not kept any longer."""
        if not self._texts:
            return document
        pieces = re.split(self._seed.encode() + rb"-(\d+)-", document)
        pieces[1::2] = [self._texts[int(number)] for number in pieces[1::2]]
        self._texts.clear()
        return b"".join(pieces)
