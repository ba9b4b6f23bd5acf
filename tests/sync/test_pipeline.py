"""Work done ahead: order, errors, and how much of it at most."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from services84.sync.pipeline import ahead


class Broken(Exception):
    """What goes wrong in the other thread."""


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
