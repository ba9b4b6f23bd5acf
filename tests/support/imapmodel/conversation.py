"""One connection of the model server: lines in, answers out, and the faults that are due.

What a command means is `session`'s matter.
"""

from __future__ import annotations

import re
import socket
from abc import ABC, abstractmethod
from io import BufferedReader
from typing import TYPE_CHECKING

from tests.support.imapmodel.faults import Fault, Kind
from tests.support.imapmodel.wire import Command, Illegal, command

if TYPE_CHECKING:
    from tests.support.imapmodel.server import Server

BASIC = "IMAP4rev1 AUTH=PLAIN SASL-IR"
DRIP_SECONDS = 0.02
_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n\Z")


class Refused(Exception):
    """The tagged NO to a command, with its text; `given` are untagged lines before it."""

    def __init__(self, text: str, *given: bytes) -> None:
        super().__init__(text)
        self.given = given


class Left(Exception):
    """The conversation is over; the text is the BYE, if there is one."""


class Conversation(ABC):
    """A connection; `perform` and `noise` are what it is about."""

    def __init__(self, server: Server, connection: socket.socket, lines: BufferedReader) -> None:
        self._server = server
        self._socket = connection
        self._lines = lines
        self._signed_in = False

    @abstractmethod
    def perform(self, said: Command, faults: list[Fault]) -> bytes:
        """The whole answer to a command; the server's lock is held."""

    @abstractmethod
    def noise(self) -> bytes:
        """Untagged lines, true or meaningless, that nobody asked for."""

    def run(self) -> None:
        """Talk until the client or a fault ends it."""
        self._send(b"* OK [CAPABILITY %s] model ready\r\n" % self._offers())
        try:
            while line := self._lines.readline():
                self._answer(line)
        except Left as left:
            if str(left):
                self._send(f"* BYE {left}\r\n".encode())

    def _offers(self) -> bytes:
        return " ".join([BASIC, *sorted(self._server.offers)]).encode()

    def _send(self, data: bytes) -> None:
        self._socket.sendall(data)

    # One command --------------------------------------------------------------------------------

    def _answer(self, line: bytes) -> None:
        said = self._read(line)
        if said is None:
            self._send(line.partition(b" ")[0] + b" BAD that was no command\r\n")
            return
        faults: list[Fault] = []
        if self._signed_in and said.name != "LOGOUT":
            self._server.commands.append(said.text)
            faults = self._server.faults.due(said.text)
        with self._server.lock:
            for fault in faults:
                if fault.change is not None:
                    fault.change(self._server.mailbox)
            answer = self.perform(said, faults)
        self._reply(answer, faults)
        if said.name == "LOGOUT":
            raise Left

    def _read(self, line: bytes) -> Command | None:
        """The whole command, with its literals; None when it is none."""
        literals: list[bytes] = []
        while found := _LITERAL.search(line):
            if not found[2]:
                self._send(b"+ go on\r\n")
            literals.append(self._lines.read(int(found[1])))
            line += self._lines.readline()
        try:
            return command(line, literals)
        except Illegal as problem:
            self._server.problems.append(str(problem))
            return None

    # What goes wrong ----------------------------------------------------------------------------

    @staticmethod
    def refuse(faults: list[Fault]) -> None:
        for fault in faults:
            if fault.kind is Kind.REFUSE:
                raise Refused(fault.text)
            if fault.kind is Kind.THROTTLE:
                raise Refused(f"Suggested Backoff Time: {fault.amount} milliseconds")

    @staticmethod
    def omitting(lines: list[bytes], said: Command, faults: list[Fault]) -> list[bytes]:
        """What a lossy server tells of everything; what changed it tells in full."""
        if any(fault.kind is Kind.FORGET for fault in faults):
            return [line for line in lines if not line.startswith(b"* VANISHED (EARLIER)")]
        lossy = [fault.amount + 2 for fault in faults if fault.kind is Kind.OMIT]
        if not lossy or not said.text.endswith("1:* (FLAGS)"):
            return lines
        return [line for at, line in enumerate(lines) if at % lossy[0]]

    @staticmethod
    def falsified(line: bytes, faults: list[Fault]) -> bytes:
        """An untagged line as the faults want it."""
        for fault in faults:
            if fault.kind is Kind.COUNT and (found := re.fullmatch(rb"\* (\d+) EXISTS", line)):
                # Never an empty folder where there is one: that could but be believed.
                there = int(found[1])
                line = b"* %d EXISTS" % max(min(there, 1), there + fault.amount)
            elif fault.kind is Kind.STATUS and line.startswith(b"* STATUS"):
                head, tail = line.rsplit(b"(", 1)
                line = head + b"(" + _numbers_off_by(tail, fault.amount)
        return line

    def _reply(self, answer: bytes, faults: list[Fault]) -> None:
        for fault in faults:
            at = len(answer) * fault.amount // 100
            if fault.kind is Kind.BYE:
                raise Left(fault.text)
            if fault.kind is Kind.PAD:
                answer = b"* OK " + b"x" * fault.amount + b"\r\n" + answer
            elif fault.kind is Kind.SLOW:
                self._server.over.wait(fault.amount / 1000)
            elif fault.kind is Kind.NEWS:
                answer = self.noise() + answer
            elif fault.kind is Kind.CUT:
                self._send(answer[:at])
                raise Left
            elif fault.kind is Kind.SILENT:
                self._wait_for_leaving()
            elif fault.kind is Kind.DRIP:
                self._drip(answer, at)
                return
        self._send(answer)

    def _wait_for_leaving(self) -> None:
        while self._lines.readline():
            pass
        raise Left

    def _drip(self, answer: bytes, start: int) -> None:
        self._send(answer[:start])
        for at in range(start, len(answer)):
            self._send(answer[at : at + 1])
            if self._server.over.wait(DRIP_SECONDS):
                return


def _numbers_off_by(text: bytes, amount: int) -> bytes:
    return re.sub(rb"\d+", lambda found: b"%d" % max(1, int(found[0]) + amount), text)
