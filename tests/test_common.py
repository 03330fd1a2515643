"""scikit-learn's own checks, and those that it cannot make of float32 arithmetic."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_estimators_nan_inf,
    check_estimators_pickle,
    parametrize_with_checks,
)
from xgboost import XGBRanker

from skdistill import (
    CallableTeacher,
    DistilledClassifier,
    DistilledRanker,
    DistilledRegressor,
    NetClassifier,
    NetRanker,
    NetRegressor,
    StudentMLP,
    StudentNet,
    TableClassifier,
    TableEncoder,
    TableRanker,
    TableRegressor,
    TeacherEnsemble,
    TeacherEnsembleRanker,
    TeacherEnsembleRegressor,
    TensorNet,
)
from tests.small import numeric_rows, quick_classifier

BATCHES = (
    "folds, held-out rows and mini-batches are drawn over rows: one row of weight two is in one "
    "of them, two rows may be in two"
)
DIVIDED = "the folds of the check divide queries, which no fold may"
BY_QUERY = "XGBoost's rankers take one weight for a query, not for a row"
ROUNDING = (
    "a float32 matrix product rounds the last bit by a row's place in the batch, and the check "
    "asks for 1e-7: below it is made at 1e-6"
)  # on some processors; on others these checks pass
ITS_OWN_CLASSES = "a black box has classes of its own, and knows nothing of the check's"
OF_A_NET = {
    "check_sample_weight_equivalence_on_dense_data": BATCHES,
    "check_sample_weight_equivalence_on_sparse_data": BATCHES,
    "check_methods_sample_order_invariance": ROUNDING,
    "check_methods_subset_invariance": ROUNDING,
}


class WithQueries:
    """Passes a `qid` by itself, as scikit-learn's checks know none: a ranker cannot do without."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight, qid=in_fives(y))

    def score(self, X, y, sample_weight=None):
        return super().score(X, y, sample_weight, qid=in_fives(y))


def in_fives(y):
    """Queries of five rows from all over the table, as some checks sort it by y."""
    n = 0 if y is None else len(np.asarray(y))
    return np.random.RandomState(0).permutation(n) // 5


class DistilledRankerOfFives(WithQueries, DistilledRanker):
    pass


class NetRankerOfFives(WithQueries, NetRanker):
    pass


class TableRankerOfFives(WithQueries, TableRanker):
    pass


class TeacherEnsembleRankerOfFives(WithQueries, TeacherEnsembleRanker):
    pass


EXPECTED_FAILURES = {
    CallableTeacher: {
        "check_classifiers_classes": ITS_OWN_CLASSES,
        "check_classifiers_train": ITS_OWN_CLASSES,
    },
    DistilledClassifier: OF_A_NET,
    DistilledRankerOfFives: OF_A_NET,
    DistilledRegressor: OF_A_NET,
    NetClassifier: OF_A_NET,
    NetRankerOfFives: OF_A_NET,
    TableRankerOfFives: {
        "check_sample_weight_equivalence_on_dense_data": BY_QUERY,
        "check_sample_weight_equivalence_on_sparse_data": BY_QUERY,
    },
    TeacherEnsembleRankerOfFives: {
        "check_sample_weight_equivalence_on_dense_data": DIVIDED,
        "check_sample_weight_equivalence_on_sparse_data": DIVIDED,
    },
    NetRegressor: OF_A_NET,
}


def nearness(X):
    """Scores of the classes 0 to 3, for any X."""
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=float)
    return -abs(np.nan_to_num(X[:, :1]) - np.arange(4))


TREE = [("tree", DecisionTreeClassifier(max_depth=4, min_weight_fraction_leaf=0.01))]
TREE_OF_NUMBERS = [("tree", DecisionTreeRegressor(max_depth=4, min_weight_fraction_leaf=0.01))]
NET = {"max_epochs": 5, "batch_size": 64, "lr": 0.05, "module__hidden_sizes": (16,)}
ESTIMATORS = [
    DistilledClassifier(TREE, StudentNet(**NET), cv=2, alpha=0.5),
    DistilledClassifier(TREE, LogisticRegression(), cv=2, alpha=0.5),
    TeacherEnsemble(TREE, cv=2),
    TableClassifier(TREE[0][1]),
    NetClassifier(TensorNet(StudentMLP, **NET)),
    TableEncoder(),
    CallableTeacher(nearness, [0, 1, 2, 3], "scores"),
    DistilledRegressor(TREE_OF_NUMBERS, StudentNet(**NET), cv=2, alpha=0.5),
    TeacherEnsembleRegressor(TREE_OF_NUMBERS, cv=2),
    TableRegressor(TREE_OF_NUMBERS[0][1]),
    NetRegressor(TensorNet(StudentMLP, **NET)),
    DistilledRankerOfFives(TREE_OF_NUMBERS, StudentNet(**NET), cv=2, alpha=0.5),
    TeacherEnsembleRankerOfFives(TREE_OF_NUMBERS, cv=2),
    TableRankerOfFives(XGBRanker(n_estimators=3)),
    NetRankerOfFives(TensorNet(StudentMLP, **NET)),
]


def expected_failures(estimator):
    return EXPECTED_FAILURES.get(type(estimator), {})


def name(estimator_or_check):
    """A name without parameters: these hold addresses, which differ between processes."""
    if isinstance(estimator_or_check, BaseEstimator):
        return type(estimator_or_check).__name__
    return EVERY_CHECK.kwargs["ids"](estimator_or_check)


EVERY_CHECK = parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)


@pytest.mark.parametrize(*EVERY_CHECK.args, ids=name)
def test_an_estimator_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("teacher", [LogisticRegression(), GaussianNB(), TREE[0][1]], ids=str)
def test_missing_values_keep_scikit_learns_contract_whatever_the_teachers(teacher):
    estimator = DistilledClassifier([("one", teacher)], StudentNet(**NET), cv=2, alpha=0.5)

    for check in (check_estimators_nan_inf, check_estimators_pickle):
        takes_missing = get_tags(estimator).input_tags.allow_nan
        if check is check_estimators_pickle or not takes_missing:
            check("DistilledClassifier", clone(estimator))


QUICK_NET = NetClassifier(TensorNet(StudentMLP, max_epochs=3), random_state=0)
ANSWERS = {
    "DistilledClassifier-predict_proba": (quick_classifier(), "predict_proba"),
    "DistilledClassifier-predict_log_proba": (quick_classifier(), "predict_log_proba"),
    "DistilledClassifier-decision_function": (quick_classifier(), "decision_function"),
    "NetClassifier-predict_proba": (QUICK_NET, "predict_proba"),
    "DistilledRegressor-predict": (
        DistilledRegressor(TREE_OF_NUMBERS, StudentNet(**NET), cv=2, random_state=0),
        "predict",
    ),
}


@pytest.fixture(scope="module", params=ANSWERS.values(), ids=ANSWERS)
def answer(request):
    """What a fitted model answers to rows."""
    estimator, method = request.param
    return getattr(clone(estimator).fit(*numeric_rows(300)), method)


def test_the_order_of_rows_does_not_change_their_predictions(answer):
    X, _ = numeric_rows(300)
    order = np.random.RandomState(0).permutation(len(X))

    assert_allclose(answer(X[order]), answer(X)[order], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [1, 7, 256])
def test_a_row_is_predicted_the_same_in_any_company(answer, size):
    X, _ = numeric_rows(300)

    in_parts = np.concatenate([answer(X[i : i + size]) for i in range(0, len(X), size)])

    assert_allclose(in_parts, answer(X), rtol=1e-6, atol=1e-6)
