"""What every command of a signed-in connection shares: perform it, hear the outcome, keep count.

The state of one conversation (which folder is open, how many messages it has, what was enabled)
and the spelling of names in it. What commands are for is its subclasses' matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from services84.errors import MailServerRefused
from services84.imap import names, responses
from services84.imap.names import Pieces, astring, verbatim
from services84.imap.refusals import command_refusal
from services84.imap.responses import StatusText
from services84.imap.session import Command, Completion, Session
from services84.mailhost import MailHost

LONGEST_SET = 7000  # characters; RFC 2683 section 3.2.1.5 wants lines below 8000
# What may alter the count; LIST and STATUS, which come in numbers, do not.
_COUNTS = re.compile(rb"\*[ \t]+(?:\d|VANISHED)", re.IGNORECASE)
_UTF8 = frozenset({"UTF8=ACCEPT", "UTF8=ONLY"})
# Sent without waiting for the server: any server with LITERAL- or LITERAL+ takes the first size;
# the second buys a round trip, and beyond it a refusal had better come before the data.
_UNASKED = {"LITERAL+": 256 * 1024, "LITERAL-": 4096}  # bytes (RFC 7888 sections 4 and 5)


class Conversation:
    """A signed-in conversation and what is known of its state."""

    def __init__(self, host: MailHost, session: Session) -> None:
        self._host = host
        self._session = session
        self._selected: str | None = None  # the open folder's server name
        self._writable = False
        self._exists = 0
        self._had_open = False  # a folder, at any time
        self._asked_to_enable = False
        self._enabled: frozenset[str] = frozenset()

    @property
    def capabilities(self) -> frozenset[str]:
        """What the server offers after login, upper-case."""
        return self._session.capabilities

    def _has_messages(self) -> bool:
        """Whether there is anything to ask the open folder for. Raises MailServerRefused when none
        is open: that is no empty folder."""
        if self._selected is None:
            raise self._refused("has no folder open")
        return self._exists > 0

    # Extensions that have to be asked for ---------------------------------------------------------

    def _enable(self) -> None:
        """Once, and before any folder is open (RFC 5161 section 3.1).

        UTF8=ACCEPT (RFC 6855) lets internationalised messages come as they are, and is the only
        way to speak with a server that is UTF8=ONLY.
        """
        for command in self._enabling():
            self._enabled_by(self._perform(command.name, *command.arguments))

    def _enabling(self) -> list[Command]:
        """The command that `_enable` performs, where there is one and it was not said yet."""
        if self._asked_to_enable:
            return []
        self._asked_to_enable = True
        wanted = ["QRESYNC"] if "QRESYNC" in self.capabilities else []
        if self.capabilities & _UTF8:
            wanted.append("UTF8=ACCEPT")
        if not wanted or not self.capabilities & {"ENABLE", "UTF8=ONLY"}:
            return []
        return [Command("ENABLE", (verbatim(" ".join(wanted)),))]

    def _enabled_by(self, completion: Completion) -> None:
        said = [one.rest for one in untagged_of(completion) if one.kind == "ENABLED"]
        enabled = responses.capabilities(b" ".join(said))
        # Servers have left the response out for QRESYNC; its effects are told by EXAMINE itself.
        self._enabled = enabled | ({"QRESYNC"} & self.capabilities)

    def _enable_utf8(self) -> None:
        """Before the first name is said or heard."""
        if self.capabilities & _UTF8:
            self._enable()

    @property
    def _utf8(self) -> bool:
        return "UTF8=ACCEPT" in self._enabled

    # Names ----------------------------------------------------------------------------------------

    def _mailbox(self, server_name: str) -> Pieces:
        """A folder's name as an argument; raises ValueError for one that cannot be sent."""
        name = server_name.encode("latin-1")
        self._enable_utf8()
        return astring(names.to_utf8(name), utf8=True) if self._utf8 else astring(name)

    def _spelling(self, name: bytes) -> bytes:
        """A name that the server has said, in the one spelling that `server_name` has."""
        return names.from_utf8(name) if self._utf8 else name

    # Commands -------------------------------------------------------------------------------------

    def _perform(self, command: str, *arguments: Pieces) -> Completion:
        completion = self._said_to(command, *arguments)
        self._check(command, completion)
        return completion

    def _check(self, command: str, completion: Completion) -> None:
        """Raises when the command was refused."""
        # Messages expunged meanwhile may turn the answer into a NO with the rest of the data
        # (RFC 2180 section 4.1.2, RFC 5530).
        if not completion.ok and not (command == "UID" and _expunged_meanwhile(completion)):
            raise command_refusal(self._host, command, completion.text)

    def _said_to_all(self, commands: Iterable[Command]) -> Iterator[Completion]:
        """Several commands, sent together as far as their arguments need not be waited for.

        Completions come in the order of the commands, refused ones as well; nothing is noted of
        them. Take them all before anything else is said.
        """
        together: list[Command] = []
        for command in commands:
            hasty = self._hasty(command.arguments)
            if any(len(argument) > 1 for argument in hasty):
                yield from self._session.perform_all(together)
                yield self._session.perform(command.name, *hasty)
                together = []
            else:
                together.append(Command(command.name, hasty))
        yield from self._session.perform_all(together)

    def _change(self, what: str, *arguments: Pieces) -> Completion:
        """Perform a UID command that changes something, which has to have happened.

        A server may refuse it because of messages that are gone without our knowing (RFC 2180
        section 4.2); once told of them it can do it for the others.
        """
        command = what.partition(" ")[0]
        completion = self._said_to("UID", verbatim(what), *arguments)
        if not completion.ok and _expunged_meanwhile(completion):
            self._perform("NOOP")
            completion = self._said_to("UID", verbatim(what), *arguments)
        if not completion.ok:
            raise command_refusal(self._host, f"UID {command}", completion.text)
        return completion

    def _said_to(self, command: str, *arguments: Pieces) -> Completion:
        completion = self._session.perform(command, *self._hasty(arguments))
        self._note(completion)
        return completion

    def _hasty(self, arguments: Iterable[Pieces]) -> tuple[Pieces, ...]:
        """The arguments, with what need not be waited for sent at once."""
        unasked = max([_UNASKED[c] for c in _UNASKED.keys() & self.capabilities], default=0)
        return tuple(names.unannounced(argument, unasked) for argument in arguments)

    def _note(self, completion: Completion) -> None:
        """Keep count of the messages in the folder, which any command's responses may alter."""
        for response in completion.responses:
            said = responses.untagged(response) if _COUNTS.match(response.text) else None
            if said is None:
                continue
            if said.kind == "EXISTS" and said.number is not None:
                self._exists = said.number
            elif said.kind == "EXPUNGE":
                self._exists = max(self._exists - 1, 0)
            elif said.kind == "VANISHED":
                earlier, ranges = responses.vanished(response) or (True, [])
                gone = sum(last - first + 1 for first, last in ranges)
                self._exists = max(self._exists - (0 if earlier else gone), 0)

    def _may_change(self) -> None:
        """Raises where nothing can be changed; some servers say OK then, and do nothing."""
        if not self._writable:
            raise self._refused("has no folder open for changes")

    def _refused(self, problem: str) -> MailServerRefused:
        return MailServerRefused(f"{self._host} {problem}", host=self._host.host)


def _expunged_meanwhile(completion: Completion) -> bool:
    return responses.status_text(completion.text).code == "EXPUNGEISSUED"


def untagged_of(completion: Completion) -> Iterator[responses.Untagged]:
    for response in completion.responses:
        said = responses.untagged(response)
        if said is not None:
            yield said


def status_texts(completion: Completion) -> list[StatusText]:
    """What the untagged OKs said, and the completion last."""
    texts = [said.rest for said in untagged_of(completion) if said.kind == "OK"]
    return [responses.status_text(text) for text in [*texts, completion.text]]


def codes(completion: Completion) -> dict[str, str]:
    """The response codes of the untagged OKs and of the completion, with their arguments."""
    return {status.code: status.argument for status in status_texts(completion) if status.code}
