"""Resources: texts that are kept by a name in brackets, as the vendor's `[SR_...]` are.

A caller that asks for no language gets the name itself; everybody else gets the text. Only which
resources there are and what they say in English stands here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

RESOURCES = {
    "SR_KEPT_BY_SERVICE": "kept by the service",
    "SR_ADMINISTRATORS_ASSIGN": "only an administrator may give an account to another associate",
    "SR_NOT_SHOWN": "never shown; it can be replaced",
}
_REFERENCE = re.compile(r"\[(SR_[A-Z0-9_]+)\]")


def resolve(text: str, say: Callable[[str], str]) -> str:
    """`text` with the references to known resources replaced by what `say` makes of their English
    texts; unknown ones stay."""

    def replace(reference: re.Match[str]) -> str:
        known = RESOURCES.get(reference[1])
        return reference[0] if known is None else say(known)

    return _REFERENCE.sub(replace, text)
