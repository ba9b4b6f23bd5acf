"""Reading in other processes: the same result as here, whatever happens to those processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from services84.mime.parse import UNREADABLE, parse
from services84.store.compression import compress, pack
from services84.sync import reading
from services84.sync.desks import MOST_BYTES, Desk, Read, flat, unflat
from services84.sync.reader import read
from services84.sync.reading import AHEAD, Pending, ReaderProcess, Readers, Unusable, read_with

PATIENCE = 30.0
ATTACHED = (
    b"From: Ase <ase@example.com>\r\nSubject: =?utf-8?q?r=C3=B8d?=\r\nMessage-ID: <1@example.com>\r\n"
    b"Date: Mon, 5 Jan 2026 10:00:00 +0100\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nhello\r\n--b\r\nContent-Type: image/png; name=a.png\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8gaGVsbG8=\r\n--b--\r\n"
)
SOURCES = [ATTACHED, b"", b"\xff\xfe no mail \0", b"Subject: x\n\ny", b"\r\n" * 1000]
FILLING = b"Subject: filling\r\n\r\n" + b"words and words\r\n" * 3000


@pytest.fixture
def process() -> Iterator[ReaderProcess]:
    process = ReaderProcess()
    yield process
    process.end()


@pytest.fixture
def readers() -> Iterator[Readers]:
    readers = Readers(1)
    yield readers
    readers.stop()


def result(future: Future[list[Read]] | None) -> list[Read]:
    assert future is not None
    return future.result(PATIENCE)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class DiesOf:
    """A process that dies of one message, as of a defect of an interpreter or of too little memory."""

    def __init__(self, poison: bytes) -> None:
        self._process = ReaderProcess()
        self._poison = poison

    def read(self, sources: list[bytes]) -> list[Read]:
        if self._poison in sources:
            os.kill(self._process.pid, signal.SIGKILL)
        return self._process.read(sources)

    def end(self, patience: float = 5.0) -> None:
        self._process.end(patience)


# Failures ---------------------------------------------------------------------------------------


def test_a_message_that_its_reader_dies_of_is_noted_and_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "ReaderProcess", lambda: DiesOf(b"poison"))
    process, found = read_with(reading.ReaderProcess(), [ATTACHED, b"poison", b"Subject: x\n\ny"])
    process.end()
    assert [parsed.problem for parsed, _ in found] == [
        "",
        "the message cannot be read (its reader died)",
        "",
    ]
    assert found[1][0].problem.startswith(UNREADABLE)
    assert [packed for _, packed in found] == [
        pack(source) for source in (ATTACHED, b"poison", b"Subject: x\n\ny")
    ]


def test_a_batch_whose_process_was_killed_is_read_by_another_one(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[ReaderProcess] = []

    class Noted(ReaderProcess):
        def __init__(self) -> None:
            super().__init__()
            started.append(self)

    monkeypatch.setattr(reading, "ReaderProcess", Noted)
    sources = [FILLING] * 60
    result(readers.submit(sources))
    os.kill(started[0].pid, signal.SIGKILL)
    assert result(readers.submit(sources)) == [read(FILLING)] * 60
    assert len(started) == 2


def test_two_batches_of_a_process_that_was_killed_are_both_read(readers: Readers) -> None:
    sources = [FILLING] * 60
    result(readers.submit(sources))
    (reader,) = readers._readers
    assert reader.process is not None
    os.kill(reader.process.pid, signal.SIGSTOP)
    under_way = [readers.submit(sources), readers.submit([ATTACHED, *sources])]
    os.kill(reader.process.pid, signal.SIGKILL)
    assert [result(one) for one in under_way] == [
        [read(FILLING)] * 60,
        [read(ATTACHED), *[read(FILLING)] * 60],
    ]
    assert result(readers.submit(sources)) == [read(FILLING)] * 60  # and it goes on


def test_where_no_process_can_be_started_messages_are_left_to_whoever_needs_them(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert readers.submit([FILLING] * 60) is None
    monkeypatch.undo()
    assert readers.submit([FILLING] * 60) is None  # nobody tries again


def test_where_a_process_does_not_begin_its_messages_are_read_here(
    readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    assert result(readers.submit([FILLING] * 60)) == [read(FILLING)] * 60
    assert readers.submit([FILLING] * 60) is None


@pytest.mark.parametrize("executable", ["/nonexistent/python", "/bin/true"])
def test_a_program_that_is_no_python_is_found_out(
    executable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(Unusable):
        ReaderProcess().read([ATTACHED])


def test_a_process_that_takes_too_long_is_given_up(
    process: ReaderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.read([ATTACHED])
    monkeypatch.setattr(reading, "_PATIENCE", 0.05)
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        process.read([b"Subject: x\n\ny"])
    process.end(0)
    assert not alive(process.pid)


# Results ----------------------------------------------------------------------------------------


def test_another_process_reads_what_this_one_reads(process: ReaderProcess) -> None:
    assert process.read(SOURCES) == [read(source) for source in SOURCES]


def test_the_whole_corpus_reads_alike_in_both(process: ReaderProcess, shared_folder: Path) -> None:
    paths = sorted((shared_folder / "corpus").rglob("*.eml"))[::10]
    sources = [path.read_bytes() for path in paths]
    assert process.read(sources) == [read(source) for source in sources]


def test_what_was_read_is_the_parsed_message_without_its_texts_and_its_packed_bytes() -> None:
    found = read(ATTACHED)
    assert found == (parse(ATTACHED, texts=False), pack(ATTACHED))
    assert compress(found[1]) == compress(ATTACHED)
    assert len(found[1]) == len(ATTACHED)
    assert unflat(found[1].content, found[1].size, flat(found[0])) == found


def test_what_does_not_get_smaller_and_says_much_comes_whole_as_well() -> None:
    desk = Desk.new()
    other = Desk(os.dup(desk.fileno()))
    said = b"Content-Type: text/html\r\n\r\n" + b"\xe2\x98\x83" * 20
    for sources in ([os.urandom(70_000)] * 3, [b""] * 2000, [said] * 100, [b"\n" * MOST_BYTES]):
        told = other.read_all(desk.put(sources), read)
        assert desk.taken(told) == [read(source) for source in sources]
    desk.close()
    other.close()


def test_an_answer_that_has_no_room_on_the_desk_goes_through_the_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk.new()
    other = Desk(os.dup(desk.fileno()))
    monkeypatch.setattr("services84.sync.desks._ROOM", 4096)
    told = other.read_all(desk.put([ATTACHED] * 9), read)
    assert isinstance(told, bytes)
    assert desk.taken(told) == [read(ATTACHED)] * 9
    desk.close()
    other.close()


# When it pays -----------------------------------------------------------------------------------


def test_few_messages_are_left_to_whoever_needs_them(readers: Readers) -> None:
    assert readers.submit(SOURCES) is None
    assert readers.submit([FILLING * 100]) is None  # one alone keeps nobody waiting
    assert readers.submit([b"x" * MOST_BYTES, b"x"]) is None  # nor is there room for them
    assert [one.result() for one in reading.begin(SOURCES)] == [read(one) for one in SOURCES]


def test_a_process_is_there_when_many_messages_are_expected(readers: Readers) -> None:
    assert readers.submit([FILLING] * 4) is None
    readers.prepare()
    readers.prepare()
    assert len(readers._readers) == 1
    assert result(readers.submit([FILLING] * 4)) == [read(FILLING)] * 4
    Readers(0).prepare()  # no processor to spare


def test_a_small_batch_uses_a_process_that_is_there_already(readers: Readers) -> None:
    small = [FILLING] * 4
    assert readers.submit(small) is None
    result(readers.submit([FILLING] * 60))
    assert result(readers.submit(small)) == [read(FILLING)] * 4


def test_who_finds_the_readers_busy_reads_for_himself() -> None:
    readers = Readers(1)
    result(readers.submit([FILLING] * 60))
    (reader,) = readers._readers
    assert reader.process is not None
    os.kill(reader.process.pid, signal.SIGSTOP)
    futures = [readers.submit([FILLING] * 60) for _ in range(AHEAD + 1)]
    assert [future is None for future in futures] == [*[False] * AHEAD, True]
    os.kill(reader.process.pid, signal.SIGCONT)
    assert [len(result(future)) for future in futures[:AHEAD]] == [60] * AHEAD
    readers.stop()
    assert Readers(0).submit([FILLING] * 60) is None  # no processor to spare


def test_a_pending_message_is_one_of_its_batch(readers: Readers) -> None:
    batch = readers.submit([FILLING] * 59 + [ATTACHED])
    assert batch is not None
    assert Pending(batch, 59).result() == read(ATTACHED)


# The end ----------------------------------------------------------------------------------------


def test_an_idle_process_ends(readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "IDLE_SECONDS", 0.1)
    result(readers.submit([FILLING] * 60))
    until(lambda: not readers._readers)
    result(readers.submit([FILLING] * 60))  # and comes back when it is wanted


def test_a_stop_ends_the_processes_and_nothing_is_begun_any_more(readers: Readers) -> None:
    result(readers.submit([FILLING] * 60))
    readers.stop()
    assert not readers._readers
    assert readers.submit([FILLING] * 60) is None


PARENT = """
import os, sys
from services84.sync.reading import ReaderProcess
print(ReaderProcess().pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_reader_ends_with_the_process_that_started_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        check=False,
        timeout=PATIENCE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    until(lambda: not alive(int(done.stdout)))


def test_a_reader_is_told_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICES84_DATABASE_URL", "postgresql://u:secret@localhost/x")
    process = ReaderProcess()
    told = Path(f"/proc/{process.pid}/environ").read_bytes()
    process.end()
    assert b"SERVICES84_" not in told
