"""What LightGBM and CatBoost are told of a table, with the libraries themselves."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_classification

from skdistill import TableClassifier, TeacherEnsemble
from skdistill.jobs.fingerprint import fingerprint
from skdistill.sklearn_private import n_threads
from skdistill.table.encoder import TableEncoder
from skdistill.teachers.boosting import fit_options
from tests.small import mixed_table, numeric_rows


def lightgbm(**params):
    module = pytest.importorskip("lightgbm")
    small = {"n_estimators": 5, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}
    return module.LGBMClassifier(**small | params)


def catboost(**params):
    module = pytest.importorskip("catboost")
    small = {"iterations": 5, "depth": 3, "verbose": 0, "allow_writing_files": False}
    return module.CatBoostClassifier(**small | params)


BOTH = pytest.mark.parametrize("boosted", [lightgbm, catboost])


def levels(n_rows=900):
    """A category whose every third level is of class 1, and a number of no use."""
    codes = np.arange(n_rows) % 9
    number = np.random.RandomState(0).normal(size=n_rows)
    X = pd.DataFrame({"number": number, "level": [f"level {code}" for code in codes]})
    return X, (codes % 3 == 0).astype(int)


@pytest.mark.integration("LightGBM", "a teacher that knows categories", package="lightgbm")
def test_lightgbm_splits_categories_by_sets_of_them():
    X, y = levels()

    clf = TableClassifier(lightgbm(n_estimators=1, num_leaves=2, learning_rate=5)).fit(X, y)

    (tree,) = clf.classifier_.booster_.dump_model()["tree_info"]
    assert tree["tree_structure"]["decision_type"] == "=="
    assert_array_equal(clf.predict(X), y)  # one split, of three levels from six


@pytest.mark.integration("CatBoost", "a teacher that knows categories", package="catboost")
def test_catboost_knows_categories_as_such():
    X, y = levels()
    stump = catboost(iterations=20, depth=1, learning_rate=0.5)

    clf = TableClassifier(stump).fit(X, y)

    assert clf.classifier_.get_cat_feature_indices() == [1]
    assert clf.score(X, y) > 0.99
    assert "cat_features" not in stump.get_params()


@BOTH
def test_boosting_takes_a_category_and_a_gap_first_seen_at_predict(boosted):
    X, y = levels()
    strange = X.assign(level=["never seen", None, *X["level"].tolist()[2:]])

    clf = TableClassifier(boosted()).fit(X, y)

    assert_allclose(clf.predict_proba(strange).sum(1), 1)


@BOTH
def test_boosting_learns_from_missing_categories(boosted):
    X, y = levels()
    X.loc[y == 1, "level"] = None

    assert TableClassifier(boosted(learning_rate=0.5)).fit(X, y).score(X, y) == 1


@BOTH
def test_boosting_takes_a_mixed_table_with_labels_of_strings_and_weights(boosted):
    X, y = mixed_table(200)
    weight = np.where(y == "yes", 1.0, 1e-2)

    plain = TableClassifier(boosted()).fit(X, y)
    weighted = clone(plain).fit(X, y, sample_weight=weight)

    assert set(plain.predict(X)) == {"yes", "no"}
    assert plain.predict(X).shape == y.shape
    assert weighted.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()


@BOTH
def test_boosting_on_sparse_rows_is_that_of_the_library(boosted):
    X, y = numeric_rows()
    X = csr_matrix(np.where(X > 0, X, 0))

    wrapped = TableClassifier(boosted(random_state=0)).fit(X, y)

    alone = boosted(random_state=0).fit(X, y)
    assert_array_equal(wrapped.predict_proba(X), alone.predict_proba(X))


@BOTH
def test_boosting_with_categories_can_be_pickled(boosted):
    X, y = mixed_table()
    clf = TableClassifier(boosted(random_state=0)).fit(X, y)

    copy = pickle.loads(pickle.dumps(clf))

    assert_array_equal(copy.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize(("boosted", "threads"), [(lightgbm, "n_jobs"), (catboost, "thread_count")])
def test_the_fingerprint_of_boosting_is_that_of_what_changes_its_result(boosted, threads):
    wrapped = TableClassifier(boosted())

    assert fingerprint(wrapped) == fingerprint(clone(wrapped).set_params(**{threads: 2}))
    assert fingerprint(wrapped) != fingerprint(clone(wrapped).set_params(learning_rate=0.3))


def pooled(seed, **params):
    teacher = TableClassifier(catboost(depth=4, **params))
    X, y = mixed_table(100)
    ensemble = TeacherEnsemble([("catboost", teacher)], cv=2, random_state=seed).fit(X, y)
    return ensemble.predict_proba(X)


def test_an_ensemble_seeds_catboost_unless_it_has_a_seed():
    assert_array_equal(pooled(0), pooled(0))
    assert (pooled(0) != pooled(1)).any()


@pytest.mark.parametrize("name", ["random_state", "random_seed"])
def test_a_seed_of_catboost_stays_whatever_it_is_called(name):
    assert_array_equal(pooled(0, **{name: 7}), pooled(1, **{name: 7}))


def test_catboosts_parameters_can_be_set_though_it_names_only_those_that_are():
    wrapped = TableClassifier(catboost())

    wrapped.set_params(l2_leaf_reg=5)

    assert wrapped.get_params()["l2_leaf_reg"] == 5
    assert wrapped.get_params()["one_hot_max_size"] is None
    assert wrapped.classifier.get_params()["l2_leaf_reg"] == 5


def test_catboost_has_the_threads_that_others_have_unless_it_is_told():
    X, y = numeric_rows()

    left, told = (TableClassifier(catboost(thread_count=n)).fit(X, y) for n in (None, 2))

    assert left.classifier_.get_params()["thread_count"] == n_threads()
    assert told.classifier_.get_params()["thread_count"] == 2


def test_of_many_columns_catboost_sees_a_part_unless_it_is_told():
    X, y = make_classification(100, n_features=400, random_state=0)

    def settings(X, **params):
        found = TableClassifier(catboost(**params)).fit(X, y).classifier_.get_params()
        return found.get("rsm"), found.get("border_count")

    assert settings(X) == (0.1, 64)
    assert settings(X[:, :30]) == (None, None)
    assert settings(X, rsm=0.5) == (0.5, None)
    assert settings(X, colsample_bylevel=0.5) == (None, None)


@pytest.mark.parametrize("columns", [("children",), (1,)])
def test_catboost_may_be_told_of_other_categories_by_name_or_index(columns):
    X, y = mixed_table()

    fitted = TableClassifier(catboost(cat_features=columns)).fit(X, y).classifier_

    assert fitted.get_cat_feature_indices() == [1]


def test_a_fraction_as_a_category_is_refused_in_catboosts_words():
    X, y = mixed_table()

    with pytest.raises(Exception, match="real number values"):
        TableClassifier(catboost(cat_features=("age",))).fit(X, y)


def test_lightgbm_that_was_told_its_categories_is_told_nothing_else():
    encoder = TableEncoder().fit(levels()[0])

    assert fit_options(lightgbm(), encoder) == {"categorical_feature": [1]}
    assert fit_options(lightgbm(cat_feature=[0]), encoder) == {}


@pytest.mark.parametrize("as_table", [np.asarray, csr_matrix])
def test_catboost_predicts_the_shares_of_the_classes_where_nothing_varies(as_table):
    catboost = pytest.importorskip("catboost").CatBoostClassifier(
        iterations=3, verbose=0, allow_writing_files=False
    )
    X, y = as_table(np.ones((40, 2))), np.arange(40) % 4 == 0

    clf = TableClassifier(catboost).fit(X, y)

    assert_allclose(clf.predict_proba(X[:2]), [[0.75, 0.25]] * 2)
