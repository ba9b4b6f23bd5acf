"""The figures of the benchmarks: medians, what is taken off for the login, and the promises."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import results as r
from benchmarks.contenders import Run
from benchmarks.results import Results
from benchmarks.table import COLUMNS, cells, markdown
from benchmarks.tasks import middle

QUIET = r.unchanged(1000)


def results(**rounds: list[Run]) -> Results:
    made = Results({"mailboxes": {1000: {}}, "folders": 19})
    labels = {"raw": r.RAW, "ours": r.SQLITE, "mbsync": r.MBSYNC}
    for name, runs in rounds.items():
        for run in runs:
            made.note(QUIET, labels[name], run)
    return made


def took(seconds: float, login: float = 0.0) -> Run:
    return Run(seconds, 0.0, 0.0, 0, login=login)


def test_what_the_raw_reader_took_to_sign_in_is_taken_off_from_everybody_in_that_round() -> None:
    made = results(
        raw=[took(0.007, 0.004), took(0.010, 0.006)],
        ours=[took(0.010), took(0.014)],
        mbsync=[took(0.043), took(0.054)],
    )
    of = {one.client: made.after_login(one) for one in made.measurements}
    assert of[r.RAW] == pytest.approx([0.003, 0.004])
    assert of[r.SQLITE] == pytest.approx([0.006, 0.008])
    assert of[r.MBSYNC] == pytest.approx([0.039, 0.048])


def test_the_promise_is_held_to_the_rounds_after_the_login() -> None:
    made = results(
        raw=[took(0.007, 0.004)] * 2,
        ours=[took(0.010), took(0.016)],
        mbsync=[took(0.040), took(0.040)],
    )
    (target,) = r.targets(made)
    assert target.name == f"{QUIET}, after login, mbsync × ours (at least)"
    assert target.value == pytest.approx((36 / 6 + 36 / 12) / 2)
    assert not target.met


def test_a_login_that_took_longer_than_all_else_gives_no_nonsense() -> None:
    made = results(raw=[took(0.03, 0.02)], ours=[took(0.01)], mbsync=[took(0.04)])
    ours = made.find(QUIET, r.SQLITE)
    assert ours is not None
    assert made.after_login(ours) == [r.SHORTEST]


@pytest.mark.parametrize("raw", [[], [took(0.007)]])
def test_without_a_login_to_take_off_nothing_is_said(raw: list[Run]) -> None:
    made = results(raw=raw, ours=[took(0.01)], mbsync=[took(0.04)])
    ours = made.find(QUIET, r.SQLITE)
    assert ours is not None
    assert made.after_login(ours) == []
    assert list(r.targets(made)) == []
    assert made.as_json()["measurements"][-1]["after_login"] is None


def test_tables_show_the_whole_time_and_that_after_the_login() -> None:
    made = results(raw=[took(0.007, 0.004)], ours=[took(0.0105)])
    ours = made.find(QUIET, r.SQLITE)
    assert ours is not None
    row = dict(zip(COLUMNS, cells(made, ours), strict=True))
    assert (row["seconds"], row["after login"], row["× raw"]) == ("0.0105", "0.0065", "1.5")
    assert f"| {' | '.join(COLUMNS)} |" in markdown(made)


def test_the_middle_of_several_looks_counts() -> None:
    looks: list[dict[str, Any]] = [{"seconds": one} for one in (0.5, 0.1, 0.3, 0.2, 0.4)]
    assert middle(looks) == {"seconds": 0.3}
