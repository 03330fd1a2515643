"""Soft targets from one fit, by the trees whose bag a row is not in."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from skdistill import TableClassifier, TeacherEnsemble
from skdistill.soft_targets.cross_fitting import cross_fit
from skdistill.soft_targets.out_of_bag import with_out_of_bag
from tests.small import mixed_table, numeric_rows, quick_classifier, quick_student, training_data

CLASSES = np.arange(3)
FOREST = RandomForestClassifier(40, random_state=0)
TWO_FOLDS = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]

BAGGED = {
    "forest": FOREST,
    "extra trees": ExtraTreesClassifier(40, bootstrap=True, random_state=0),
    "bagging": BaggingClassifier(DecisionTreeClassifier(), 40, random_state=0),
    "behind an encoder": TableClassifier(FOREST),
    "in a pipeline": make_pipeline(FunctionTransformer(), FOREST),
    "in both": make_pipeline(FunctionTransformer(), TableClassifier(FOREST)),
}
NOT_BAGGED = {
    "extra trees": ExtraTreesClassifier(10, random_state=0),
    "forest": RandomForestClassifier(10, bootstrap=False, random_state=0),
    "boosted": GradientBoostingClassifier(n_estimators=5, subsample=0.5, random_state=0),
    "linear": LogisticRegression(),
}


def out_of_bag(teacher, X, y, *, refit=False, **fields):
    data = training_data(X, y, CLASSES, **fields)
    targets, _ = cross_fit([("t", teacher)], data, splits=TWO_FOLDS, out_of_bag=True, refit=refit)
    return targets.labeled, targets.unlabeled, targets.refitted


@pytest.mark.parametrize("kind", BAGGED)
def test_its_targets_are_what_scikit_learn_says_out_of_bag(kind):
    X, y = numeric_rows()
    alone = BAGGED[kind]
    while hasattr(alone, "steps") or hasattr(alone, "classifier"):
        alone = alone.steps[-1][1] if hasattr(alone, "steps") else alone.classifier
    alone.set_params(oob_score=True).fit(X, y)

    targets, *_ = out_of_bag(BAGGED[kind], X, y)

    assert_allclose(targets[0], alone.oob_decision_function_)


@pytest.mark.parametrize("kind", NOT_BAGGED)
def test_what_has_no_bags_is_cross_fitted(kind):
    X, y = numeric_rows()

    targets, *_ = out_of_bag(NOT_BAGGED[kind], X, y)
    by_folds, _ = cross_fit([("t", NOT_BAGGED[kind])], training_data(X, y), splits=TWO_FOLDS)

    assert_array_equal(targets, by_folds.labeled)


def test_the_others_are_cross_fitted_with_five_folds():
    X, y = numeric_rows()
    teachers = [("forest", FOREST), ("linear", LogisticRegression())]
    params = {"weights": [0, 1], "random_state": 0}

    of_bags, of_folds = (
        TeacherEnsemble(teachers, cv=cv, **params).fit_soft_targets(training_data(X, y)).labeled
        for cv in ("oob", 5)
    )

    assert_array_equal(of_bags, of_folds)


class Counted(RandomForestClassifier):
    fitted_on = []

    def fit(self, X, y, sample_weight=None):
        self.fitted_on.append(len(X))
        return super().fit(X, y, sample_weight)


def test_a_forest_is_fitted_once_on_the_rows_that_are_not_held_out():
    X, y = numeric_rows()
    Counted.fitted_on.clear()

    clf = quick_classifier(Counted(40), cv="oob").fit(X, y)

    assert len(Counted.fitted_on) == 1
    assert 40 < Counted.fitted_on[0] < 60
    assert clf.score(X, y) > 0.5


@pytest.mark.parametrize(("n_samples", "times"), [(60, [60]), (1600, [1440, 1600])])
def test_a_forest_is_fitted_again_only_if_it_has_not_seen_all_rows(n_samples, times):
    X, y = numeric_rows(n_samples)
    Counted.fitted_on.clear()

    student = quick_student(max_epochs=1, batch_size=256)
    quick_classifier(Counted(40), student, cv="oob", augmenter="munge").fit(X, y)

    assert Counted.fitted_on == pytest.approx(times, abs=2)  # a tenth of each class is held out


def test_rows_held_out_and_unlabeled_ones_get_the_predictions_of_the_whole_forest():
    X, y = numeric_rows()
    held_out = np.arange(60) % 5 == 0
    other = X + 0.1

    targets, (of_other,), *_ = out_of_bag(FOREST, X, y, held_out=held_out, unlabeled=[other])

    whole = RandomForestClassifier(40, random_state=0, oob_score=True).fit(
        X[~held_out], y[~held_out]
    )
    assert_array_equal(targets[0][held_out], whole.predict_proba(X[held_out]))
    assert_allclose(targets[0][~held_out], whole.oob_decision_function_)
    assert_allclose(of_other[0], whole.predict_proba(other))


def test_a_row_out_of_bag_is_not_labeled_by_its_own_label():
    X, _ = numeric_rows()
    noise = np.random.RandomState(0).randint(3, size=60)

    targets, *_ = out_of_bag(FOREST, X, noise)

    in_sample = FOREST.fit(X, noise).predict(X)
    assert (in_sample == noise).mean() > 0.95
    assert (targets[0].argmax(1) == noise).mean() < 0.6


def test_all_rows_are_fitted_on_by_those_that_are_kept():
    X, y = numeric_rows()
    fitted = TeacherEnsemble(FOREST, cv="oob", random_state=0).fit(X, y)

    assert_allclose(fitted.predict_proba(X), FOREST.fit(X, y).predict_proba(X))


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide")
@pytest.mark.parametrize("kind", ["forest", "bagging", "behind an encoder"])
def test_rows_in_every_bag_are_told_and_not_labeled(kind):
    X, y = numeric_rows()
    few = with_out_of_bag(BAGGED[kind])
    few.set_params(n_estimators=3)
    told = r"'few' failed on out of bag: .*\d+ of \d+ rows were in the bag of every tree.*more tre"

    with pytest.raises(ValueError, match=told):
        quick_classifier([("few", few)], cv="oob").fit(X, y)


def test_a_class_that_is_only_held_out_has_probability_zero():
    X, y = numeric_rows()

    targets, *_ = out_of_bag(FOREST, X, y, held_out=y == 1)

    assert (targets[0][:, 1] == 0).all()
    assert_allclose(targets[0].sum(1), 1)


def test_a_mixed_table_of_strings_is_labeled_out_of_bag():
    frame, labels = mixed_table()

    clf = quick_classifier(TableClassifier(FOREST), cv="oob").fit(frame, labels)

    assert clf.teacher_scores_["tableclassifier"] < np.log(2)


def test_memory_tells_targets_out_of_bag_from_those_of_rows_that_were_seen(tmp_path):
    X, y = numeric_rows()
    params = {"memory": tmp_path, "random_state": 0}
    forest = FOREST.set_params(oob_score=True)
    first = TeacherEnsemble(forest, cv="oob", **params).fit(X, y)

    with pytest.warns(UserWarning, match="cv='in_sample' labels each row with teachers that were"):
        seen = TeacherEnsemble(forest, cv="in_sample", **params).fit(X, y)
    again = TeacherEnsemble(forest, cv="oob", **params).fit(X, y)

    assert seen.scores_["pool"] < first.scores_["pool"] - 0.05
    assert again.scores_ == first.scores_


@pytest.mark.parametrize("estimator", [quick_classifier(), TeacherEnsemble(FOREST)])
def test_an_unknown_name_for_folds_is_refused(estimator):
    with pytest.raises(ValueError, match=r"cv.*'oob'|Expected `cv` as an integer"):
        estimator.set_params(cv="bag").fit(*numeric_rows())
