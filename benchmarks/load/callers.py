"""The callers, in a process of their own: `python -m benchmarks.load.callers FILE`.

FILE holds the JSON of a `Task`; a line of JSON tells what came of it. Everything goes to the
loopback, and ends after the seconds that were given.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
OPEN_FILES = 8192
PIECES = 10  # in which a slow caller sends its request


@dataclass
class Task:
    """`requests` are bodies, one a connection; `expected` stands in every answer that counts.

    With `slow` callers every connection belongs to a caller that thinks for `think` seconds, on
    average, between its calls; the first `slow` of them take `sending` seconds to send one.
    """

    port: int
    requests: list[str]
    expected: str
    seconds: float
    slow: int = 0
    think: float = 0.0
    sending: float = 0.0


@dataclass
class Outcome:
    """How long each call took, in seconds, and how many failed."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    slow_calls: int = 0
    failures: int = 0

    def summary(self) -> dict[str, float]:
        found = sorted(self.latencies) or [0.0]
        return {
            "seconds": self.seconds,
            "calls": len(self.latencies),
            "slow_calls": self.slow_calls,
            "failures": self.failures,
            "p50": found[len(found) // 2],
            "p99": found[min(len(found) - 1, int(len(found) * 0.99))],
            "max": found[-1],
        }


def message(body: str) -> bytes:
    """A request as a client with a kept connection sends it."""
    content = body.encode()
    return (
        f"POST /Remote/Services84/EMail.svc HTTP/1.1\r\nHost: {HOST}\r\n"
        f"Content-Type: text/xml; charset=utf-8\r\nContent-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def is_whole(answer: bytes | bytearray) -> bool:
    """Whether an answer has come to its end: by its length, or by the last of its chunks."""
    head, gap, body = bytes(answer).partition(b"\r\n\r\n")
    if not gap:
        return False
    _, found, rest = head.lower().partition(b"content-length:")
    if found:
        return len(body) >= int(rest.partition(b"\r\n")[0])
    return body.endswith(b"0\r\n\r\n")


def as_fast_as_they_are_answered(task: Task) -> Outcome:
    """Every connection sends its next call when it has the answer to the last."""
    outcome, expected = Outcome(), task.expected.encode()
    selector = selectors.DefaultSelector()
    begun = time.perf_counter()
    for body in task.requests:
        sock = socket.create_connection((HOST, task.port), timeout=60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        call = message(body)
        sock.sendall(call)
        selector.register(sock, selectors.EVENT_READ, [call, time.perf_counter(), bytearray()])
    while selector.get_map():
        for key, _ in selector.select(60):
            call, sent, answer = key.data
            piece = key.fileobj.recv(65536)  # type: ignore[union-attr]
            answer += piece
            if piece and not is_whole(answer):
                continue
            now = time.perf_counter()
            if answer.startswith(b"HTTP/1.1 200") and expected in answer:
                outcome.latencies.append(now - sent)
            else:
                outcome.failures += 1
            if now - begun > task.seconds or not piece:
                selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
                continue
            key.data[1:] = [now, bytearray()]
            key.fileobj.sendall(call)  # type: ignore[union-attr]
    outcome.seconds = time.perf_counter() - begun
    return outcome


async def _answer(reader: asyncio.StreamReader) -> bytes:
    answer = bytearray()
    while not is_whole(answer):
        piece = await reader.read(65536)
        if not piece:
            raise ConnectionError
        answer += piece
    return bytes(answer)


async def _caller(task: Task, call: bytes, slow: bool, end: float, outcome: Outcome) -> None:
    think = random.Random(call).uniform
    await asyncio.sleep(think(0, task.think))
    reader, writer = await asyncio.open_connection(HOST, task.port)
    while time.perf_counter() < end:
        size = -(-len(call) // (PIECES if slow else 1))
        begun = time.perf_counter()
        for start in range(0, len(call), size):
            writer.write(call[start : start + size])
            if slow:
                await asyncio.sleep(task.sending / PIECES)
        answer = await asyncio.wait_for(_answer(reader), 60)
        if task.expected.encode() not in answer:
            outcome.failures += 1
        elif slow:
            outcome.slow_calls += 1
        else:
            outcome.latencies.append(time.perf_counter() - begun)
        await asyncio.sleep(think(0.5 * task.think, 1.5 * task.think))
    writer.close()


async def crowd(task: Task) -> Outcome:
    """Every connection is a caller's own and kept; see `Task`."""
    outcome = Outcome()
    begun = time.perf_counter()
    done = await asyncio.gather(
        *(
            _caller(task, message(body), number < task.slow, begun + task.seconds, outcome)
            for number, body in enumerate(task.requests)
        ),
        return_exceptions=True,
    )
    outcome.failures += sum(isinstance(one, BaseException) for one in done)
    outcome.seconds = time.perf_counter() - begun
    return outcome


def main() -> int:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    task = Task(**json.loads(Path(sys.argv[1]).read_text()))
    outcome = asyncio.run(crowd(task)) if task.think else as_fast_as_they_are_answered(task)
    print(json.dumps(outcome.summary()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
