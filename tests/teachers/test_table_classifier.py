"""A classifier behind an encoder, and what XGBoost is told of a table."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from xgboost import XGBClassifier

from skdistill import TableClassifier
from tests.small import mixed_table, numeric_rows


def test_a_table_classifier_is_its_classifier_on_encoded_rows():
    X, y = mixed_table()
    wrapped = TableClassifier(DecisionTreeClassifier(max_depth=3, random_state=0)).fit(X, y)

    encoded = wrapped.encoder_.transform(X)
    alone = DecisionTreeClassifier(max_depth=3, random_state=0).fit(encoded, y)

    assert_array_equal(wrapped.predict_proba(X), alone.predict_proba(encoded))


def test_a_table_classifier_passes_its_classifiers_parameters_on():
    wrapped = TableClassifier(RandomForestClassifier())

    wrapped.set_params(n_estimators=3)

    assert wrapped.classifier.n_estimators == 3
    assert wrapped.get_params()["n_estimators"] == 3


def test_a_table_classifier_takes_parameters_of_a_classifier_that_comes_with_them():
    wrapped = TableClassifier(GaussianNB())

    wrapped.set_params(classifier=RandomForestClassifier(), n_estimators=3)

    assert wrapped.classifier.n_estimators == 3


def test_fitting_a_table_classifier_leaves_its_classifier_unfitted():
    X, y = mixed_table()
    wrapped = TableClassifier(DecisionTreeClassifier()).fit(X, y)

    assert not hasattr(wrapped.classifier, "classes_")


def test_a_table_classifier_passes_weights_into_a_pipeline():
    X, y = mixed_table()
    X = X.fillna({"age": 40.0})[["age", "children"]]
    pipeline = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=1))
    weight = np.where(y == "yes", 1.0, 1e-3)

    plain = TableClassifier(pipeline).fit(X, y).predict_proba(X)
    weighted = TableClassifier(pipeline).fit(X, y, sample_weight=weight).predict_proba(X)

    assert weighted[:, 1].mean() > plain[:, 1].mean()


def test_a_table_classifier_passes_no_weights_to_a_classifier_that_takes_none():
    X, y = numeric_rows()

    weighted = TableClassifier(KNeighborsClassifier()).fit(X, y, sample_weight=np.arange(60.0))

    assert_array_equal(weighted.predict_proba(X), KNeighborsClassifier().fit(X, y).predict_proba(X))


@pytest.mark.parametrize(
    ("classifier", "takes"), [(GaussianNB(), False), (RandomForestClassifier(), True)]
)
def test_a_table_classifier_says_whether_its_classifier_takes_missing_values(classifier, takes):
    assert get_tags(TableClassifier(classifier)).input_tags.allow_nan is takes


@pytest.mark.integration("XGBoost", "a teacher that stops early", package="xgboost")
def test_boosting_stops_by_held_out_rows_and_is_then_fitted_on_all():
    from xgboost import XGBClassifier

    X, y = numeric_rows(300)
    y = np.where(np.random.RandomState(0).rand(300) < 0.3, 2 - y, y)  # noise to overfit
    boosted = XGBClassifier(n_estimators=200, early_stopping_rounds=5, random_state=0)

    found = TableClassifier(boosted).fit(X, y).classifier_

    assert 1 <= found.n_estimators < 200
    plain = XGBClassifier(n_estimators=found.n_estimators, random_state=0).fit(X, y)
    np.testing.assert_array_equal(found.predict_proba(X), plain.predict_proba(X))
    assert boosted.n_estimators == 200


def test_boosting_counts_its_rounds_by_rows_that_weigh_something():
    from xgboost import XGBClassifier

    X, y = numeric_rows(300)
    noisy = np.arange(300) % 2 == 1
    y = np.where(noisy, np.random.RandomState(0).randint(3, size=300), y)
    boosted = XGBClassifier(
        n_estimators=300, early_stopping_rounds=5, learning_rate=0.05, random_state=0
    )

    def rounds(weight):
        return TableClassifier(boosted).fit(X, y, sample_weight=weight).classifier_.n_estimators

    assert rounds(None) == rounds(np.ones(300))
    assert rounds(np.where(noisy, 0.0, 1.0)) > rounds(np.where(noisy, 1.0, 0.0))


def test_boosting_has_some_rounds_where_no_row_can_be_spared():
    from xgboost import XGBClassifier

    X, y = numeric_rows(9)
    y = np.arange(9) % 3
    boosted = XGBClassifier(n_estimators=500, early_stopping_rounds=5)

    assert TableClassifier(boosted).fit(X, y).classifier_.n_estimators == 100


def test_boosting_stops_early_too_where_xgboost_is_left_its_own_number_of_rounds():
    from xgboost import XGBClassifier

    X, y = numeric_rows(300)
    y = np.where(np.random.RandomState(0).rand(300) < 0.3, 2 - y, y)

    found = TableClassifier(XGBClassifier(early_stopping_rounds=5)).fit(X, y).classifier_

    assert 1 <= found.n_estimators < 100


def test_of_many_columns_boosting_sees_a_part():
    X, y = make_classification(100, n_features=400, random_state=0)
    boosted = XGBClassifier(n_estimators=2, max_depth=2)

    wide = TableClassifier(boosted).fit(X, y).classifier_
    narrow = TableClassifier(boosted).fit(X[:, :30], y).classifier_
    told = TableClassifier(clone(boosted).set_params(colsample_bynode=0.9)).fit(X, y).classifier_

    assert (wide.colsample_bynode, wide.max_bin) == (0.1, 64)
    assert (narrow.colsample_bynode, narrow.max_bin) == (None, None)
    assert told.colsample_bynode == 0.9


def _letters(n_categories):
    """A category whose every third level is of class 1, and a number of no use."""
    codes = np.arange(12 * n_categories) % n_categories
    X = pd.DataFrame(
        {
            "level": [f"level {code:03d}" for code in codes],
            "number": np.random.RandomState(0).normal(size=len(codes)),
        }
    )
    return X, (codes % 3 == 0).astype(int)


def test_boosting_knows_categories_as_such():
    X, y = _letters(9)
    stump = XGBClassifier(n_estimators=1, max_depth=1, learning_rate=1)

    clf = TableClassifier(stump).fit(X, y)

    np.testing.assert_array_equal(clf.predict(X), y)  # one split, of three levels from six
    strange = X.assign(level=["never seen", None, *X["level"].tolist()[2:]])
    np.testing.assert_allclose(clf.predict_proba(strange).sum(1), 1, rtol=1e-6)
    assert stump.feature_types is None


def test_boosting_takes_a_column_of_many_categories_and_one_told_so_as_ranks():
    stump = XGBClassifier(n_estimators=1, max_depth=1, learning_rate=1)
    told = clone(stump).set_params(feature_types=["q", "q"])

    assert (TableClassifier(stump).fit(*_letters(65)).classifier_.feature_types) is None
    assert TableClassifier(told).fit(*_letters(9)).classifier_.feature_types == ["q", "q"]


@pytest.mark.parametrize(
    "params", [{"monotone_constraints": (1, 0)}, {"multi_strategy": "multi_output_tree"}], ids=str
)
def test_what_is_said_of_ranks_keeps_a_column_in_ranks(params):
    X, _ = _letters(9)
    y = X["level"].str[-1].astype(int) // 3  # of three classes, in the order of the levels
    boosted = XGBClassifier(n_estimators=5, **params)

    clf = TableClassifier(boosted).fit(X, y)

    assert clf.classifier_.feature_types is None
    assert (clf.predict(X) == y).all()


def test_boosting_may_stop_by_rows_of_categories_that_it_was_not_fitted_on():
    levels = [f"level {i:02d}" for i in range(60)]  # of most there is a single row
    X = pd.DataFrame({"level": levels + ["level 00"] * 100 + ["level 59"] * 100})
    y = (X["level"] == "level 59").astype(int)
    boosted = XGBClassifier(n_estimators=50, early_stopping_rounds=5, random_state=0)

    clf = TableClassifier(boosted).fit(X, y)

    assert clf.classifier_.feature_types == ["c"]
    assert clf.score(X, y) > 0.99


@pytest.mark.parametrize("params", [{"tree_method": "exact"}, {"booster": "gblinear"}], ids=str)
def test_boosting_that_knows_no_part_of_the_columns_and_no_categories_is_left_alone(params):
    X, y = make_classification(100, n_features=48, random_state=0)
    X = pd.DataFrame(X, columns=[f"x{j}" for j in range(48)]).assign(level=list("ab") * 50)

    fitted = TableClassifier(XGBClassifier(n_estimators=2, **params)).fit(X, y).classifier_

    assert fitted.colsample_bynode is fitted.max_bin is fitted.feature_types is None


def test_an_encoders_own_parameter_is_not_that_of_its_classifier():
    encoded = TableClassifier(HistGradientBoostingClassifier())

    encoded.set_params(categorical_features=[0])

    assert encoded.categorical_features == [0]
    assert encoded.get_params()["categorical_features"] == [0]
    assert encoded.classifier.categorical_features == "from_dtype"


def test_weights_reach_a_pipeline_behind_an_encoder_with_routing_on():
    X, y = numeric_rows(n_classes=2)
    weight = np.where(y == 1, 50.0, 1.0)
    encoded = TableClassifier(make_pipeline(StandardScaler(), GaussianNB()))

    with config_context(enable_metadata_routing=True):
        routed = encoded.fit(X, y, sample_weight=weight).predict_proba(X)

    assert_array_equal(routed, clone(encoded).fit(X, y, sample_weight=weight).predict_proba(X))
    assert (routed != clone(encoded).fit(X, y).predict_proba(X)).any()
