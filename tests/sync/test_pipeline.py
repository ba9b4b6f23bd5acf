"""Fetching ahead and writing behind: order, errors, and how much waits at most."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing

import pytest

from services84.sync.pipeline import Behind, ahead


class Broken(Exception):
    """What goes wrong in the other thread."""


def put(items: Iterable[int], behind: Behind[int], failure: Exception | None = None) -> None:
    with behind:
        for item in items:
            behind.put(item)
        if failure is not None:
            raise failure


def test_an_error_of_the_source_comes_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise Broken

    seen: list[int] = []
    with pytest.raises(Broken):
        seen.extend(ahead(source()))
    assert seen == [1, 2]


def test_one_item_is_made_ahead_and_no_more() -> None:
    made = [threading.Event() for _ in range(4)]

    def source() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    with closing(ahead(source())) as items:
        assert next(items) == 0
        assert made[1].wait(10)
        assert not made[2].is_set()


def test_items_keep_their_order() -> None:
    assert list(ahead(range(50))) == list(range(50))
    assert list(ahead([])) == []


def test_after_an_error_nothing_more_is_written_and_it_comes_out() -> None:
    def write(item: int) -> None:
        if item == 2:
            raise Broken

    written: list[int] = []
    with pytest.raises(Broken):
        put(range(1, 9), Behind(write, written.append))
    assert written == [1]


def test_what_is_under_way_is_finished_and_told_of_when_the_caller_fails() -> None:
    written: list[int] = []
    with pytest.raises(Broken):
        put([1], Behind(lambda _: None, written.append), failure=Broken())
    assert written == [1]


def test_the_callers_error_counts_more_than_one_of_writing() -> None:
    def write(_: int) -> None:
        raise ValueError

    with pytest.raises(Broken):
        put([1], Behind(write, lambda _: None), failure=Broken())


def test_written_is_called_in_the_callers_thread_and_in_order() -> None:
    told: list[tuple[int, threading.Thread]] = []
    with Behind(lambda _: None, lambda n: told.append((n, threading.current_thread()))) as behind:
        for item in range(5):
            behind.put(item)
    assert told == [(item, threading.current_thread()) for item in range(5)]
