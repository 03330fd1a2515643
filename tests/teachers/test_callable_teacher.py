"""Functions that teach: what they may return, how scores are scaled, how often they are asked."""

import importlib
import linecache
import os
import pickle
import sys
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeClassifier

from skdistill import CallableTeacher, TeacherEnsemble
from skdistill.jobs.memory import Memory
from skdistill.soft_targets.cross_fitting import cross_fit
from skdistill.teachers.callable_teacher import ScoreScaling
from tests.small import mixed_table, numeric_rows, quick_classifier, training_data

WORDS = np.array(["a", "b", "c"])
THREE_FOLDS = list(KFold(3).split(np.zeros(60)))
unseen_rows = pytest.mark.filterwarnings("ignore:Teacher .* is frozen")


class Asked:
    """A black box that remembers what it was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.seen = []

    def __call__(self, X):
        self.seen.append(len(X))
        return self.answer(X)


def logits_of(X):
    return 2 * X[:, :3]


def proba_of(X):
    odds = np.exp(logits_of(X))
    return odds / odds.sum(1, keepdims=True)


def first_number(X):
    return X[:, 0]


def answers_in(folder, X):
    """Log in a file that it was asked, whichever process asks."""
    with open(f"{folder}/asked.txt", "a") as file:
        file.write(f"{len(X)}\n")
    return proba_of(X)


def targets(teacher, X, y, classes=WORDS, splits=THREE_FOLDS, **kwargs):
    data = training_data(X, y, classes)
    soft_targets, _ = cross_fit([("t", teacher)], data, splits=splits, **kwargs)
    return soft_targets.labeled[0]


# What a black box answers


def test_probabilities_are_used_as_they_are():
    X, y = numeric_rows()

    p = targets(CallableTeacher(proba_of, WORDS), X, y)

    assert_allclose(p, proba_of(X), atol=1e-12)


def test_logits_go_through_a_softmax():
    X, y = numeric_rows()

    p = targets(CallableTeacher(logits_of, WORDS, "logits"), X, y)

    assert_allclose(p, proba_of(X), atol=1e-12)


def test_a_logit_of_minus_infinity_is_a_probability_of_zero():
    X, _ = numeric_rows()
    teacher = CallableTeacher(lambda X: np.tile([0, -np.inf, 0], (len(X), 1)), WORDS, "logits")

    assert_array_equal(teacher.predict_proba(X), np.tile([0.5, 0, 0.5], (60, 1)))


def test_columns_come_in_the_order_of_its_classes():
    X, y = numeric_rows()
    shuffled = CallableTeacher(lambda X: proba_of(X)[:, [2, 0, 1]], ["c", "a", "b"])

    assert_array_equal(shuffled.classes_, WORDS)
    assert_allclose(shuffled.predict_proba(X), proba_of(X))
    assert_allclose(targets(shuffled, X, y), proba_of(X), atol=1e-12)


@pytest.mark.parametrize("classes", [["no", "yes"], ["yes", "no"]])
@pytest.mark.parametrize(
    ("output", "answer"),
    [("proba", lambda X: 1 / (1 + np.exp(-X[:, 0]))), ("logits", lambda X: X[:, 0])],
)
def test_for_two_classes_one_number_is_of_the_second_given(classes, output, answer):
    X, _ = numeric_rows()

    p = CallableTeacher(answer, classes, output).predict_proba(X)

    second = int(classes[1] == "yes")  # columns are sorted: no, yes
    assert_allclose(p[:, second], 1 / (1 + np.exp(-X[:, 0])))
    assert_allclose(p.sum(1), 1)


def test_a_torch_function_may_return_a_tensor_with_gradients():
    X, y = numeric_rows()
    layer = torch.nn.Linear(5, 3, dtype=torch.float64)
    teacher = CallableTeacher(lambda X: layer(torch.as_tensor(X)), WORDS, "logits")

    assert targets(teacher, X, y).shape == (60, 3)


def test_it_gets_a_frame_as_a_frame():
    frame, labels = mixed_table()
    teacher = CallableTeacher(lambda X: 0.5 + 0.4 * X["member"].to_numpy(), ["no", "yes"])

    clf = quick_classifier(teacher, keep_teachers=True).fit(frame, labels)

    assert_allclose(clf.teacher_.predict_proba(frame)[:, 1], np.where(frame["member"], 0.9, 0.5))


# Scores


def test_scores_of_two_classes_become_what_platts_scaling_makes_of_them():
    X, y = numeric_rows(n_classes=2)

    class Score(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(2)

        def fit(self, X, y):
            return self

        def predict(self, X):
            return (X[:, 0] < 0).astype(int)

        def decision_function(self, X):
            return -X[:, 0]

    platt = CalibratedClassifierCV(Score(), method="sigmoid", ensemble=False).fit(X, y)
    ours = CallableTeacher(lambda X: -X[:, 0], [0, 1], "scores").fit(X, y)

    assert_allclose(ours.predict_proba(X), platt.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_scale_of_scores_does_not_matter(scale):
    X, y = numeric_rows()

    p = targets(CallableTeacher(lambda X: scale * X[:, :3], WORDS, "scores"), X, y)

    assert_allclose(p, targets(CallableTeacher(logits_of, WORDS, "scores"), X, y), atol=1e-4)


def test_scaled_scores_are_calibrated_where_softmax_is_not():
    X, y = numeric_rows(600)
    y[::7] = (y[::7] + 1) % 3
    lr = LogisticRegression().fit(X[:300], y[:300])
    splits = [(np.arange(150), np.arange(150, 600)), (np.arange(450, 600), np.arange(150))]

    def shouted(X):
        return 20 * lr.decision_function(X) + [0, 300, 0]

    raw = targets(CallableTeacher(shouted, WORDS, "logits"), X, y, splits=splits)
    scaled = targets(CallableTeacher(shouted, WORDS, "scores"), X, y, splits=splits)

    assert log_loss(y, raw) > 1
    assert log_loss(y, scaled) == pytest.approx(log_loss(y, lr.predict_proba(X)), abs=0.03)


def test_scores_are_scaled_without_the_labels_of_their_own_fold():
    X, y = numeric_rows()
    held_out = THREE_FOLDS[1][1]
    changed = y.copy()
    changed[held_out] = (y[held_out] + 1) % 3
    teacher = CallableTeacher(logits_of, WORDS, "scores")

    before, after = targets(teacher, X, y), targets(teacher, X, changed)

    assert_array_equal(before[held_out], after[held_out])
    assert not np.allclose(np.delete(before, held_out, 0), np.delete(after, held_out, 0))


def test_scores_that_separate_the_classes_have_a_finite_slope():
    y = np.repeat([0, 1], 20)

    p = ScoreScaling().fit(np.eye(2)[y], y).predict_proba(np.eye(2))

    assert 0.9 < p[0, 0] < 0.99


def test_scores_that_say_the_opposite_are_not_turned_around():
    X, y = numeric_rows(n_classes=2)
    good = LogisticRegression().fit(X, y).decision_function

    scaling = CallableTeacher(lambda X: -good(X), [0, 1], "scores").fit(X, y).scaling_

    assert scaling.slope_ == pytest.approx(0, abs=1e-9)


def test_rows_that_weigh_more_count_more_in_the_scaling():
    X, y = numeric_rows()
    teacher = CallableTeacher(logits_of, [0, 1, 2], "scores")
    weight = np.where(y == 1, 10.0, 1.0)

    plain = teacher.fit(X, y).predict_proba(X)[:, 1].mean()

    assert teacher.fit(X, y, sample_weight=weight).predict_proba(X)[:, 1].mean() > plain + 0.05


def test_a_class_that_a_fold_lacks_has_probability_zero_only_where_something_is_fitted():
    X, y = numeric_rows()
    lacking = y == 1
    splits = [(np.flatnonzero(~lacking), np.flatnonzero(lacking))]
    splits += [(np.flatnonzero(lacking | (X[:, 0] > 0)), np.flatnonzero(~lacking))]

    scaled = targets(CallableTeacher(logits_of, WORDS, "scores"), X, y, splits=splits)
    as_is = targets(CallableTeacher(logits_of, WORDS, "logits"), X, y, splits=splits)

    assert (scaled[lacking, 1] == 0).all()
    assert (scaled[~lacking, 1] > 0).any()
    assert_allclose(as_is, proba_of(X), atol=1e-12)


# Classes


def test_a_class_that_y_lacks_leaves_its_share_to_the_others():
    X, y = numeric_rows()
    kept = y != 1
    teacher = CallableTeacher(proba_of, WORDS)
    splits = list(KFold(2).split(X[kept]))

    p = targets(teacher, X[kept], y[kept] // 2, np.array(["a", "c"]), splits=splits)

    known = proba_of(X[kept])[:, [0, 2]]
    assert_allclose(p, known / known.sum(1, keepdims=True), atol=1e-12)


def test_a_row_that_is_surely_of_a_class_that_y_lacks_is_not_labeled():
    X, y = numeric_rows()
    teacher = CallableTeacher(lambda X: np.tile([0, 0, 1.0], (len(X), 1)), WORDS)

    with pytest.raises(ValueError, match=r"Teacher 't' failed.*probability 0 for \d+ rows.*'c'"):
        targets(teacher, X, y % 2, np.array(["a", "b"]))


@pytest.mark.parametrize("output", ["proba", "logits", "scores"])
def test_labels_that_it_does_not_know_are_told_with_those_that_it_does(output):
    X, y = numeric_rows()
    teacher = CallableTeacher(logits_of, ["a", "b", "x"], output)
    told = r"does not know: \['c'\]; its classes are \['a', 'b', 'x'\]"

    with pytest.raises(ValueError, match=told):
        teacher.fit(X, WORDS[y])
    with pytest.raises(ValueError, match=f"Teacher 't' failed on all rows.*{told}"):
        targets(teacher, X, y)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"func": 3}, "func must be callable, got 3"),
        ({"output": "odds"}, "output must be one of .*'scores'.*got 'odds'"),
        ({"classes": ["a", "a", "b"]}, "distinct labels"),
        ({"classes": ["a"]}, "two or more distinct labels"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_parameters_that_make_no_sense_are_refused(params, told):
    teacher = CallableTeacher(proba_of, WORDS).set_params(**params)

    with pytest.raises(ValueError, match=told):
        teacher.fit(*numeric_rows())


# What goes wrong


def with_row(row, value):
    def answer(X):
        p = proba_of(X)
        p[row] = value
        return p

    return answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda X: proba_of(X)[:, :2], r"returned shape \(60, 2\), expected \(60, 3\)"),
        (lambda X: proba_of(X)[1:], r"returned shape \(59, 3\), expected \(60, 3\)"),
        (first_number, r"first_number returned shape \(60,\), expected \(60, 3\)"),
        (lambda X: None, r"returned shape \(\), expected \(60, 3\)"),
        (with_row([7, 9], np.nan), "answer returned NaN or infinity for 2 of 60 rows.*in row 7"),
        (with_row(7, 0.0), "did not return probabilities for 1 of 20 rows"),
        (lambda X: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_what_is_wrong_with_its_output_is_told_with_its_name(answer, told):
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=f"Teacher 'llm' failed on all rows: .*{told}"):
        quick_classifier([("llm", CallableTeacher(answer, [0, 1, 2]))], cv=3).fit(X, y)


def test_logits_of_nothing_but_minus_infinity_say_nothing():
    teacher = CallableTeacher(with_row(4, -np.inf), WORDS, "logits")

    with pytest.raises(ValueError, match="NaN or infinity for 1 of 60 rows, first in row 4"):
        teacher.predict_proba(numeric_rows()[0])


# What it costs


@pytest.mark.parametrize("output", ["proba", "logits", "scores"])
def test_a_black_box_is_asked_once_for_each_row(output):
    X, y = numeric_rows()
    box = Asked(proba_of)
    teachers = [("box", CallableTeacher(box, WORDS, output)), ("tree", DecisionTreeClassifier())]

    quick_classifier(teachers, augmenter="munge", cv=5, keep_teachers=True).fit(X, WORDS[y])

    assert box.seen[0] == 60
    assert len(box.seen) == 2  # the rows, and the synthetic ones


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_its_predictions_are_found_again_in_memory(tmp_path, n_jobs):
    X, y = numeric_rows()
    teacher = CallableTeacher(partial(answers_in, str(tmp_path)), [0, 1, 2])
    params = {"augmenter": "munge", "memory": tmp_path / "memory", "n_jobs": n_jobs}

    first = quick_classifier(teacher, **params).fit(X, y)
    quick_classifier(teacher, **params, cv=3, alpha=1.0, keep_teachers=True).fit(X, y)

    asked = (tmp_path / "asked.txt").read_text().split()
    assert asked[0] == "60"
    assert len(asked) == 2
    plain = quick_classifier(teacher, augmenter="munge").fit(X, y)
    assert_array_equal(first.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("wrap", [lambda ask: ask, partial], ids=["function", "partial"])
def test_a_function_that_was_edited_is_asked_again(tmp_path, monkeypatch, wrap):
    X, y = numeric_rows(n_classes=2)
    monkeypatch.syspath_prepend(tmp_path)
    said = []
    for text in ("0.2 + 0 * X[:, 0]", "0.2 + 0 * X[:, 0]", "0.7 + 0 * X[:, 0]"):
        (tmp_path / "remote.py").write_text(f"def ask(X):\n    return {text}\n")
        monkeypatch.delitem(sys.modules, "remote", raising=False)
        linecache.clearcache()
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        teacher = CallableTeacher(wrap(importlib.import_module("remote").ask), [0, 1])
        ensemble = TeacherEnsemble(teacher, cv=2)
        said.append(ensemble.fit_soft_targets(training_data(X, y), memory=Memory(tmp_path)).labeled)

    assert_allclose([p[:, 1].mean() for p in said], [0.2, 0.2, 0.7])


def probabilities_of(models, X):
    return models[0].predict_proba(X)


def test_a_function_of_another_fitted_model_is_asked_again(tmp_path):
    X, y = numeric_rows()
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)

    def loss_of(model):
        teacher = CallableTeacher(partial(probabilities_of, [model]), [0, 1, 2])
        return quick_classifier(teacher, memory=tmp_path).fit(X, y).teacher_scores_["pool"]

    right, wrong = clone(tree).fit(X, y), clone(tree).fit(X, (y + 1) % 3)

    assert loss_of(right) < 1 < loss_of(wrong)


def test_it_is_asked_in_the_process_that_fits_so_that_it_need_not_be_pickled():
    X, y = numeric_rows()
    generator = (i for i in range(3))  # as little to be pickled as a client or a lock
    processes = []

    def answer(X):
        processes.append((generator, os.getpid()))
        return proba_of(X)

    teachers = [(name, CallableTeacher(answer, [0, 1, 2])) for name in "ab"]
    TeacherEnsemble(teachers, cv=2, n_jobs=2, random_state=0).fit(X, y)

    assert processes == [(generator, os.getpid())] * 2


# As an estimator


def test_a_clone_shares_the_function_and_nothing_fitted():
    X, y = numeric_rows()
    box = Asked(logits_of)
    original = CallableTeacher(box, WORDS, "scores").fit(X, WORDS[y])

    copy = clone(original)

    assert copy.func is box
    assert copy.get_params() == original.get_params()
    assert not hasattr(copy, "scaling_")


def test_it_is_pickled_with_a_function_that_is():
    X, y = numeric_rows()
    teacher = CallableTeacher(logits_of, WORDS, "scores").fit(X, WORDS[y])

    again = pickle.loads(pickle.dumps(teacher))

    assert_array_equal(again.predict_proba(X), teacher.predict_proba(X))


def test_it_predicts_labels_without_having_been_fitted():
    X, _ = numeric_rows()

    assert_array_equal(CallableTeacher(proba_of, WORDS).predict(X), WORDS[X[:, :3].argmax(1)])
