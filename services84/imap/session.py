"""What the conversation's rooms need of a session: to perform a command and hear the outcome.

Types only; `connection` implements them over imaplib2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from services84.imap.framing import Response
from services84.imap.names import Pieces


@dataclass(frozen=True)
class Completion:
    """A command's tagged status (OK, NO or BAD) with its text, and every untagged response that
    came since the command before, whatever it is about."""

    status: str
    text: bytes
    responses: list[Response] = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.status == "OK"


class Command(NamedTuple):
    """A command and its arguments."""

    name: str
    arguments: tuple[Pieces, ...] = ()


Answer = Callable[[bytes], bytes | None]
"""What is sent when the server asks to go on, given its text; None sends nothing."""


class Session(Protocol):
    """A conversation with one server; one command at a time."""

    capabilities: frozenset[str]

    def perform(self, name: str, *arguments: Pieces, answer: Answer | None = None) -> Completion:
        """Perform a command; raises MailServerError when the conversation breaks."""

    def perform_all(self, commands: Sequence[Command]) -> Iterator[Completion]:
        """Send several commands at once; gives their completions in their order.

        A completion has what came since the one before it. The conversation breaks, with what
        `perform` raises, after the completions that came until then. Together the answers are
        held to the limits of one command's. No argument may need to be waited for (ValueError);
        completions that nobody takes are waited for before the next command.
        """

    def idle(
        self, seconds: float, stop: Callable[[], bool], news: Callable[[Response], bool]
    ) -> Completion:
        """Perform IDLE (RFC 2177) until a response is `news`, `stop` says so, or the time is
        over; raises as `perform`."""

    def signed_in(self, capabilities: frozenset[str]) -> None:
        """The server has accepted the login; these are its capabilities now."""

    def selected(self, is_selected: bool) -> None:
        """Whether a folder is selected now."""

    def leave(self) -> None:
        """Say that the conversation is over, without waiting for the answer: `end` does that.
        Nothing else may be said then; never raises."""

    def end(self) -> None:
        """Leave politely if possible, soon in any case; never raises."""
