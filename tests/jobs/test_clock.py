"""Where the time of a fit went: `fit_times_`, the forecast and the line at the end."""

import re

import pytest

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
        r"labelling [\d.]+ s, trials [\d.]+ s, student [\d.]+ s",
        last,
    )


def test_the_forecast_adds_what_comes_afterwards(monkeypatch):
    now = iter([0.0, *[10.0] * 9])
    monkeypatch.setattr("skdistill.jobs.progress.time.monotonic", lambda: next(now))
    stream = Terminal()

    with Progress("teachers", ["a", "b", "c"], 1, stream, afterwards=30) as progress:
        progress.step()

    assert stream[0] == "about 1 min 0 s in all\n"  # three steps of 10 s, then 30 s


def test_nothing_is_written_without_verbose(capsys):
    report_times(Clock().to_dict(), 0)

    assert capsys.readouterr().out == ""
