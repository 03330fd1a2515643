"""How alpha, temperature, validation rows and the length of the training are chosen."""

import os
import signal
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import parent_process
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from skorch.callbacks import EarlyStopping

from skdistill import StudentNet, TensorNet
from skdistill.effort import EFFORTS
from skdistill.student.recipe import (
    Candidate,
    Trials,
    _is_clearly_lower,
    alpha_of_noise,
    choose_recipe,
    choose_validation_rows,
    needs_early_stopping,
    train_candidate,
)
from tests.small import (
    ENOUGH_ROWS,
    Linear,
    Spy,
    numeric_rows,
    quick_classifier,
    quick_student,
    training_data,
    transfer_set,
    with_unlabeled,
)

LABELS = np.arange(30) % 3
NOBODY = np.zeros(30, dtype=bool)


def rows_known_by(trust, n_unlabeled=0):
    """Rows of which the teachers leave (1 - trust)² of the labels' variance unexplained."""
    proba = trust * np.eye(3)[LABELS] + (1 - trust) / 3
    rows = transfer_set(np.zeros((30, 1)), proba, LABELS, None, NOBODY)
    new = np.full((n_unlabeled, 3), 1 / 3)
    return with_unlabeled(rows, np.zeros((n_unlabeled, 1)), new, new)


def noisy_rows():
    """A transfer set whose labels cannot be learned, a third of it validation rows."""
    X, _ = numeric_rows()
    y = np.random.RandomState(0).randint(3, size=60)
    held_out = np.arange(60) % 3 == 0
    return transfer_set(X.astype(np.float32), np.eye(3)[y], y, None, held_out)


def large_batches():
    """A student that is soon through many rows."""
    return quick_student(max_epochs=4, batch_size=256)


def trials(net, rows, **params):
    return Trials(net, rows, seed=0, effort=EFFORTS["default"], **params)


def linear_student(module=Linear, **params):
    params = {"module__n_features": 5, "module__n_classes": 3, "batch_size": 64} | params
    return StudentNet(module, **params)


class KnownLosses:
    """Trials that have the losses that they are given, by (alpha, temperature, teachers)."""

    validation = SimpleNamespace(sample_weight=None)

    def __init__(self, losses, default=1.0):
        self.losses, self.default = losses, default

    def run(self, candidates):
        for each in candidates:
            key = (each.alpha, each.temperature, each.teachers)
            each.valid_loss = self.losses.get(key, self.default)
        return [np.full(200, each.valid_loss) for each in candidates]


def chosen_of(alpha, temperature, losses, n_held_out=200, train_split=True):
    """The recipe, and what was tried, where trials have these losses."""
    y = np.arange(300) % 3
    proba = 0.5 * np.eye(3)[y] + 0.5 / 3
    rows = transfer_set(np.zeros((300, 1)), proba, y, None, np.arange(300) < n_held_out)
    net = SimpleNamespace(train_split=train_split)
    return choose_recipe(
        net, rows, alpha=alpha, temperature=temperature, trials=KnownLosses(losses)
    )


def test_what_is_given_is_not_tried():
    chosen, tried = chosen_of(0.3, 2.0, {})

    assert (chosen.alpha, chosen.temperature, chosen.teachers) == (0.3, 2.0, True)
    assert tried == []


@pytest.mark.parametrize(("n_held_out", "train_split"), [(149, True), (200, None)])
def test_nothing_is_tried_without_validation_rows_to_choose_by(n_held_out, train_split):
    chosen, tried = chosen_of("auto", "auto", {}, n_held_out, train_split)

    assert (chosen.temperature, chosen.teachers) == (1.0, True)
    assert tried == []


@pytest.mark.parametrize("best", [1.0, 2.0, 4.0])
def test_the_temperature_of_the_lowest_validation_loss_is_taken(best):
    chosen, tried = chosen_of(0.7, "auto", {(0.7, best, True): 0.5})

    assert chosen.temperature == best
    assert [each["chosen"] for each in tried] == [each["valid_loss"] == 0.5 for each in tried]


def test_no_temperature_is_tried_of_a_student_on_labels_alone():
    chosen, tried = chosen_of("auto", "auto", {(0.0, 1.0, False): 0.5})

    assert (chosen.alpha, chosen.teachers) == (0.0, False)
    assert len(tried) == 2


@pytest.mark.parametrize(
    ("n_unlabeled", "patience", "stops"),
    [(0, None, True), (99, None, True), (100, None, False), (100, 15, True)],
)
def test_a_student_stops_early_unless_half_of_its_rows_are_unlabeled(n_unlabeled, patience, stops):
    assert needs_early_stopping(quick_student(patience=patience), 100, n_unlabeled) == stops


def test_a_callback_that_watches_the_validation_loss_makes_a_student_stop_early():
    watching = quick_student(callbacks=[EarlyStopping()])

    held_out = choose_validation_rows(
        watching, training_data(*numeric_rows()), np.random.RandomState(0), 1_000
    )

    assert needs_early_stopping(watching, 60, 1_000)
    assert held_out.any()


def test_a_callback_that_watches_the_loss_of_rows_that_cannot_be_held_out_is_refused():
    X, y = numeric_rows(9)
    watching = quick_student(callbacks=[EarlyStopping()])

    with pytest.raises(ValueError, match=r"watches 'valid_loss', but no row can.*9 rows"):
        choose_validation_rows(watching, training_data(X, y), np.random.RandomState(0), 0)


@pytest.mark.parametrize(
    ("n_samples", "n_synthetic", "any_held_out"),
    [(60, 0, True), (60, 60, False), (ENOUGH_ROWS, ENOUGH_ROWS, True)],
)
def test_validation_rows_are_held_out_where_needed_or_where_there_are_enough(
    n_samples, n_synthetic, any_held_out
):
    data = training_data(np.zeros((n_samples, 1)), np.arange(n_samples) % 3)

    held_out = choose_validation_rows(quick_student(), data, np.random.RandomState(0), n_synthetic)

    assert held_out.any() == any_held_out


def test_a_trial_that_ran_out_of_time_says_so():
    candidate = Candidate(alpha=0.5, temperature=1.0)

    trials(linear_student(), noisy_rows(), early_stopping=True, max_time=0).run([candidate])

    assert candidate.cut_short
    assert np.isfinite(candidate.valid_loss)


class Killed(Linear):
    """A module whose training ends the worker, as a system does that is out of memory."""

    def forward(self, X):
        assert parent_process() is not None
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_where_a_worker_is_killed_the_error_names_the_trial():
    candidates = [Candidate(0.25, 2.0), Candidate(0.0, 2.0, teachers=False)]
    net = linear_student(Killed)

    name = r"'student, trial (of alpha=0.25, temperature=2|on labels alone)'"
    with pytest.raises(BrokenProcessPool, match=rf"running were .*{name}.*smaller students"):
        trials(net, noisy_rows(), early_stopping=True, n_jobs=2).run(candidates)


@pytest.mark.parametrize("name", ["lr_scheduler", "early_stopping", "print_log"])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_trial_goes_without_a_callback_that_is_switched_off(name, early_stopping):
    net = linear_student(**{f"callbacks__{name}": None})
    candidate = Candidate(alpha=0.5, temperature=1.0)

    trials(net, noisy_rows(), early_stopping=early_stopping).run([candidate])

    assert np.isfinite(candidate.valid_loss)


def test_a_trial_that_diverged_is_not_chosen():
    wild = linear_student(lr=np.inf, ema_decay=0, optimizer=torch.optim.SGD)
    candidate = Candidate(alpha=0.5, temperature=1.0)

    trials(wild, noisy_rows(), early_stopping=True).run([candidate])

    assert candidate.valid_loss == np.inf


@pytest.mark.parametrize("trust", [0.0, 0.2, 0.5, 1.0])
def test_without_unlabeled_rows_alpha_is_what_the_teachers_leave_unexplained(trust):
    assert alpha_of_noise(rows_known_by(trust)) == pytest.approx((1 - trust) ** 2)


@pytest.mark.parametrize("trust", [0.0, 0.2, 0.5, 1.0])
def test_beside_as_many_unlabeled_rows_the_odds_are_to_the_power_of_one_and_a_half(trust):
    signal_to_noise = (1 - (1 - trust) ** 2) / max((1 - trust) ** 2, 1e-12)

    found = alpha_of_noise(rows_known_by(trust, n_unlabeled=30))

    assert found == pytest.approx(1 / (1 + signal_to_noise**1.5))


def test_unlabeled_rows_move_alpha_away_from_a_half():
    noisy, clean = ([alpha_of_noise(rows_known_by(t, n)) for n in (0, 30, 300)] for t in (0.2, 0.6))

    assert 0.5 < noisy[0] < noisy[1] < noisy[2] < 1
    assert 0.5 > clean[0] > clean[1] > clean[2] > 0


def test_alpha_auto_is_labels_alone_where_the_teachers_do_harm():
    X, y = numeric_rows(ENOUGH_ROWS)
    useful, harmful = LogisticRegression(), Spy([0.98, 0.01, 0.01])

    of_useful, of_harmful = (
        quick_classifier([("t", teacher)], large_batches(), alpha="auto", augmenter="munge").fit(
            X, y
        )
        for teacher in (useful, harmful)
    )

    assert of_useful.alpha_ > 0
    assert of_harmful.alpha_ == 0
    with_teachers, on_labels = (each["valid_loss"] for each in of_harmful.candidates_)
    assert on_labels < with_teachers


def test_labels_alone_win_by_more_than_chance():
    rng = np.random.RandomState(0)
    losses, noise = rng.exponential(size=300), rng.normal(size=300)
    noise -= noise.mean()  # its standard error is .058

    assert _is_clearly_lower(losses - 0.19, losses + noise, None)
    assert not _is_clearly_lower(losses - 0.16, losses + noise, None)
    assert not _is_clearly_lower(losses, losses - 0.1, None)
    assert _is_clearly_lower(losses, np.full(300, np.nan), None)


def test_temperature_auto_is_tried_at_the_alpha_that_was_chosen():
    X, y = numeric_rows(ENOUGH_ROWS)

    clf = quick_classifier(
        student=large_batches(), alpha="auto", temperature="auto", augmenter="munge"
    ).fit(X, y)

    of_alpha = [each for each in clf.candidates_ if each["alpha"] == clf.alpha_]
    best = min(of_alpha, key=lambda candidate: candidate["valid_loss"])
    assert clf.temperature_ == best["temperature"]
    tried = [(each["alpha"], each["temperature"], each["teachers"]) for each in clf.candidates_]
    assert len(set(tried)) == len(tried)
    assert [each[1:] for each in tried[:2]] == [(1, True), (1, False)]
    assert tried[2:] in ([], [(clf.alpha_, 2, True), (clf.alpha_, 4, True)])


def test_temperature_auto_at_an_alpha_that_was_given():
    X, y = numeric_rows(ENOUGH_ROWS)

    clf = quick_classifier(student=large_batches(), alpha=0.7, temperature="auto").fit(X, y)

    assert [each["temperature"] for each in clf.candidates_] == [1, 2, 4]
    assert {each["alpha"] for each in clf.candidates_} == {clf.alpha_} == {0.7}


@pytest.mark.parametrize(("augmenter", "n_tried"), [(None, 0), ("munge", 3)])
def test_no_temperature_is_tried_where_no_row_is_the_teachers(augmenter, n_tried):
    X, y = numeric_rows(ENOUGH_ROWS)

    params = {"alpha": 0.0, "temperature": "auto", "augmenter": augmenter}
    clf = quick_classifier(student=large_batches(), **params).fit(X, y)

    assert len(clf.candidates_) == n_tried


def test_alpha_auto_is_the_larger_the_noisier_the_labels():
    X, y = numeric_rows()

    clean, noisy = (
        quick_classifier(alpha="auto", augmenter="munge").fit(X, labels)
        for labels in (y, np.random.RandomState(0).permutation(y))
    )

    assert clean.candidates_ == noisy.candidates_ == []  # too few rows to try anything by
    assert 0 < clean.alpha_ < 0.5 < noisy.alpha_ <= 1


@pytest.mark.parametrize(("n_unlabeled", "to_the_end"), [(1, False), (59, False), (60, True)])
def test_a_few_rows_without_labels_do_not_keep_a_student_from_stopping_early(
    n_unlabeled, to_the_end
):
    X, y = numeric_rows()

    clf = quick_classifier().fit(X, y, X_unlabeled=X[:n_unlabeled])

    assert ("valid_loss" not in clf.history_[0]) == to_the_end


@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_trial_is_judged_by_its_best_epoch_only_if_the_student_stops_early(early_stopping):
    rows = noisy_rows()
    net = linear_student(max_epochs=300, lr=0.5, ema_decay=0)  # 30 epochs: soon past its best
    candidate = Candidate(alpha=0.0, temperature=1.0)

    (row_losses,) = trials(net, rows, early_stopping=early_stopping).run([candidate])

    last = linear_student(max_epochs=30, lr=0.5, ema_decay=0, callbacks__early_stopping=None)
    history = train_candidate(last, candidate, rows, seed=0).history[:, "valid_loss"]
    assert candidate.valid_loss == pytest.approx(min(history) if early_stopping else history[-1])
    assert candidate.valid_loss == pytest.approx(row_losses.mean(), abs=1e-4)
    assert min(history) < history[-1] - 1e-3


def test_a_student_with_patience_keeps_its_validation_rows():
    X, y = numeric_rows()

    clf = quick_classifier(student=quick_student(patience=2), augmenter="munge").fit(X, y)

    assert "valid_loss" in clf.history_[0]


def test_no_row_is_held_out_where_there_are_too_few_to_decide(spy):
    X, y = numeric_rows()

    quick_classifier(spy, augmenter="munge").fit(X, y)
    assert [len(rows) for rows, _, _ in spy.fitted_on] == [30, 30, 60]
    spy.fitted_on.clear()
    quick_classifier(spy, augmenter=None).fit(X, y)
    assert max(len(rows) for rows, _, _ in spy.fitted_on) < 30


@pytest.mark.parametrize(
    "student", [quick_student(train_split=None), TensorNet(Linear, max_epochs=3)]
)
def test_alpha_auto_is_a_share_whatever_the_student(student):
    clf = quick_classifier(alpha="auto", student=student).fit(*numeric_rows())

    assert 0 <= clf.alpha_ <= 1


def test_a_given_alpha_is_used_as_it_is():
    clf = quick_classifier(alpha=0.3).fit(*numeric_rows())

    assert clf.alpha_ == 0.3
