"""Whether a message was written by a machine in answer to another one. Pure.

For whoever writes such messages itself, and must not answer the answers for ever (RFC 3834).
"""

from __future__ import annotations

import re

_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_REPORTS = ("multipart/report", "message/delivery-status", "message/disposition-notification")


def is_automatic_reply(source: bytes) -> bool:
    """Whether the header says so: Auto-Submitted, a report by its type, or no way back."""
    for name, value in _fields(source):
        if name == "auto-submitted" and value.startswith("auto-replied"):
            return True
        if name == "content-type" and value.startswith(_REPORTS):
            return True
        if name == "return-path" and value.replace(" ", "") == "<>":
            return True
    return False


def _fields(source: bytes) -> list[tuple[str, str]]:
    head = _FOLD.sub(b" ", _END.split(source, 1)[0])
    fields = []
    for line in head.splitlines():
        name, colon, value = line.partition(b":")
        if colon:
            fields.append(
                (name.strip().decode("latin-1").lower(), value.strip().decode("latin-1").lower())
            )
    return fields
