"""How far a phase is: one line on a terminal, a few lines elsewhere."""

import io
import pickle
import sys
import threading
from types import SimpleNamespace

import pytest

from skdistill.jobs.progress import ERASE, Progress, bar, duration, state_line, total_line


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True

    def lines(self):
        """What each line showed, one after the other, and what is left below."""
        return [line.split(ERASE) for line in self.getvalue().split("\n")]


class Clock:
    """A second passes whenever it is read."""

    def __init__(self):
        self.now = -1.0

    def __call__(self):
        self.now += 1
        return self.now


def take(n_steps, stream, of=None, verbose=1):
    """Take the first steps of a phase of `of`, then close it."""
    steps = [f"step {k}" for k in range(1, (of or n_steps) + 1)]
    with Progress("teachers", steps, verbose, stream) as progress:
        for _ in range(n_steps):
            progress.step("loss 0.5")
    return stream


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.97, "10 s"),
        (59.7, "1 min 0 s"),
        (312, "5 min 12 s"),
        (4800, "1 h 20 min"),
    ],
)
def test_a_duration_is_spelt_in_the_units_that_fit_it(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("done", "total", "drawn"),
    [(0, 3, "[----]"), (2, 3, "[##--]"), (3, 3, "[####]"), (0, 0, "[----]")],
)
def test_a_bar_is_as_full_as_what_is_done(done, total, drawn):
    assert bar(done, total, width=4) == drawn


def test_the_rest_takes_as_long_a_step_as_what_is_done():
    line = state_line("teachers", 2, 6, 20.0, "rf, fold 2 of 5")

    assert line == "teachers 2/6 (20 s, 40 s left), last: rf, fold 2 of 5"


def test_nothing_is_said_of_the_time_left_before_the_first_step():
    assert state_line("teachers", 0, 6, 0.0) == "teachers 0/6 (0.0 s)"


def test_the_total_tells_of_steps_that_were_spared():
    assert total_line("student", 7, 50, 30.0) == "student: 7 of 50 done in 30 s"


def test_a_terminal_shows_one_line_that_redraws_and_ends_with_the_total(monkeypatch):
    monkeypatch.setattr("skdistill.jobs.progress.time", SimpleNamespace(monotonic=Clock()))

    line, below = take(2, Terminal()).lines()

    assert line == [
        "",
        "teachers [--------------------] 0/2 (1.0 s)",
        "teachers [##########----------] 1/2 (2.0 s, 2.0 s left), last: step 1 loss 0.5",
        "teachers [####################] 2/2 (3.0 s), last: step 2 loss 0.5",
        "teachers: 2 done in 4.0 s, last: step 2 loss 0.5",
    ]
    assert below == [""]


def test_a_redrawn_line_is_cut_to_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    line, _ = take(3, Terminal()).lines()

    assert max(map(len, line[:-1])) == 39


@pytest.mark.parametrize(("n_steps", "n_lines"), [(1, 1), (8, 8), (30, 10), (500, 10)])
def test_a_file_gets_at_most_ten_lines(n_steps, n_lines):
    lines = take(n_steps, io.StringIO()).getvalue().splitlines()

    assert len(lines) == n_lines
    assert lines[-1].startswith(f"teachers: {n_steps} done in ")


def test_a_file_gets_neither_bars_nor_control_characters():
    assert all(line.isprintable() for line in take(30, io.StringIO()).getvalue().splitlines())


def test_a_terminal_that_shows_other_output_too_gets_plain_lines():
    assert ERASE not in take(30, Terminal(), verbose=2).getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_without_verbose_nothing_is_written(stream):
    assert take(3, stream(), verbose=0).getvalue() == ""


def test_a_phase_that_is_closed_twice_ends_once():
    stream = io.StringIO()
    progress = Progress("teachers", ["one"], 1, stream)

    progress.close()
    progress.close()

    assert stream.getvalue().count("\n") == 1


def test_the_line_is_ended_when_a_step_fails():
    stream = Terminal()

    with pytest.raises(RuntimeError), Progress("teachers", ["one"], 1, stream):
        raise RuntimeError

    assert stream.getvalue().endswith("\n")


def test_a_missing_output_stream_is_ignored(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)

    take(3, None)


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_a_closed_output_stream_is_ignored(kind):
    stream = kind()
    stream.close()

    take(3, stream)


def test_a_stream_that_lacks_the_letters_is_ignored():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    with Progress("époques", ["une"], 1, stream) as progress:
        progress.step()


def test_the_output_stream_is_that_of_the_moment(capsys):
    progress = Progress("teachers", ["one"], 1)

    progress.close()

    assert capsys.readouterr().out.startswith("teachers: 0 of 1 done")


def test_a_progress_can_be_pickled_with_the_net_that_holds_it():
    assert pickle.loads(pickle.dumps(Progress("student", ["epoch 1"], 1))).steps == ["epoch 1"]


def test_lines_of_several_threads_stay_whole():
    stream = io.StringIO()
    threads = [threading.Thread(target=take, args=(10, stream)) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = stream.getvalue().splitlines()
    assert len(lines) == 40
    assert all(line.startswith("teachers") for line in lines)
