"""The demo's mail server, pymap, and the mail user who fills it.

The user is someone else's mail client, so it speaks IMAP through the standard library and shares
nothing with the service's own connection.
"""

from __future__ import annotations

import imaplib
import sys
from collections.abc import Sequence
from pathlib import Path

from services84.cli.demo_mail import SampleFolder
from services84.cli.demo_process import DemoProcess
from services84.errors import Services84Error
from services84.imap.names import encode_name

HOST = "127.0.0.1"
# The system chooses the port, so that it is free for certain, and pymap is made to tell it.
_PYMAP = """
import asyncio
from pymap.main import main

start_server = asyncio.start_server

async def start_and_tell(*arguments, **options):
    server = await start_server(*arguments, **options)
    print("listens on port", server.sockets[0].getsockname()[1], flush=True)
    return server

asyncio.start_server = start_and_tell
main()
"""


def start_mail_server(folder: Path, user: str, password: str) -> tuple[DemoProcess, int]:
    """Start pymap on a free port of loopback, with one user; gives the process and the port."""
    command = [sys.executable, "-c", _PYMAP]
    command += ["--host", HOST, "--port", "0", "--no-tls", "--no-service", "admin"]
    command += ["--no-service", "managesieve"]
    command += ["dict", "--demo-user", user, "--demo-password", password]
    process = DemoProcess("pymap", command, folder / "pymap.log")
    try:
        return process, process.port_told(rb"listens on port (\d+)")
    except BaseException:
        process.stop()
        raise


def fill(port: int, user: str, password: str, mail: Sequence[SampleFolder]) -> int:
    """Put sample mail on the server; gives the number of messages."""
    try:
        with imaplib.IMAP4(HOST, port, timeout=30) as client:
            client.login(user, password)
            count = sum(_fill_folder(client, folder) for folder in mail)
    except (OSError, imaplib.IMAP4.error) as error:
        raise Services84Error(f"the demo's mail server did not take the mail: {error}") from error
    return count


def _fill_folder(client: imaplib.IMAP4, folder: SampleFolder) -> int:
    name = f'"{encode_name(folder.name).decode("ascii")}"'
    if folder.name != "INBOX":
        _expect_ok(client.create(name))
        _expect_ok(client.subscribe(name))
    for message in folder.messages:
        flags = f"({' '.join(message.flags)})"
        _expect_ok(client.append(name, flags, message.received, message.source))
    return len(folder.messages)


def _expect_ok(answer: tuple[str, Sequence[object]]) -> None:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(f"{status} {data!r}")
