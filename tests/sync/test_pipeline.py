"""Work done ahead: order, errors, and how much of it at most."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from contextvars import ContextVar

import pytest

from services84.sync.pipeline import ahead


class Broken(Exception):
    """What goes wrong in the other thread."""


def test_an_error_of_the_source_comes_after_the_items_before_it() -> None:
    def source() -> Generator[int, None, None]:
        yield 1
        yield 2
        raise Broken

    seen: list[int] = []
    with pytest.raises(Broken):
        seen.extend(ahead(source()))
    assert seen == [1, 2]


def test_so_many_items_are_made_ahead_and_no_more() -> None:
    made = [threading.Event() for _ in range(5)]

    def source() -> Generator[int, None, None]:
        for number, event in enumerate(made):
            event.set()
            yield number

    with closing(ahead(source(), 2)) as items:
        assert next(items) == 0
        assert made[2].wait(10)
        assert not made[3].is_set()
        assert next(items) == 1
        assert made[3].wait(10)
        assert not made[4].is_set()


def test_what_weighs_much_is_made_only_when_nothing_of_weight_waits() -> None:
    made = [threading.Event() for _ in range(5)]

    def source() -> Generator[int, None, None]:
        for event, weight in zip(made, (1, 1, 10, 1, 1), strict=True):
            event.set()
            yield weight

    with closing(ahead(source(), 4, weight=lambda item: item, most=10)) as items:
        assert next(items) == 1
        assert made[2].wait(10)
        assert not made[3].wait(0.05)
        assert next(items) == 1
        assert not made[3].wait(0.05)
        assert next(items) == 10
        assert made[4].wait(10)


def test_what_is_logged_ahead_belongs_to_the_request() -> None:
    request: ContextVar[str] = ContextVar("request")

    def source() -> Generator[str, None, None]:
        yield request.get()

    request.set("r1")
    assert list(ahead(source())) == ["r1"]


def test_who_leaves_early_waits_for_the_item_under_way_and_has_the_source_closed() -> None:
    begun, left, closed = threading.Event(), threading.Event(), threading.Event()

    def source() -> Generator[int, None, None]:
        try:
            yield 0
            begun.set()
            assert left.wait(10)
            yield 1
            yield 2
        finally:
            closed.set()

    items = ahead(source())
    assert next(items) == 0
    assert begun.wait(10)
    assert not closed.is_set()
    leaving = threading.Thread(target=items.close)
    leaving.start()
    leaving.join(0.1)
    assert leaving.is_alive()
    left.set()
    leaving.join(10)
    assert not leaving.is_alive()
    assert closed.is_set()


def test_the_source_is_closed_after_an_error_of_the_caller() -> None:
    closed = threading.Event()

    def source() -> Generator[int, None, None]:
        try:
            yield from range(10)
        finally:
            closed.set()

    def work() -> None:
        with closing(ahead(source())) as items:
            for _ in items:
                raise Broken

    with pytest.raises(Broken):
        work()
    assert closed.is_set()


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_items_keep_their_order(depth: int) -> None:
    def source(count: int) -> Generator[int, None, None]:
        yield from range(count)

    assert list(ahead(source(50), depth)) == list(range(50))
    assert list(ahead(source(1), depth)) == [0]
    assert list(ahead(source(0), depth)) == []
