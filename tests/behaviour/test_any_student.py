"""Any classifier that takes sample weights, and any regressor, can be the student."""

import copy
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from skdistill import CallableTeacher, TableClassifier, compare, student_path
from tests.small import (
    fits_in,
    logged_classifier,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_student,
)

CLASSIFIERS = {
    "HistGradientBoosting": lambda: HistGradientBoostingClassifier(max_iter=10),
    "logistic regression": LogisticRegression,
    "tree": lambda: DecisionTreeClassifier(max_depth=4),
    "XGBoost": lambda: XGBClassifier(n_estimators=5),
    "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "table": lambda: TableClassifier(DecisionTreeClassifier(max_depth=4)),
}
REGRESSORS = {
    "HistGradientBoosting, regression": lambda: HistGradientBoostingRegressor(max_iter=10),
    "tree, regression": lambda: DecisionTreeRegressor(max_depth=4),
    "XGBoost, regression": lambda: XGBRegressor(n_estimators=5),
    "forest, regression": lambda: RandomForestRegressor(5),
    "ridge": Ridge,
    "SVR in a pipeline": lambda: make_pipeline(StandardScaler(), SVR()),
}
STUDENTS = CLASSIFIERS | REGRESSORS
anyone = pytest.mark.parametrize("kind", STUDENTS)


def distilled(student, **params):
    return quick_classifier(student=student, **{"augmenter": "munge"} | params)


def noisy_rows(n_samples):
    """Two classes, with some labels of the other one."""
    X, y = numeric_rows(n_samples, n_classes=2)
    return X, np.where(np.random.RandomState(0).rand(n_samples) < 0.15, 1 - y, y)


@anyone
@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_trained_and_predicts_probabilities(kind, n_classes):
    X, y = numeric_rows(120, n_classes)
    words = np.array(["hen", "cat", "ox"])[y]

    clf = distilled(STUDENTS[kind](), alpha="auto").fit(X, words)

    proba = clf.predict_proba(X)
    assert_allclose(proba.sum(1), 1)
    assert_array_equal(clf.predict(X), clf.classes_[proba.argmax(1)])
    assert clf.score(X, words) > 0.8


@anyone
def test_it_takes_mixed_tables_and_weights_and_comes_back_from_a_pickle(kind):
    X, y = mixed_table(80)
    weight = np.linspace(0, 1, 80)

    with config_context(enable_metadata_routing=True):
        clf = distilled(STUDENTS[kind]()).fit(X, y, sample_weight=weight)

    again = pickle.loads(pickle.dumps(clf))
    assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_the_probabilities_are_those_of_the_classifier_itself(kind):
    X, y = numeric_rows(100)

    clf = distilled(CLASSIFIERS[kind]()).fit(X, y)

    own = clf.student_.estimator.predict_proba(clf.inputs_.transform(X))
    assert type(clf.student_.estimator) is type(CLASSIFIERS[kind]())
    assert_allclose(clf.predict_proba(X), own, atol=1e-6)


@pytest.mark.parametrize("student", [LogisticRegression(), HistGradientBoostingRegressor()])
def test_it_follows_the_teachers_where_alpha_is_one_and_the_labels_where_it_is_zero(student):
    X, y = numeric_rows(300, n_classes=2)
    # A teacher that contradicts the labels.
    opposite = np.eye(2)[1 - y] * 0.8 + 0.1

    of_teachers, of_labels = (
        distilled(student, augmenter=None, alpha=alpha).fit(X, y, teacher_proba=opposite)
        for alpha in (1.0, 0.0)
    )

    assert of_teachers.score(X, y) < 0.2
    assert of_labels.score(X, y) > 0.8


def test_a_distilled_tree_predicts_better_than_the_same_tree_on_labels():
    X, y = noisy_rows(900)
    tree = DecisionTreeClassifier(random_state=0)
    forest = RandomForestClassifier(50, min_samples_leaf=5, random_state=0)
    train, test = slice(0, 450), slice(450, None)

    clf = distilled(tree, teachers=forest, alpha="auto").fit(X[train], y[train])

    on_labels = clone(tree).fit(X[train], y[train])
    losses = [log_loss(y[test], each.predict_proba(X[test])) for each in (clf, on_labels)]
    assert losses[0] < 0.5 * losses[1]


def test_sparse_rows_are_dense_for_a_student_that_takes_no_others():
    X, y = numeric_rows(90)
    X = np.where(X > 0.3, X, 0)
    fits = [
        distilled(student, augmenter=None).fit(csr_matrix(X), y)
        for student in (HistGradientBoostingClassifier(max_iter=5), XGBClassifier(n_estimators=5))
    ]

    for clf in fits:
        assert_allclose(clf.predict_proba(X), clf.predict_proba(csr_matrix(X)))


def test_images_and_polars_work_as_for_a_net():
    X, y = numeric_rows(60)
    frame, labels = mixed_table(60)

    of_images = distilled(Ridge(), augmenter=None).fit(X[:, None, :], y)
    of_polars = distilled(Ridge(), augmenter=None).fit(pl.from_pandas(frame), labels)

    assert of_images.predict(X[:, None, :]).shape == (60,)
    assert_array_equal(of_polars.predict(pl.from_pandas(frame)), of_polars.predict(frame))


def test_what_is_recorded_of_it_is_true():
    X, y = numeric_rows(120)

    clf = distilled(LogisticRegression(), alpha="auto", temperature="auto")
    clf.fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])

    loss = log_loss(y[90:], clf.predict_proba(X[90:]))
    assert clf.n_iter_ == len(clf.history_) == 1
    assert clf.candidates_ == []
    assert_allclose(clf.report_["student"], loss, rtol=1e-5)
    assert "gain_over_labels" not in clf.report_
    assert (0 < clf.alpha_ < 1, clf.temperature_) == (True, 1.0)
    assert clf.fit_times_["student"] > 0


def test_without_validation_rows_its_loss_is_not_known():
    clf = distilled(LogisticRegression()).fit(*numeric_rows())

    assert clf.report_["student"] is None


def test_nothing_is_trained_on_validation_rows():
    X, y = numeric_rows(120)
    fits = [
        distilled(DecisionTreeClassifier()).fit(X[:90], y[:90], X_val=X[90:], y_val=labels)
        for labels in (y[90:], (y[90:] + 1) % 3)
    ]

    first, second = (clf.predict_proba(X) for clf in fits)

    assert_array_equal(first, second)


def test_class_weights_reach_it():
    X, y = noisy_rows(300)
    plain, heavy = (
        distilled(LogisticRegression(), class_weight=weights).fit(X, y)
        for weights in (None, {1: 20})
    )

    assert heavy.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.2


def test_rows_of_weight_zero_do_not_reach_it():
    X, y = numeric_rows(120)
    weight = np.repeat([1.0, 0.0], [90, 30])

    first, second = (
        distilled(DecisionTreeClassifier(), augmenter=None, cv=KFold(2)).fit(
            X, labels, sample_weight=weight
        )
        for labels in (y, np.append(y[:90], (y[90:] + 1) % 3))
    )

    assert_array_equal(first.predict(X), second.predict(X))


def test_it_is_seeded_by_random_state_unless_it_has_a_seed():
    X, y = numeric_rows(200)
    student = DecisionTreeClassifier(splitter="random", max_depth=3)

    seeds = [
        distilled(each, random_state=state).fit(X, y).student_.estimator.random_state
        for each, state in [(student, 0), (student, 0), (student, 1)]
    ]
    own = distilled(clone(student).set_params(random_state=5)).fit(X, y)

    assert seeds[0] == seeds[1] != seeds[2]
    assert own.student_.estimator.random_state == 5
    assert student.random_state is None


def test_a_net_and_an_estimator_can_be_searched_over():
    X, y = numeric_rows(90)
    students = [quick_student(), LogisticRegression(), Ridge()]

    search = GridSearchCV(distilled(None), {"student": students}, cv=2, error_score="raise")

    assert search.fit(X, y).score(X, y) > 0.5


def test_a_search_over_students_fits_each_teacher_once(tmp_path):
    X, y = numeric_rows(90)
    log = tmp_path / "log"
    params = {"augmenter": "munge", "memory": tmp_path / "memory"}
    clf = logged_classifier(log, student=DecisionTreeClassifier(), **params)
    students = [LogisticRegression(), Ridge(), DecisionTreeClassifier()]

    GridSearchCV(clf, {"student": students}, cv=2, error_score="raise").fit(X, y)

    # Two folds and all rows, in each of two folds of the search, and in its refit.
    assert set(fits_in(log).values()) == {3 * 3}


def test_memory_recalls_it(tmp_path):
    X, y = numeric_rows(90)
    student = DecisionTreeClassifier(splitter="random")

    first, again = (distilled(student, memory=tmp_path).fit(X, y) for _ in range(2))

    assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert first.fit_times_["student"] == again.fit_times_["student"]


def test_its_parameters_are_within_reach():
    clf = distilled(DecisionTreeClassifier())

    clf.set_params(student__max_depth=2)

    assert clf.get_params()["student__max_depth"] == 2
    assert clf.fit(*numeric_rows()).student_.estimator.get_depth() <= 2
    assert "DecisionTreeClassifier" in clf._repr_html_()


def test_it_is_compared_in_the_same_report():
    X, y = numeric_rows(150)
    models = {
        kind: distilled(STUDENTS[kind](), keep_teachers=True).fit(X, y)
        for kind in ("tree", "HistGradientBoosting, regression")
    }

    report = compare({"teachers": models["tree"].teacher_, **models}, X, y, n_repeats=1)

    assert report["tree"].kilobytes < report["HistGradientBoosting, regression"].kilobytes
    assert {row.log_loss > 0 for row in report.rows} == {True}


PREDICT = """
import sys
import joblib
model, X, proba = joblib.load(sys.argv[1])
assert (model.predict_proba(X) == proba).all()
assert not {"torch", "skorch", "xgboost"} & set(sys.modules)
"""


@pytest.mark.parametrize("kind", ["HistGradientBoosting", "tree, regression", "pipeline"])
def test_it_predicts_in_a_process_without_torch(kind, tmp_path):
    X, y = mixed_table()
    clf = distilled(STUDENTS[kind]()).fit(X, y)
    joblib.dump((clf, X, clf.predict_proba(X)), tmp_path / "model")

    run = subprocess.run(
        [sys.executable, "-c", PREDICT, tmp_path / "model"], capture_output=True, text=True
    )

    assert run.returncode == 0, run.stderr


def test_a_copy_predicts_the_same():
    X, y = numeric_rows()
    clf = distilled(DecisionTreeClassifier()).fit(X, y)

    for again in (copy.copy(clf), copy.deepcopy(clf)):
        assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_max_time_forecasts_its_training_too():
    X, y = numeric_rows(90)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf = distilled(HistGradientBoostingClassifier(max_iter=5), max_time=600).fit(X, y)

    assert clf.fit_times_["trials"] == 0


FITTED = KNeighborsClassifier().fit(*numeric_rows())
UNFIT = {
    "max_latency": ({"max_latency": 1e-3}, "max_latency=0.001 is for a student that is a net"),
    "max_size": ({"max_size": "9kB"}, "max_size='9kB' is for a student that is a net"),
    "warm_start": ({"warm_start": True}, "leave warm_start at False"),
    "temperature": ({"temperature": 2.0}, "leave temperature at 1"),
    "validation rows": ({"validation_fraction": 0.2}, "leave validation_fraction at 'auto'"),
    "no weights": ({"student": KNeighborsClassifier()}, "takes no sample_weight.*a regressor"),
    "no probabilities": ({"student": SVC()}, "no predict_proba.*or a regressor"),
    "frozen": ({"student": FrozenEstimator(FITTED)}, "list a fitted one among the teachers"),
    "a black box": ({"student": CallableTeacher(np.sign, [0, 1], "proba")}, "not fitted to soft"),
    "clusters": ({"student": KMeans()}, "or a classifier or regressor of scikit-learn, got KMeans"),
    "outliers": ({"student": IsolationForest()}, "classifier or regressor of scikit-learn"),
    "a class": ({"student": Ridge}, "student must be an instance, got the class Ridge"),
    "a search": (
        {"student": GridSearchCV(LogisticRegression(), {"C": [1, 2]})},
        "search over the parameters of DistilledClassifier instead",
    ),
    "its parameter": ({"student": DecisionTreeClassifier(max_depth=-1)}, "'max_depth' parameter"),
    "a step's parameter": (
        {"student": make_pipeline(StandardScaler(), Ridge(alpha=-1))},
        "'alpha' parameter of Ridge",
    ),
}


@pytest.mark.parametrize(("params", "message"), UNFIT.values(), ids=UNFIT)
def test_what_cannot_be_meant_is_refused_before_a_teacher_is_fitted(params, message, spy):
    clf = distilled(DecisionTreeClassifier(), teachers=[("spy", spy)]).set_params(**params)

    with pytest.raises(ValueError, match=message):
        clf.fit(*numeric_rows())

    assert not spy.fitted_on


@pytest.mark.parametrize("weights", [{"class_weight": "balanced"}, {}])
def test_weights_that_would_not_reach_a_regressor_are_refused(weights):
    X, y = numeric_rows()
    sample_weight = None if weights else np.ones(len(y))
    clf = distilled(KNeighborsRegressor(), **weights)

    with pytest.raises(
        ValueError, match=r"\(KNeighborsRegressor\) takes no sample_weight, but fit"
    ):
        clf.fit(X, y, sample_weight=sample_weight)


def test_what_only_arrays_can_do_is_refused_by_name(tmp_path):
    clf = distilled(Ridge()).fit(*numeric_rows())

    with pytest.raises(ValueError, match="saved as arrays, got a Ridge: use joblib"):
        clf.save(tmp_path / "student.safetensors")
    with pytest.raises(ValueError, match="written as C, got a Ridge"):
        clf.to_c()
    with pytest.raises(ValueError, match=r"widths of a StudentMLP.*but the student is Ridge"):
        student_path(clf, *numeric_rows(), widths=[8])
    with pytest.raises(ValueError, match="int8=True stores the weights of a net"):
        clf.to_onnx(int8=True, X=numeric_rows()[0])
    assert not list(tmp_path.iterdir())
