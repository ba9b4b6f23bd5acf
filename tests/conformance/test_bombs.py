"""Small requests that would cost a believing server its memory, its files or its time, sent to the
service under gunicorn: each is refused in short, and the next caller is served."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from tests.support import bombs
from tests.support.bombs import LISTENER, Bomb
from tests.support.server import ServerProcess, plain_session, running_server

MEMORY = 96  # MiB that a worker may grow by for a request of a few megabytes ...
FOLD = 4  # ... and more for every byte of it
SECONDS = 3.0  # of CPU
AGENT = "/api/v1/Agents/EMail"
XML = bombs.ENTITIES | bombs.MARKUP | bombs.COMPRESSED
# What over SOAP is a message like others, with a member or an instruction that nobody asked for.
READ = {"an XInclude", "a stylesheet"}


@dataclass
class Target:
    """A service of one worker, a ticket for it, and a listener that must never be called."""

    server: ServerProcess
    ticket: str
    listener: socket.socket

    @property
    def worker(self) -> Path:
        """What the system tells of the only worker."""
        pid = self.server.pid
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return Path(f"/proc/{child}")

    def peak(self) -> int:
        """Bytes that the worker has held at most."""
        lines = (self.worker / "status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

    def cpu(self) -> float:
        """Seconds that it has computed."""
        fields = (self.worker / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def send(self, bomb: Bomb, address: str, headers: Mapping[str, str]) -> requests.Response:
        """Send it, and see what it cost."""
        port = str(self.listener.getsockname()[1]).encode()
        body = bomb.body.replace(LISTENER, port)
        content = {"Content-Type": bomb.media_type} | (
            {"Content-Encoding": bomb.encoding} if bomb.encoding else {}
        )
        (self.worker / "clear_refs").write_text("5")  # the peak begins anew: proc(5)
        held, computed = self.peak(), self.cpu()
        with plain_session() as session:
            answer = session.post(
                f"http://127.0.0.1:{self.server.port}{address}",
                data=body,
                headers=content | dict(headers),
                timeout=60,
            )
        assert self.peak() - held < MEMORY * 2**20 + FOLD * len(body)
        assert self.cpu() - computed < SECONDS
        return answer

    def is_well(self) -> None:
        """It serves the next caller, has the same worker, and has called nobody."""
        assert self.server.call("GetCurrentAccountId", ticket=self.ticket).succeeded
        with pytest.raises(BlockingIOError):
            self.listener.accept()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with (
        running_server(tmp_path_factory.mktemp("bombs"), workers=1, threads=2) as server,
        contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener,
    ):
        listener.setblocking(False)
        server.add_associate("anna")
        made = Target(server, server.sign_in("anna"), listener)
        worker = made.worker
        yield made
        assert made.worker == worker
        assert "Traceback" not in server.log()


@pytest.mark.parametrize("name", XML)
def test_a_bomb_sent_to_the_soap_endpoint_is_refused(target: Target, name: str) -> None:
    bomb = XML[name]
    answer = target.send(bomb, "/Remote/Services84/EMail.svc", {"SOAPAction": '""'})
    if name in READ:
        assert (answer.status_code, b"Succeeded>false<" in answer.content) == (200, True)
    elif bomb.encoding is not None:
        assert answer.status_code == 415
    else:
        assert (answer.status_code, b"Fault>" in answer.content) == (500, True)
    assert len(answer.content) < 4000
    assert b"root:" not in answer.content
    target.is_well()


@pytest.mark.parametrize("name", XML)
@pytest.mark.parametrize("media_type", ["application/xml", "text/xml; charset=utf-8"])
def test_a_bomb_of_xml_sent_to_the_web_api_is_refused(
    target: Target, media_type: str, name: str
) -> None:
    bomb = XML[name]
    if bomb.media_type != "text/xml":  # without a charset the bytes tell their own
        bomb = replace(bomb, media_type=media_type)
    refused(target, bomb, "GetEMailAccount")


@pytest.mark.parametrize("name", bombs.VALUES)
def test_a_bomb_of_json_or_of_a_form_is_refused(target: Target, name: str) -> None:
    bomb = bombs.VALUES[name]
    takes_id = bomb.media_type == "application/json"
    refused(target, bomb, "GetEMailAccount" if takes_id else "SaveEMailAccount")


def refused(target: Target, bomb: Bomb, operation: str) -> None:
    headers = {"Authorization": f"SoTicket {target.ticket}", "Accept": "application/json"}
    answer = target.send(bomb, f"{AGENT}/{operation}", headers)
    assert answer.status_code == bomb.status
    told = answer.json()
    assert told["Error"] is True
    assert told["ErrorMessage"]
    assert len(answer.content) < 4000
    assert "root:" not in answer.text
    target.is_well()


@pytest.mark.parametrize("selection", ["a/" * 1000, "a," * 1000, "a/b," * 500])
def test_a_selection_of_a_thousand_members_is_answered(target: Target, selection: str) -> None:
    headers = {"Authorization": f"SoTicket {target.ticket}"}
    address = f"{AGENT}/GetCurrentAccountId?$select={selection}"
    assert target.send(Bomb(b"", "application/json"), address, headers).status_code == 200
    target.is_well()
