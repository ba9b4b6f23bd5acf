"""Many folders looked at in few round trips: EXAMINE and what follows it, sent ahead for several.

Servers do what they are sent in its order wherever the order matters (RFC 3501 section 5.5), so
that it can be told by its place which folder an answer is about. Reads only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from services84.errors import MailServerRefused
from services84.imap.folders import Folders
from services84.imap.names import Pieces, verbatim
from services84.imap.reading import (
    FLAGS,
    Reading,
    fetched_by_uid,
    flag_states,
    flags_since,
    found_uids,
)
from services84.imap.session import Command, Completion
from services84.imap.values import ExaminedFolder, FolderDelta, Inquiry, Surveyed, SyncPoint

MOST_FOLDERS = 16  # under way at a time
MOST_MESSAGES = 20_000  # the answers about which are held in memory
CHANGES_SHARE = 10  # of so many messages one, at most, is expected to have changed


@dataclass(frozen=True)
class _Question:
    """One command behind an EXAMINE: which member of Surveyed it fills, and how."""

    member: str
    command: Command
    read: Callable[[Completion], Any]


class Surveying(Folders, Reading):
    """What can be found out of many folders at once."""

    def survey(self, inquiries: Iterable[Inquiry]) -> Iterator[Surveyed]:
        """Open folders one after the other and ask what there is to ask; answers in their order.

        A folder that is refused gives its refusal. Take all the answers before asking for
        anything else; the last folder is open then, where it was not refused. Raises
        MailServerError when the conversation breaks or the server asks for patience, after the
        answers that came until then.
        """
        self._enable()
        for window in windows(inquiries):
            yield from self._surveyed(window)

    def _surveyed(self, window: Sequence[Inquiry]) -> Iterator[Surveyed]:
        asked = [self._questions(one) for one in window]
        commands = [
            [Command("EXAMINE", (self._opening(one.server_name, self._since(one)),))]
            + [question.command for question in questions]
            for one, questions in zip(window, asked, strict=True)
        ]
        self._leave()
        completions = self._said_to_all(chain.from_iterable(commands))
        for at, (one, questions) in enumerate(zip(window, asked, strict=True), 1):
            found = self._answer(one, questions, completions)
            if at == len(window) and found.examined is not None:
                self._entered(one.server_name, writable=False)
            yield found

    def _since(self, inquiry: Inquiry) -> SyncPoint | None:
        return inquiry.since if self._can_resync else None

    def _questions(self, inquiry: Inquiry) -> list[_Question]:
        questions = []
        if inquiry.changes is not None:
            changes = _uid(verbatim(f"FETCH 1:* {flags_since(inquiry.changes)}"))
            questions.append(_Question("changes", changes, _changes))
        if inquiry.flags:
            flags = _uid(verbatim(f"FETCH 1:* {FLAGS}"))
            questions.append(_Question("flags", flags, _flags))
        if inquiry.uids:
            questions.append(_Question("uids", _uid(self._uid_search("ALL")), found_uids))
        return questions

    def _answer(
        self, inquiry: Inquiry, questions: Sequence[_Question], completions: Iterator[Completion]
    ) -> Surveyed:
        refusal, opening = None, next(completions)
        try:
            self._check("EXAMINE", opening)
            examined = self._opened(inquiry.server_name, opening, self._since(inquiry))
        except MailServerRefused as refused:
            refusal = refused
        answers = list(zip(questions, islice(completions, len(questions)), strict=True))
        if refusal is not None:
            # No folder is open, or who knows which: the answers say nothing of this one.
            return Surveyed(inquiry.server_name, None, refusal=refusal)
        self._had_open = True
        return self._told(Surveyed(inquiry.server_name, examined), examined, answers)

    def _told(
        self,
        found: Surveyed,
        examined: ExaminedFolder,
        answers: Sequence[tuple[_Question, Completion]],
    ) -> Surveyed:
        # Questions about one folder may be worked on at a time, and their data come mixed.
        said = [response for _, completion in answers for response in completion.responses]
        for question, completion in answers:
            self._note(completion)
            if not examined.exists:  # of which servers have refused to say anything
                nothing = replace(completion, responses=[])
                found = replace(found, **{question.member: question.read(nothing)})
            elif not _is_pointless(question, examined):
                found = self._with(found, question, replace(completion, responses=said))
        return found

    def _with(self, found: Surveyed, question: _Question, completion: Completion) -> Surveyed:
        try:
            self._check("UID", completion)
        except MailServerRefused as refusal:
            return replace(found, refusal=found.refusal or refusal)
        return replace(found, **{question.member: question.read(completion)})


def windows(inquiries: Iterable[Inquiry]) -> Iterator[list[Inquiry]]:
    """Those that are under way together; what alone is too much goes alone."""
    window: list[Inquiry] = []
    held = 0
    for one in inquiries:
        weight = weight_of(one)
        if window and (len(window) >= MOST_FOLDERS or held + weight > MOST_MESSAGES):
            yield window
            window, held = [], 0
        window.append(one)
        held += weight
    if window:
        yield window


def weight_of(inquiry: Inquiry) -> int:
    """About how many messages the answers will tell of."""
    if inquiry.messages is None:
        return MOST_MESSAGES
    return inquiry.messages if inquiry.flags else inquiry.messages // CHANGES_SHARE


def _is_pointless(question: _Question, examined: ExaminedFolder) -> bool:
    """A folder that keeps no mod-sequences cannot tell what has changed (RFC 7162 section
    3.1.2.2), and has to refuse."""
    return question.member == "changes" and examined.highest_mod_seq is None


def _uid(argument: Pieces) -> Command:
    return Command("UID", (argument,))


def _flags(completion: Completion) -> dict[int, Any]:
    return flag_states(fetched_by_uid(completion))


def _changes(completion: Completion) -> FolderDelta:
    return FolderDelta(_flags(completion), None)
