"""Which teachers fit into the time, and which one is fitted in any case."""

import numpy as np
import pytest
from joblib import Parallel, delayed
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skdistill.jobs.clock import Clock
from skdistill.soft_targets import time_limit
from skdistill.soft_targets.plan import Fit, Kind
from skdistill.soft_targets.time_limit import TimeLimit, Trial, choose_teachers
from tests.small import numeric_rows, training_data

X, Y = numeric_rows(1000)
DATA = training_data(X, Y)
HALF = np.arange(500)
FIT = Fit("t", None, Kind.FOLD, HALF, HALF + 500, n_averaged=2)
ONE_BY_ONE, SIDE_BY_SIDE = [[FIT], [FIT]], [[FIT, FIT]]


def chosen(monkeypatch, trials, groups=ONE_BY_ONE, max_time=100, known=(), n_jobs=1, prefit=()):
    """The teachers chosen, by what trials of them are said to have shown."""
    plans = dict.fromkeys(trials, groups) | {name: [] for name in prefit}
    outcomes = iter([trial for name, trial in trials.items() if name not in known])
    monkeypatch.setattr(time_limit, "_try", lambda *_: next(outcomes))
    return choose_teachers(plans, set(known), DATA, Clock(max_time), n_jobs)


def test_the_best_teachers_are_fitted_first(monkeypatch):
    trials = {"a": Trial(0.5, 1), "b": Trial(0.3, 1), "c": Trial(0.4, 1)}

    assert chosen(monkeypatch, trials)[0] == ["b", "c", "a"]


def test_one_that_takes_too_long_is_left_out_and_a_quicker_one_behind_it_is_not(monkeypatch):
    trials = {"slow": Trial(0.1, 40), "best": Trial(0.05, 20), "quick": Trial(0.5, 5)}

    assert chosen(monkeypatch, trials)[0] == ["best", "quick"]


def test_where_none_fits_in_the_quickest_is_fitted_in_any_case(monkeypatch):
    trials = {"a": Trial(0.1, 500), "b": Trial(0.4, 200), "c": Trial(0.2, 300)}

    names, limit = chosen(monkeypatch, trials)

    assert names == [limit.exempt] == ["b"]


def test_beside_a_prefit_teacher_none_needs_to_be_fitted(monkeypatch):
    names, limit = chosen(monkeypatch, {"a": Trial(0.1, 500)}, prefit=["frozen"])

    assert (names, limit.exempt) == ([], None)


def test_what_memory_has_takes_no_time(monkeypatch):
    trials = {"a": Trial(0.1, 500), "known": Trial(0.4, 200)}

    assert chosen(monkeypatch, trials, known=["known"])[0] == ["known"]


def test_within_a_search_that_is_parallel_fits_are_expected_to_take_turns(monkeypatch):
    trials = {"a": Trial(0.1, 30), "b": Trial(0.2, 30)}

    def names():
        return chosen(monkeypatch, trials, n_jobs=2)[0]

    of_search = Parallel(n_jobs=2, backend="threading")([delayed(names)()])
    assert (names(), of_search) == (["a", "b"], [["a"]])


def test_teachers_that_could_not_be_tried_are_fitted_last_in_the_order_of_the_list(monkeypatch):
    trials = {"a": Trial(), "b": Trial(0.4, 1), "c": Trial()}

    assert chosen(monkeypatch, trials)[0] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("groups", "at_once", "expected"),
    [(ONE_BY_ONE, 1, 2 * 12), (ONE_BY_ONE, 2, 12), (SIDE_BY_SIDE, 2, 12), (ONE_BY_ONE, 8, 12)],
)
def test_a_teacher_takes_the_time_of_its_fits(groups, at_once, expected):
    trial = Trial(0.5, fixed=2, by_row=10 / 500)

    assert trial.seconds(groups, DATA, at_once) == pytest.approx(expected)


def test_the_rows_that_it_labels_take_time_too():
    data = training_data(X, Y, unlabeled=[X, X])

    assert Trial(0.5, labelling=0.01).seconds([[FIT]], data) == pytest.approx(25)


def test_a_trial_tells_what_does_not_depend_on_the_rows(monkeypatch):
    def took(name, estimator, data, rows, unseen):
        return Trial(0.5, 0, (2 + 0.01 * len(rows)) / len(rows))

    monkeypatch.setattr(time_limit, "_trial", took)

    trial = time_limit._try("t", None, DATA, 1e6)

    assert (trial.fixed, trial.by_row) == pytest.approx((2, 0.01))


def test_a_better_teacher_has_the_lower_loss_in_its_trial():
    bayes, dummy = (
        time_limit._try("t", estimator, DATA, 100)
        for estimator in (GaussianNB(), DummyClassifier())
    )

    assert bayes.loss < dummy.loss
    assert bayes.by_row + bayes.fixed > 0
    assert bayes.labelling > 0


class Counted(DummyClassifier):
    fits: list = []

    def fit(self, X, y, sample_weight=None):
        self.fits.append(len(X))
        return super().fit(X, y, sample_weight)


def test_without_time_it_is_tried_on_a_few_rows_only():
    Counted.fits.clear()

    time_limit._try("t", Counted(), DATA, 0)

    assert len(Counted.fits) == 1
    assert Counted.fits[0] < 20


def test_one_that_fails_on_a_few_rows_counts_as_not_tried():
    assert time_limit._try("t", KNeighborsClassifier(50), DATA, 100) == Trial()


def test_few_rows_are_fitted_as_soon_as_tried():
    few = training_data(X[:200], Y[:200])

    assert time_limit._try("t", DecisionTreeClassifier(), few, 100) == Trial()


def test_after_the_time_only_the_teacher_that_is_exempt_is_fitted():
    limit = TimeLimit(until=0.0, exempt="a")

    assert (limit.run("a", lambda: "made"), limit.run("b", lambda: "made")) == ("made", None)


def test_a_fit_is_not_begun_where_one_like_it_took_longer_than_what_is_left():
    limit = TimeLimit(until=time_limit.time.time() + 100, exempt=None, longest={"long": 1000})

    assert (limit.run("long", lambda: 1), limit.run("new", lambda: 1)) == (None, 1)
