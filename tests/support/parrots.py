"""Mail servers that repeat what they are told: in refusals, raw, decoded, and with its quotes."""

from __future__ import annotations

import base64
import binascii

from tests.support.scripted import Conversation, Play, ScriptedServer


def _decoded(word: bytes) -> bytes:
    try:
        return base64.b64decode(word, validate=True).replace(b"\0", b" ").replace(b"\r\n", b" ")
    except (binascii.Error, ValueError):
        return b""


def _repeated(line: bytes) -> bytes:
    """A line with what its words say in base64, and spelled out."""
    words = line.strip().split(b" ")
    return b" ".join([line.strip(), *filter(None, map(_decoded, words)), repr(line).encode()])


def imap_parrot(capabilities: bytes, *, lets_in: bool) -> ScriptedServer:
    """An IMAP server; one that lets everybody in refuses everything later on, with the words of
    the login."""
    return ScriptedServer([_imap(capabilities, lets_in=lets_in)])


def smtp_parrot() -> ScriptedServer:
    """A submission server that refuses all logins."""
    return ScriptedServer([_smtp])


def _imap(capabilities: bytes, *, lets_in: bool) -> Play:
    def play(conversation: Conversation) -> None:
        say = conversation.socket.sendall
        say(b"* OK IMAP4rev1 here\r\n")
        login = b"nothing"
        while True:
            line = conversation.receive_line()
            tag, _, rest = line.partition(b" ")
            command = rest.split()[0].upper()
            if command == b"CAPABILITY":
                say(b"* CAPABILITY IMAP4rev1 " + capabilities + b"\r\n" + tag + b" OK done\r\n")
            elif command in (b"LOGIN", b"AUTHENTICATE"):
                login = _repeated(_rest_of(conversation, line))
                word = b"OK" if lets_in else b"NO"
                say(b"* OK [ALERT] " + login + b"\r\n" + tag + b" " + word + b" " + login + b"\r\n")
            elif command == b"LOGOUT":
                say(b"* BYE " + login + b"\r\n" + tag + b" OK " + login + b"\r\n")
                return
            else:
                say(tag + b" NO " + login + b"\r\n")

    return play


def _rest_of(conversation: Conversation, line: bytes) -> bytes:
    """A login with all its literals and answers, on one line."""
    whole = line.strip()
    if b"AUTHENTICATE" in line.upper() and len(line.split()) == 3:
        conversation.socket.sendall(b"+ \r\n")
        return whole + b" " + conversation.receive_line().strip()
    while whole.endswith(b"}"):
        if not whole.endswith(b"+}"):
            conversation.socket.sendall(b"+ go on\r\n")
        whole = whole.rpartition(b"{")[0] + conversation.receive_line().strip()
    return whole


def _smtp(conversation: Conversation) -> None:
    say = conversation.socket.sendall
    say(b"220 here\r\n")
    while True:
        line = conversation.receive_line()
        command = line.split()[0].upper()
        if command == b"EHLO":
            say(b"250-here\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN\r\n")
        elif command == b"QUIT":
            say(b"221 good bye\r\n")
            return
        elif command == b"AUTH":
            whole = line.strip()
            if len(line.split()) == 2:
                say(b"334 \r\n")
                whole += b" " + conversation.receive_line().strip()
            say(b"535-5.7.8 " + whole + b"\r\n535 5.7.8 " + _repeated(whole) + b"\r\n")
        else:
            say(b"503 " + line.strip() + b"\r\n")
