"""Copies of what was sent, in the sender's own mailbox; the cache follows.

What has been sent stays sent: whatever goes wrong here is told in ExtraInfo (`Send.SentCopy`) and
fails no call, lest somebody sends it again. A message that the folder has already, by its
Message-ID, is not put there twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import structlog

from services84.agents.call import Call
from services84.agents.email.outbox import Dispatch, Letter
from services84.agents.mailboxes import server_name
from services84.agents.usual_folders import make_folder
from services84.errors import MailServerRefused, Services84Error
from services84.imap.names import decode_name
from services84.imap.special import SENT, special_folder
from services84.imap.values import Appended, ListedFolder
from services84.sync.errands import Errand

log = structlog.get_logger(__name__)

EXTRA = "Send.SentCopy"
SEEN = ("\\Seen",)
# Of the time that a caller waits: what is later than that had better not be begun, and a megabyte
# may take a second more.
LAST_COPY = 0.8
MEGABYTE = 1_000_000
# Providers that file what goes through their submission servers in the same mailbox's folder for
# sent mail; by the ends of their servers' names.
FILING_PROVIDERS = ((".gmail.com", ".googlemail.com"), (".office365.com", ".outlook.com"))


@dataclass(frozen=True)
class Copies:
    """Where copies are to be put: `open` gives the errand, `folder` names one or leaves it to
    the mailbox. `files_itself` is for a provider that puts them there."""

    open: Callable[[], AbstractContextManager[Errand]]
    folder: str
    member: str
    files_itself: bool


@dataclass(frozen=True)
class Filed:
    """Where copies are now: UIDs by the letters' numbers. The errand is done."""

    errand: Errand
    server_name: str
    name: str
    uid_validity: int
    uids: dict[int, int]


def files_itself(smtp_host: str, imap_host: str) -> bool:
    """Whether what is sent through one server is filed in the mailbox of the other by itself."""
    return any(
        all(host.lower().endswith(ends) for host in (smtp_host, imap_host))
        for ends in FILING_PROVIDERS
    )


def keep_copies(call: Call, copies: Copies, done: Dispatch, started: float) -> Filed | None:
    """Put what was sent into the sender's mailbox; None, and ExtraInfo, where that fails."""
    if not done.sent:
        return None
    allowed = LAST_COPY * call.services.settings.sync_wait + sum(done.sizes.values()) / MEGABYTE
    if time.monotonic() - started > allowed:
        call.extra[EXTRA] = "the time of the call was over; the mail was sent, and no copy kept"
        return None
    with after_sending(call):
        return _filed(copies, done.sent)
    return None


@contextmanager
def after_sending(call: Call) -> Iterator[None]:
    """For what is done when mail has been sent: nothing that goes wrong here fails the call."""
    try:
        yield
    except Services84Error as error:
        call.extra[EXTRA] = f"the mail was sent, and no copy kept: {error.message}"
    except Exception as error:  # a fault of ours must not have anybody send again either
        log.error("send.no_copy", exc_info=error)
        call.extra[EXTRA] = "the mail was sent, and no copy kept; the service's log says why"


def _filed(copies: Copies, letters: Sequence[Letter]) -> Filed:
    with copies.open() as errand:
        listed = errand.connection.folders()
        special = special_folder(SENT, listed)
        named = bool(copies.folder.strip())
        if named or special is None:
            spelt = _made(errand, listed, copies.folder if named else SENT.new_name, copies.member)
        else:
            spelt = special.server_name
        is_special = special is not None and spelt == special.server_name
        uids, uid_validity = _there(errand, spelt, letters)
        errand.touch(spelt)
        if not (copies.files_itself and is_special):
            for letter in letters:
                if letter.number not in uids:
                    added = _append(errand, spelt, letter)
                    if added.uid is not None and added.uid_validity == uid_validity:
                        uids[letter.number] = added.uid
            if len(uids) < len(letters):  # the server does not tell where it has put them
                uids, uid_validity = _there(errand, spelt, letters)
    name = decode_name(spelt.encode("latin-1"))
    return Filed(errand, spelt, name, uid_validity, uids)


def _made(errand: Errand, listed: list[ListedFolder], name: str, member: str) -> str:
    """The folder of this name, made and subscribed where it is missing."""
    spelt = server_name(errand, name, member=member, folders=listed)
    if all(one.server_name != spelt for one in listed):
        errand.touch(spelt)
        make_folder(errand.connection, spelt)
        errand.connection.subscribe(spelt)
    return spelt


def _there(errand: Errand, spelt: str, letters: Sequence[Letter]) -> tuple[dict[int, int], int]:
    """The letters that the folder has, and its UIDVALIDITY."""
    # Courier takes no message for a folder that is open for reading only.
    state = errand.connection.select(spelt)
    ids = {letter.draft.message_id: letter.number for letter in letters}
    found = errand.connection.uids_by_message_id(ids)
    return {ids[one]: max(uids) for one, uids in found.items() if uids}, state.uid_validity


def _append(errand: Errand, spelt: str, letter: Letter) -> Appended:
    source = letter.source(with_bcc=True)
    try:
        return errand.connection.append(spelt, source, SEEN, letter.date)
    except ValueError as error:
        raise MailServerRefused(str(error)) from error
