"""Teachers that are fitted already: asked as they are, and once for each row."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import CallableTeacher, TableClassifier
from skdistill.soft_targets.cross_fitting import cross_fit
from tests.small import numeric_rows, quick_classifier, training_data

WORDS = np.array(["a", "b", "c"])
THREE_FOLDS = list(KFold(3).split(np.zeros(60)))
unseen_rows = pytest.mark.filterwarnings("ignore:Teacher .* is frozen")


def logits_of(X):
    return 2 * X[:, :3]


def proba_of(X):
    odds = np.exp(logits_of(X))
    return odds / odds.sum(1, keepdims=True)


def targets(teacher, X, y, classes=WORDS, splits=THREE_FOLDS, **kwargs):
    data = training_data(X, y, classes)
    soft_targets, _ = cross_fit([("t", teacher)], data, splits=splits, **kwargs)
    return soft_targets.labeled[0]


@unseen_rows
def test_a_frozen_teacher_is_asked_once_for_each_row(spy):
    X, y = numeric_rows()

    quick_classifier(FrozenEstimator(spy.fit(X, y)), augmenter="munge", cv=5).fit(X, y)

    assert len(spy.fitted_on) == 1
    assert [len(rows) for rows in spy.asked_about] == [60, 4 * 60]


@unseen_rows
def test_a_frozen_teacher_is_not_fitted_again():
    X, y = numeric_rows()
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[:20], y[:20])

    p = targets(FrozenEstimator(tree), X, y, np.arange(3))

    assert_array_equal(p, tree.predict_proba(X))


@unseen_rows
@pytest.mark.parametrize("dtype", [object, str])
@pytest.mark.parametrize("scaled", [False, True], ids=["tree", "pipeline"])
def test_a_frozen_teacher_of_fewer_classes_gets_its_columns_in_place(dtype, scaled):
    X, y = numeric_rows()
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    tree = make_pipeline(StandardScaler(), tree) if scaled else tree
    tree.fit(X[y != 1], WORDS[y[y != 1]])

    p = targets(FrozenEstimator(tree), X, y, WORDS.astype(dtype))

    assert_array_equal(p[:, [0, 2]], tree.predict_proba(X))
    assert (p[:, 1] == 0).all()


@unseen_rows
@pytest.mark.parametrize("scaled", [False, True], ids=["tree", "pipeline"])
def test_a_frozen_teacher_of_unknown_classes_is_refused_by_name(scaled):
    X, y = numeric_rows()
    tree = DecisionTreeClassifier()
    tree = (make_pipeline(StandardScaler(), tree) if scaled else tree).fit(X, y + 10)

    with pytest.raises(
        ValueError, match=r"Teacher 't' failed on all rows: .*classes that y does not have.*10"
    ):
        targets(FrozenEstimator(tree), X, y)


@unseen_rows
def test_a_frozen_teacher_of_strings_does_not_label_numbers():
    X, y = numeric_rows()
    tree = DecisionTreeClassifier().fit(X, y.astype(str))

    with pytest.raises(ValueError, match=r"classes that y does not have: \['0', '1', '2'\]"):
        quick_classifier(FrozenEstimator(tree)).fit(X, y)


@unseen_rows
def test_a_frozen_teacher_of_one_class_is_refused():
    X, y = numeric_rows()
    tree = DecisionTreeClassifier().fit(X, np.ones(60, dtype=int))

    with pytest.raises(ValueError, match=r"Teacher 't' failed.*one class only, \[1\]"):
        targets(FrozenEstimator(tree), X, y, np.arange(3))


@unseen_rows
def test_what_is_frozen_unfitted_is_refused():
    with pytest.raises(ValueError, match=r"Teacher 'frozenestimator' failed.*not fitted yet"):
        quick_classifier(FrozenEstimator(DecisionTreeClassifier())).fit(*numeric_rows())


def test_a_frozen_teacher_is_told_of_once():
    X, y = numeric_rows()
    frozen = FrozenEstimator(DecisionTreeClassifier(max_depth=2).fit(X, y))
    teachers = [("old", frozen), ("new", DecisionTreeClassifier(max_depth=2))]

    with pytest.warns(UserWarning, match="'old' is frozen.*Pass it unfitted, or rows") as told:
        quick_classifier(teachers, cv=5, augmenter="munge", keep_teachers=True).fit(X, y)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Teacher .* is frozen")  # as the warning says
        quick_classifier(teachers).fit(X, y)


def test_a_frozen_classifier_within_another_keeps_its_labels():
    X, y = numeric_rows()
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[y != 1], WORDS[y[y != 1]])

    p = targets(make_pipeline(StandardScaler(with_std=False), FrozenEstimator(tree)), X, y)

    assert (p[:, 1] == 0).all()
    assert_allclose(p.sum(1), 1)


@pytest.mark.parametrize(
    "build",
    [
        lambda frozen: make_pipeline(StandardScaler(), frozen),
        lambda frozen: TableClassifier(CalibratedClassifierCV(frozen, cv=2)),
        lambda frozen: VotingClassifier([("old", frozen), ("nb", GaussianNB())], voting="soft"),
    ],
    ids=["pipeline", "calibrated", "vote"],
)
def test_a_frozen_classifier_of_other_classes_within_another_is_refused_before_any_fit(build, spy):
    X, y = numeric_rows()
    frozen = FrozenEstimator(DecisionTreeClassifier(max_depth=2).fit(X, y + 1))
    teachers = [("spy", spy), ("t", build(frozen))]

    with pytest.raises(ValueError, match=r"Teacher 't'.* holds a FrozenEstimator of .*\[1, 2, 3\]"):
        quick_classifier(teachers).fit(X, WORDS[y])
    assert not spy.fitted_on


@pytest.mark.parametrize("labels", [WORDS, np.arange(3)], ids=["labels", "indices"])
def test_a_vote_takes_frozen_classifiers_of_its_columns(labels):
    X, y = numeric_rows()
    frozen = FrozenEstimator(DecisionTreeClassifier(max_depth=2).fit(X, labels[y]))
    vote = VotingClassifier([("old", frozen), ("nb", GaussianNB())], voting="soft")

    assert (targets(vote, X, y).argmax(1) == y).mean() > 0.8


def test_a_black_box_is_not_asked_where_another_teacher_is_refused():
    X, y = numeric_rows()
    asked = []
    box = CallableTeacher(lambda X: asked.append(X) or proba_of(X), WORDS)
    frozen = FrozenEstimator(DecisionTreeClassifier().fit(X, y))

    with pytest.raises(ValueError, match=r"Teacher 'old' failed.*classes that y does not have"):
        quick_classifier([("box", box), ("old", frozen)]).fit(X, WORDS[y])
    assert not asked


def test_a_frozen_classifier_of_indices_may_be_calibrated():
    X, y = numeric_rows()
    frozen = FrozenEstimator(DecisionTreeClassifier(max_depth=2).fit(X, y))

    clf = quick_classifier(CalibratedClassifierCV(frozen, cv=2)).fit(X, y)

    assert clf.teacher_scores_["pool"] < 1


def test_a_frozen_transformer_is_part_of_any_teacher():
    X, y = numeric_rows()
    frozen = FrozenEstimator(PCA(2).fit(X))

    clf = quick_classifier(make_pipeline(frozen, LogisticRegression())).fit(X, WORDS[y])

    assert clf.teacher_scores_["pool"] < 1


def test_a_black_box_within_another_knows_the_labels_too():
    X, y = numeric_rows()
    told = CallableTeacher(lambda X: proba_of(X)[:, [2, 0, 1]], WORDS[[2, 0, 1]])
    centred = make_pipeline(StandardScaler(with_mean=False, with_std=False), told)

    assert_allclose(targets(centred, X, y), proba_of(X))


def test_a_black_box_of_more_classes_within_another_is_refused():
    X, y = numeric_rows(n_classes=2)
    told = CallableTeacher(proba_of, WORDS)

    with pytest.raises(ValueError, match=r"holds a CallableTeacher of the classes \['a', 'b', 'c'"):
        quick_classifier(make_pipeline(StandardScaler(), told)).fit(X, WORDS[y])


def test_a_black_box_that_fails_is_named_with_the_table_it_was_asked_about():
    X, y = numeric_rows()

    def few_at_once(X):
        if len(X) == 7:
            raise RuntimeError("no sevens")
        return proba_of(X)

    data = training_data(X, y, WORDS, unlabeled=[X[:9], X[:7]])
    box = CallableTeacher(few_at_once, WORDS)
    with pytest.raises(ValueError, match=r"Teacher 't' failed on unlabeled rows 2: .*no sevens"):
        cross_fit([("t", box)], data, splits=THREE_FOLDS)


def test_a_black_box_that_knows_none_of_the_classes_of_a_row_is_named():
    X, y = numeric_rows()
    other = CallableTeacher(lambda X: np.tile([0.0, 0.0, 0.0, 1.0], (len(X), 1)), [*WORDS, "d"])

    with pytest.raises(ValueError, match=r"Teacher 't' failed on all rows: .*probability 0 for"):
        targets(other, X, y)


def test_in_sample_the_scaling_of_all_rows_is_the_only_one():
    X, y = numeric_rows()
    data = training_data(X, y, WORDS, unlabeled=[X[:9]])
    box = CallableTeacher(lambda X: X[:, :3], WORDS, output="scores")

    soft_targets, _ = cross_fit([("t", box)], data, splits=None, refit=True, keep=True)

    assert_array_equal(soft_targets.refitted[0], soft_targets.unlabeled[0])
