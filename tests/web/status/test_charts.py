"""Charts: one bar a sync, the oldest left, and words that say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services84.store.values import Run, RunState
from services84.web.status.charts import HEIGHT, LEAST, WIDTH, charts_of, seconds_of

START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)


def run(
    number: int, new: int = 0, seconds: float | None = 1.0, state: RunState = RunState.COMPLETED
) -> Run:
    started = START + timedelta(minutes=number)
    finished = started + timedelta(seconds=seconds) if seconds is not None else None
    return Run(number, 1, state, "me", started, finished, new, 0, 0, "")


def test_without_a_finished_sync_there_is_no_chart() -> None:
    assert charts_of([]) == []
    assert charts_of([run(1, seconds=None, state=RunState.RUNNING)]) == []


def test_the_newest_is_on_the_right_and_the_highest_fills_the_chart() -> None:
    messages, durations = charts_of([run(2, new=10, seconds=4), run(1, new=5, seconds=1)])
    old, new = messages.bars
    assert old.x < new.x
    assert (old.height, new.height) == (HEIGHT / 2, HEIGHT)
    assert (old.y, new.y) == (HEIGHT / 2, 0)
    assert [bar.height for bar in durations.bars] == [HEIGHT / 4, HEIGHT]
    assert messages.top == "10"
    assert messages.description == "15 new messages in 2 syncs, 10 at most in one. None failed."
    assert durations.description.endswith("the longest 4.0 s. None failed.")


def test_failures_are_counted_and_marked() -> None:
    messages, _ = charts_of([run(2, state=RunState.FAILED), run(1), run(0)])
    assert [bar.failed for bar in messages.bars] == [False, False, True]
    assert "1 of 3 failed." in messages.description


def test_nothing_has_no_bar_and_little_is_seen() -> None:
    messages, _ = charts_of([run(3, new=100_000), run(2, new=1), run(1, new=0)])
    assert [bar.height for bar in messages.bars] == [0.0, LEAST, HEIGHT]


def test_a_running_sync_has_taken_no_time_yet() -> None:
    assert seconds_of(run(1, seconds=None)) == 0.0


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.floats(0, 10**6), st.sampled_from(list(RunState))),
        min_size=1,
        max_size=120,
    )
)
def test_every_bar_is_within_the_chart(many: list[tuple[int, float, RunState]]) -> None:
    runs = [run(n, new, seconds, state) for n, (new, seconds, state) in enumerate(many)]
    for chart in charts_of(runs[::-1]):
        assert len(chart.bars) == len(runs)
        ends = [0.0]
        for bar in chart.bars:
            assert ends[-1] - 0.02 <= bar.x
            assert bar.x + bar.width <= WIDTH + 0.02
            assert -0.01 <= bar.y <= bar.y + bar.height <= HEIGHT + 0.02
            ends.append(bar.x + bar.width)
