"""The ensemble that somebody has already, fitted or not, as the teacher."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from xgboost import XGBClassifier

from skdistill import DistilledClassifier
from tests.small import mixed_table, quick_classifier, quick_student

X, INDICES = load_wine(return_X_y=True, as_frame=True)
NAMES = np.array(["barolo", "grignolino", "barbera"])
Y = NAMES[INDICES]
HALF = np.arange(len(Y)) % 2 == 0

SCALED = make_pipeline(StandardScaler(), LogisticRegression())
TREES = ExtraTreesClassifier(10, random_state=0)
XGB = XGBClassifier(n_estimators=5, n_jobs=1)
PARTS = [("scaled", SCALED), ("trees", TREES), ("xgb", XGB)]
MINE = {
    "vote": VotingClassifier(PARTS, voting="soft"),
    "stack": StackingClassifier(PARTS, cv=2),
    "stack under xgboost": StackingClassifier(PARTS[:2], final_estimator=XGB, cv=2),
    "xgboost": XGB,
    "pipeline": make_pipeline(StandardScaler(), XGB),
    "bagging": BaggingClassifier(SCALED, 3),
    "calibrated": CalibratedClassifierCV(LinearSVC(), cv=2),
    "search": GridSearchCV(TREES, {"max_depth": [2, None]}, cv=2),
}


def distilled(ensemble, **params):
    student = quick_student(max_epochs=10, lr=0.01)
    return quick_classifier(ensemble, student, **params)


def names_for(ensemble):
    """XGBoost fitted by itself takes indices only; as a teacher it takes any labels."""
    last = ensemble.steps[-1][1] if hasattr(ensemble, "steps") else ensemble
    return INDICES.to_numpy() if isinstance(last, XGBClassifier) else Y


@pytest.mark.parametrize("ensemble", MINE.values(), ids=MINE)
def test_an_unfitted_one_teaches_a_student(ensemble):
    assert distilled(ensemble).fit(X, Y).score(X, Y) > 0.8


@pytest.mark.parametrize("ensemble", MINE.values(), ids=MINE)
def test_a_fitted_one_is_fitted_anew_out_of_fold(ensemble):
    labels = names_for(ensemble)
    fitted = clone(ensemble).fit(X[HALF], labels[HALF])

    one, other = (distilled(each).fit(X, labels) for each in (fitted, ensemble))

    assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=0.2)
    assert one.teacher_scores_["pool"] > 0.01  # not the labels again


@pytest.mark.parametrize("ensemble", MINE.values(), ids=MINE)
def test_a_frozen_one_is_asked_as_it_is(ensemble):
    labels = names_for(ensemble)
    fitted = clone(ensemble).fit(X[HALF], labels[HALF])
    clf = distilled(FrozenEstimator(fitted), keep_teachers=True)

    with pytest.warns(UserWarning, match="is frozen and labels the rows of X"):
        clf.fit(X[~HALF], labels[~HALF])

    assert_allclose(clf.teacher_.predict_proba(X), fitted.predict_proba(X), atol=1e-6)


def test_a_pipeline_with_preprocessing_of_its_own_takes_its_table():
    frame, labels = mixed_table(120)
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
    )

    clf = distilled(make_pipeline(columns, LogisticRegression())).fit(frame, labels)

    assert clf.score(frame, labels) > 0.7


# ---------------------------------------------------------------- rows that it has seen


def frozen_trees(rows):
    return FrozenEstimator(ExtraTreesClassifier(50, random_state=0).fit(X[rows], Y[rows]))


def test_validation_rows_tell_how_much_a_frozen_one_repeats_of_its_labels():
    clf = distilled(frozen_trees(HALF))

    with pytest.warns(UserWarning, match=r"log loss is .*e-\d+ on X but 0\.\d+ on X_val") as told:
        clf.fit(X[HALF], Y[HALF], X_val=X[~HALF], y_val=Y[~HALF])

    assert [each.filename for each in told] == [__file__]


def test_nothing_is_told_where_it_has_seen_neither():
    third = np.arange(len(Y)) % 3
    seen, rows, held_out = third == 0, third == 1, third == 2

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        distilled(frozen_trees(seen)).fit(X[rows], Y[rows], X_val=X[held_out], y_val=Y[held_out])


def test_without_validation_rows_it_is_told_how_to_find_out():
    with pytest.warns(UserWarning, match="how much is lost, pass X_val and y_val"):
        distilled(frozen_trees(HALF)).fit(X, Y)


# ---------------------------------------------------------------- what it cannot do


def test_boosting_that_stops_early_is_told_what_holds_rows_out():
    booster = XGBClassifier(n_estimators=5, early_stopping_rounds=2)

    with pytest.raises(ValueError, match=r"early stopping.*Wrap it in TableClassifier"):
        distilled(booster).fit(X, Y)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.Series(["a", "b"] * 30), r"could not convert string.*wrap the teacher in TableClass"),
        (pd.Series([np.nan, 1.0] * 30), r"(?s)contains NaN.*put SimpleImputer in front"),
    ],
)
def test_a_teacher_that_cannot_take_a_column_is_told_what_helps(column, said):
    table, labels = pd.DataFrame({"x": np.arange(60.0), "column": column}), ["p", "q", "q"] * 20

    with pytest.raises(ValueError, match=said):
        distilled(LogisticRegression()).fit(table, labels)


def test_a_vote_of_labels_is_told_to_be_soft():
    with pytest.raises(ValueError, match="set voting='soft'"):
        DistilledClassifier(VotingClassifier(PARTS)).fit(X, Y)


def test_a_class_weight_reaches_the_parts_of_a_vote(spy):
    vote = VotingClassifier([("spy", spy), ("bayes", GaussianNB())], voting="soft")

    distilled(vote, class_weight={"barolo": 3.0}).fit(pd.DataFrame(X), Y)

    weights = np.concatenate([weight for _, _, weight in spy.fitted_on])
    assert_allclose(weights.max() / weights.min(), 3, rtol=1e-5)
