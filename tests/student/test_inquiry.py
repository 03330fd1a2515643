"""A draft of the student chooses rows, and its teachers label them."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.tree import DecisionTreeClassifier

from skdistill import Inquire, TeacherEnsemble
from skdistill.jobs.clock import Clock
from skdistill.soft_targets.targets import SoftTargets
from skdistill.student.inquiry import ask_in_rounds
from skdistill.tasks.classification import Classification
from tests.small import training_data

RNG = np.random.RandomState(0)
X = RNG.normal(size=(400, 3))
Y = (X[:, 1] > 0).astype(int)
AS_THEY_ARE = SimpleNamespace(transform=np.float32)


def pool(X):
    """Teachers that are sure of the sign of a column."""
    return np.where(X[:, 1:2] > 0, [[0.1, 0.9]], [[0.9, 0.1]])


def wrong_on_the_right(X):
    """Logits like the pool's for rows with a negative first number, and the opposite elsewhere."""
    return np.where(X[:, :1] < 0, 1, -1) * np.log(pool(X))


def unsure_on_the_right(X):
    return np.where(X[:, :1] < 0, 1, 0) * np.log(pool(X))


class Asked:
    """A teacher that records the rows it is asked about."""

    def __init__(self):
        self.tables = []

    def label(self, X, labelers):
        self.tables.append(X)
        return SoftTargets(pool(X)[:0], [pool(X)], [pool(X)])


def asked(draft, rounds=3, **params):
    """Let a draft ask; return the teacher, the data and the soft targets."""
    teacher, student = Asked(), SimpleNamespace(draft=lambda transfer_set, **how: draft)
    data = training_data(X, Y, unlabeled=[X[:100] + 0.01])
    targets = SoftTargets(pool(X), [pool(X[:100])], [pool(X[:100])])
    augmenter, shares = Inquire(rounds=rounds, **params), [100] * rounds
    data.n_to_ask = 100 * (rounds - 1)
    ask_in_rounds(
        student, teacher, augmenter, data, AS_THEY_ARE, targets, shares,
        np.random.RandomState(0), Clock(),
    )  # fmt: skip
    return teacher, data, targets


def test_rows_are_drawn_where_student_and_pool_part():
    teacher, *_ = asked(wrong_on_the_right)

    assert np.mean(np.concatenate(teacher.tables)[:, 0] > 0) > 0.9


def test_rows_are_drawn_where_the_student_is_unsure():
    teacher, *_ = asked(unsure_on_the_right, by="uncertainty")

    on_the_right = np.concatenate(teacher.tables)[:, 0] > 0
    # ln 2 of entropy there, .325 elsewhere: two of three draws among few candidates
    assert 0.55 < on_the_right.mean() < 0.75


def test_a_single_candidate_leaves_nothing_to_choose():
    teacher, *_ = asked(wrong_on_the_right, n_candidates=1)

    assert np.mean(np.concatenate(teacher.tables)[:, 0] > 0) == pytest.approx(0.5, abs=0.1)


def test_the_rows_of_each_round_join_those_that_are_there():
    _, data, targets = asked(wrong_on_the_right, rounds=4)

    assert [len(table) for table in data.unlabeled] == [100] * 4
    assert [len(table) for table in targets.unlabeled] == [100] * 4
    assert [len(table) for table in targets.refitted] == [100] * 4
    assert_allclose(targets.unlabeled[2], pool(data.unlabeled[2]))
    assert data.n_to_ask == 0


def test_only_the_rows_that_are_chosen_are_labeled():
    teacher, *_ = asked(wrong_on_the_right, n_candidates=8)

    assert [len(table) for table in teacher.tables] == [100, 100]


def test_each_draft_is_trained_on_all_rows_so_far():
    sizes = []
    data = training_data(X, Y, unlabeled=[X[:50]])
    targets = SoftTargets(pool(X), [pool(X[:50])], [pool(X[:50])])

    def draft(transfer_set, **how):
        sizes.append((transfer_set.n_labeled, transfer_set.n_unlabeled))
        return wrong_on_the_right

    ask_in_rounds(
        SimpleNamespace(draft=draft), Asked(), Inquire(), data, AS_THEY_ARE, targets,
        [50, 50, 50], np.random.RandomState(0), Clock(),
    )  # fmt: skip

    assert sizes == [(400, 50), (400, 100)]


def test_rows_are_labeled_later_as_they_would_have_been_at_once():
    more = RNG.normal(size=(30, 3))
    trees = [
        ("deep", DecisionTreeClassifier(random_state=0)),
        ("flat", DecisionTreeClassifier(max_depth=1)),
    ]
    ensemble = TeacherEnsemble(trees, cv=3, random_state=0)
    data = training_data(X, RNG.permutation(Y), unlabeled=[more])

    at_once = ensemble.fit_soft_targets(data, refit=True, keep_folds=True)
    later = ensemble.label(more, at_once.labelers)

    assert_allclose(later.unlabeled[0], at_once.unlabeled[0])
    assert_allclose(later.refitted[0], at_once.refitted[0])
    assert abs(later.refitted[0] - later.unlabeled[0]).max() > 0.01


def test_no_folds_are_kept_unless_they_are_asked_for():
    ensemble = TeacherEnsemble(DecisionTreeClassifier(max_depth=1), cv=3)

    assert ensemble.fit_soft_targets(training_data(X, Y)).labelers == []


def test_the_divergence_is_zero_where_the_student_agrees_and_above_elsewhere():
    task = Classification(np.arange(2))

    divergences = task.divergences(wrong_on_the_right(X), pool(X))

    assert_allclose(divergences[X[:, 0] < 0], 0, atol=1e-12)
    assert_allclose(divergences[X[:, 0] >= 0], 0.8 * np.log(9))
