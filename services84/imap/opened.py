"""What EXAMINE and SELECT tell of the folder that they open, told apart from news of another. Pure.

While a folder is open, the server may tell of it until it has taken up the command that opens
the next one. What stands between two completions is therefore not always about one folder.
"""

from __future__ import annotations

from dataclasses import replace

from services84.imap import responses
from services84.imap.conversation import codes, untagged_of
from services84.imap.framing import Response
from services84.imap.reading import flag_states
from services84.imap.session import Completion
from services84.imap.values import ExaminedFolder, FolderDelta, SyncPoint

_OF_AN_OPENING = frozenset({"PERMANENTFLAGS", "UIDVALIDITY", "UIDNEXT", "UNSEEN", "NOMODSEQ"})
_NEWS = frozenset({"FETCH", "VANISHED"})


def own_part(completion: Completion) -> Completion:
    """Without what came before the server let go of the folder that was open.

    It says when, with QRESYNC enabled or as IMAP4rev2 (CLOSED: RFC 7162 section 3.2.11, RFC 9051
    section 7.1); of a server that does not say, everything stays.
    """
    said = completion.responses
    ends = [at for at, response in enumerate(said, 1) if _code(response) == "CLOSED"]
    return replace(completion, responses=said[ends[-1] :]) if ends else completion


def is_clear(completion: Completion) -> bool:
    """Whether all news of messages in the `own_part` can only be of the folder that was opened:
    the server has let go of the other one, or they stand behind what only an opening tells."""
    codes_told = list(map(_code, completion.responses))
    if "CLOSED" in codes_told:
        return True
    for code, response in zip(codes_told, completion.responses, strict=True):
        said = responses.untagged(response)
        if code in _OF_AN_OPENING:
            return True
        if said is not None and said.kind in _NEWS:
            return False
    return True


def has_count(completion: Completion) -> bool:
    """Whether it tells how many messages there are; RFC 3501 section 6.3.1 requires it, and
    without it a folder would look empty."""
    return any(said.kind == "EXISTS" for said in untagged_of(completion))


def examined(completion: Completion, exists: int, since: SyncPoint | None) -> ExaminedFolder | None:
    """The folder's state, and what has changed `since` then, where that was asked; None when the
    server gives no UIDVALIDITY."""
    told = codes(completion)
    uid_validity = positive(told.get("UIDVALIDITY"))
    if uid_validity is None:
        return None
    flags = [said.rest for said in untagged_of(completion) if said.kind == "FLAGS"]
    return ExaminedFolder(
        uid_validity=uid_validity,
        uid_next=positive(told.get("UIDNEXT")),
        exists=exists,
        highest_mod_seq=None if "NOMODSEQ" in told else positive(told.get("HIGHESTMODSEQ")),
        flags=_flag_list(flags[-1].decode("latin-1") if flags else ""),
        permanent_flags=_flag_list(told.get("PERMANENTFLAGS", "")),
        delta=_delta(completion) if since and since.uid_validity == uid_validity else None,
    )


def _delta(completion: Completion) -> FolderDelta:
    """What EXAMINE with QRESYNC told beside the folder's state (RFC 7162 section 3.2.5)."""
    fetched = (responses.fetched(response) for response in completion.responses)
    changed = {one.uid: one for one in fetched if one is not None and one.uid}
    gone: list[tuple[int, int]] = []
    for _, ranges in filter(None, map(responses.vanished, completion.responses)):
        gone += ranges
    return FolderDelta(flag_states(changed), gone)


def _code(response: Response) -> str:
    said = responses.untagged(response)
    return responses.status_text(said.rest).code if said and said.kind == "OK" else ""


def positive(text: str | None) -> int | None:
    """A number that is neither 0 nor too large, or None."""
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        return None
    number = int(digits)
    return number if 0 < number <= responses.HIGHEST_NUMBER else None


def _flag_list(text: str) -> frozenset[str]:
    return frozenset(text.strip().strip("()").split())
