"""Where the time of a fit went: `fit_times_`, the forecast and the line at the end."""

import re
import time
from types import SimpleNamespace

import numpy as np
import pytest

from skdistill import CallableTeacher
from skdistill.jobs.clock import Clock, report_times
from skdistill.jobs.progress import Progress
from tests.small import ENOUGH_ROWS, numeric_rows, quick_classifier


class Terminal(list):
    """A stream that remembers what was written."""

    def write(self, text):
        self.append(text)

    def flush(self):
        """Everything is written at once."""


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_the_times_of_a_fit_are_those_of_its_parts(n_jobs):
    X, y = numeric_rows(ENOUGH_ROWS)

    clf = quick_classifier(alpha="auto", augmenter="munge", n_jobs=n_jobs).fit(X, y)

    times = clf.fit_times_
    assert list(times["teachers"]) == ["deep", "stump"]
    of_parts = [times[part] for part in ("labelling", "synthetic rows", "trials", "student")]
    assert min(*times["teachers"].values(), *of_parts) > 0
    if n_jobs is None:
        assert sum([*times["teachers"].values(), *of_parts]) < times["total"]


def test_given_soft_targets_take_no_teachers_time():
    X, y = numeric_rows(60)
    clf = quick_classifier(None)

    clf.fit(X, y, teacher_proba=quick_classifier().fit(X, y).predict_proba(X))

    assert clf.fit_times_["teachers"] == {}
    assert clf.fit_times_["labelling"] == 0 < clf.fit_times_["student"]


def test_a_teacher_that_memory_recalls_counts_as_when_it_was_fitted(tmp_path):
    X, y = numeric_rows(60)
    clf = quick_classifier(memory=tmp_path)

    first, again = (clf.fit(X, y).fit_times_ for _ in range(2))

    assert again["teachers"] == first["teachers"]
    assert again["student"] == first["student"]


def test_a_fit_tells_how_long_it_will_take_and_where_the_time_went(capsys):
    X, y = numeric_rows(60)

    quick_classifier(verbose=1).fit(X, y)

    first, *_, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"about [\d.]+ (s|min .*) in all", first)
    assert re.fullmatch(
        r"fit: [\d.]+ s in all; teachers [\d.]+ s \(deep [\d.]+ s, stump [\d.]+ s\), "
        r"synthetic rows [\d.]+ s, labelling [\d.]+ s, trials [\d.]+ s, student [\d.]+ s",
        last,
    )


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_the_time_left_is_told_after_the_first_steps(n_jobs):
    stream, told = Terminal(), []

    def forecast(seconds_left):
        told.append(seconds_left)
        return "so long"

    with Progress("teachers", "abc", 1, stream, forecast=forecast, n_jobs=n_jobs) as progress:
        for _ in range(3):
            progress.step()

    assert len(told) == 1
    assert (told[0] == 0) == (n_jobs == 3)
    assert stream.count("so long\n") == 1


def test_the_forecast_adds_what_comes_afterwards_but_ends_with_the_time(monkeypatch):
    now = SimpleNamespace(monotonic=lambda: 100.0)
    monkeypatch.setattr("skdistill.jobs.clock.time", now)
    free, limited = Clock(), Clock(max_time=25.0)
    free.expects = limited.expects = lambda: 30.0

    assert free.forecast(20.0) == "about 50 s in all"
    assert limited.forecast(20.0) == "about 25 s in all"
    assert Clock().forecast(20.0) is None


@pytest.mark.parametrize("verbose", [0, 1])
def test_a_forecast_that_fails_does_not_end_the_fit(verbose, monkeypatch):
    monkeypatch.setattr("skdistill.student.training.train_net", None)  # what it times

    assert quick_classifier(verbose=verbose).fit(*numeric_rows(60)).n_iter_ == 5


def test_the_answers_of_a_black_box_count_as_labelling():
    X, y = numeric_rows(60)
    slow = CallableTeacher(lambda X: time.sleep(0.05) or np.full((len(X), 3), 1 / 3), [0, 1, 2])

    times = quick_classifier(slow).fit(X, y).fit_times_

    assert times["labelling"] >= 0.05


def test_nothing_is_written_without_verbose(capsys):
    report_times(Clock().to_dict(), 0)

    assert capsys.readouterr().out == ""
