"""What corrupted rows cost each model, and what is said where that cannot be measured."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import DistilledRanker, RobustnessDisplay, load, robustness
from skdistill.inspection.robustness_measures import NO_TEACHERS
from tests.small import extreme_rows, mixed_table, numeric_rows, quick_classifier, rows_and_targets

X, Y = numeric_rows()


@pytest.fixture(scope="module")
def mixed():
    """A student with its teachers, and a table of all kinds of columns."""
    frame, y = mixed_table()
    return quick_classifier(keep_teachers=True).fit(frame, y), frame, y


@pytest.fixture(scope="module")
def tree():
    return DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, Y)


def losses(result, model, corruption):
    """The losses of a model by strength."""
    return {
        row["strength"]: row[result.loss]
        for row in result.rows
        if row["model"] == model and row["corruption"] == corruption
    }


def test_student_and_teachers_are_measured_under_all_corruptions(mixed):
    result = robustness(*mixed, n_repeats=1, random_state=0)

    frame = result.to_frame()
    assert set(frame["model"]) == {"student", "pooled teachers"}
    assert set(frame["corruption"]) == {"none", "noise", "missing", "swap", "shift", "tail"}
    assert np.isfinite(frame["log_loss"]).all()
    assert result.absent == []


def test_the_loss_of_rows_as_given_is_that_of_scikit_learn(mixed):
    clf, frame, y = mixed

    result = robustness(clf, frame, y, corruptions=["noise"], random_state=0)

    expected = log_loss(y, clf.predict_proba(frame))
    assert losses(result, "student", "none") == {0.0: pytest.approx(expected)}


def test_noise_costs_a_tree_more_the_stronger_it_is(tree):
    result = robustness(tree, X, Y, corruptions={"noise": [0.1, 3]}, random_state=0)

    weak, strong = losses(result, "DecisionTreeClassifier", "noise").values()
    assert losses(result, "DecisionTreeClassifier", "none")[0.0] <= weak < strong


def test_a_model_that_uses_no_numbers_bears_any_noise(mixed):
    _, frame, y = mixed
    model = quick_classifier().fit(frame.assign(age=0.0, children=0), y)

    class OnCategories(BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict_proba(self, X):
            return model.predict_proba(X.assign(age=0.0, children=0))

    blind = OnCategories().fit(frame, y)
    result = robustness(blind, frame, y, corruptions=["noise", "swap"], random_state=0)

    of_noise, of_swap = (losses(result, "OnCategories", each) for each in ("noise", "swap"))
    clean = losses(result, "OnCategories", "none")[0.0]
    assert list(of_noise.values()) == pytest.approx([clean] * 4, rel=1e-9)
    assert abs(of_swap[0.4] - clean) > 1e-3


def test_regressors_are_measured_by_their_rmse():
    rows, y = rows_and_targets()
    tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(rows, y)

    result = robustness(tree, rows, y, corruptions=["shift"], n_repeats=1, random_state=0)

    clean = losses(result, "DecisionTreeRegressor", "none")[0.0]
    assert clean == pytest.approx(root_mean_squared_error(y, tree.predict(rows)))
    assert result.loss_name == "RMSE"
    assert "log_loss" not in result.to_frame()


def test_a_seed_repeats_the_result(mixed):
    first, again = (robustness(*mixed, n_repeats=1, random_state=1).rows for _ in range(2))

    assert [row["log_loss"] for row in first] == [row["log_loss"] for row in again]


@pytest.mark.parametrize("container", [pd.DataFrame, pl.from_pandas, np.asarray])
def test_the_rows_of_the_caller_do_not_change(container):
    frame, y = mixed_table()
    frame = frame if container is not np.asarray else frame[["age", "children"]].astype(float)
    table, before = container(frame), container(frame.copy())
    clf = quick_classifier().fit(table, y)

    robustness(clf, table, y, n_repeats=1, random_state=0)

    if isinstance(table, np.ndarray):
        assert_array_equal(table, before)
    else:
        assert table.equals(before)


def test_polars_and_pandas_give_the_same_losses(mixed):
    clf, frame, y = mixed
    of_polars = quick_classifier(keep_teachers=True).fit(pl.from_pandas(frame), y)

    result = robustness(clf, frame, y, n_repeats=1, random_state=0)
    other = robustness(of_polars, pl.from_pandas(frame), y, n_repeats=1, random_state=0)

    for row, same in zip(result.rows, other.rows, strict=True):
        assert row["log_loss"] == pytest.approx(same["log_loss"], rel=1e-6)


def test_a_model_that_refuses_missing_values_is_absent_there_and_says_why(tree):
    linear = LogisticRegression().fit(X, Y)

    result = robustness(tree, X, Y, models={"linear": linear}, n_repeats=1, random_state=0)

    assert losses(result, "linear", "missing") == {}
    assert len(losses(result, "linear", "noise")) == 4
    (refusal,) = [each for each in result.absent if "linear" in each]
    assert "no 'linear' under 'missing': ValueError: Input X contains NaN" in refusal
    assert refusal in repr(result)
    assert "Input X contains NaN" in result._repr_html_()


def test_what_the_table_has_no_columns_for_is_absent(tree):
    result = robustness(tree, X, Y, n_repeats=1, random_state=0)

    assert result.absent == ["no 'swap': X has no column of categories or booleans that differ."]


def test_a_student_without_its_teachers_says_how_to_keep_them():
    clf = quick_classifier().fit(X, Y)

    alone = robustness(clf, X, Y, corruptions=["noise"], n_repeats=1)
    beside = robustness(
        clf, X, Y, models={"tree": DecisionTreeClassifier().fit(X, Y)}, corruptions=["noise"]
    )

    assert alone.absent == [NO_TEACHERS]
    assert beside.absent == []


def test_a_student_from_a_file_knows_its_categories(tmp_path):
    codes = np.column_stack([X[:, 0], Y + 3.0])
    clf = quick_classifier(categorical_features=[1]).fit(codes, Y)
    clf.save(tmp_path / "student.safetensors")

    result = robustness(load(tmp_path / "student.safetensors"), codes, Y, random_state=0)

    assert len(losses(result, "student", "swap")) == 4


def test_a_pipeline_and_a_search_are_measured_as_the_student_in_them():
    clf = quick_classifier(keep_teachers=True)
    pipeline = make_pipeline(StandardScaler(), clf)
    search = GridSearchCV(pipeline, {"distilledclassifier__alpha": [1.0]}, cv=2).fit(X, Y)

    result = robustness(search, X, Y, corruptions=["noise"], n_repeats=1, random_state=0)

    student = search.best_estimator_[-1]
    scaled = search.best_estimator_[:-1].transform(X)
    assert losses(result, "student", "none")[0.0] == pytest.approx(
        log_loss(Y, student.predict_proba(scaled))
    )
    assert losses(result, "pooled teachers", "none")[0.0] == pytest.approx(
        log_loss(Y, student.teacher_.predict_proba(scaled))
    )


def test_finite_numbers_of_any_size_are_corrupted():
    rows, y = extreme_rows()
    clf = quick_classifier().fit(rows, y)

    result = robustness(clf, rows, y, n_repeats=1, random_state=0)

    assert np.isfinite([row["log_loss"] for row in result.rows]).all()
    assert {row["corruption"] for row in result.rows} >= {"none", "missing", "shift", "tail"}


def test_an_unfitted_student_is_refused():
    with pytest.raises(NotFittedError):
        robustness(quick_classifier(), X, Y)


def test_one_class_in_the_rows_is_measured(tree):
    of_one = Y == 1

    result = robustness(tree, X[of_one], Y[of_one], corruptions=["noise"], n_repeats=1)

    assert np.isfinite(result.to_frame()["log_loss"]).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"corruptions": ["fog"]}, "'fog', which is unknown: choose among .*'noise'"),
        ({"corruptions": "noise"}, "must be a list or a dict of names, got 'noise'"),
        ({"corruptions": ["swap"]}, "no column of categories or booleans .* 'swap' needs"),
        ({"corruptions": {"missing": [1.5]}}, "strength 1.5: it must be a number above 0 and at"),
        ({"corruptions": {"noise": [-1]}}, "strength -1: it must be a number above 0, noise"),
        ({"corruptions": {"noise": ["much"]}}, "strength 'much'"),
        ({"n_repeats": 0}, "n_repeats must be at least 1, got 0"),
        ({"models": [1]}, r"models must be a dict \{name: fitted model\}, got \[1\]"),
        ({"models": {"DecisionTreeClassifier": 1}}, "give it another name"),
    ],
)
def test_a_wrong_argument_is_refused(tree, params, message):
    with pytest.raises(ValueError, match=message):
        robustness(tree, X, Y, **params)


def test_other_labels_sparse_rows_and_mixed_kinds_are_refused(tree):
    with pytest.raises(ValueError, match="robustness corrupts the cells of a dense table, got a s"):
        robustness(tree, csr_matrix(X), Y)
    with pytest.raises(ValueError, match="y has labels that the models were not fitted on"):
        robustness(tree, X, Y + 7)
    with pytest.raises(ValueError, match="is a classifier, but 'ridge' a regressor"):
        robustness(tree, X, Y, models={"ridge": Ridge().fit(X, Y)})
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        robustness(tree, X, Y[1:])


def test_a_ranker_is_refused_by_name():
    ranker = DistilledRanker()
    ranker.student_ = None

    with pytest.raises(ValueError, match=r"'student', a DistilledRanker, .* measures cl"):
        robustness(ranker, X, Y)


def test_each_corruption_is_drawn_with_a_curve_for_each_model(mixed):
    pytest.importorskip("matplotlib").use("agg")

    display = robustness(*mixed, n_repeats=2, random_state=0).plot(metric="accuracy")

    assert isinstance(display, RobustnessDisplay)
    assert [ax.get_title(loc="left") for ax in display.axes_] == [
        "noise", "missing", "swap", "shift", "tail"
    ]  # fmt: skip
    assert [len(ax.lines) for ax in display.axes_] == [2] * 5
    assert display.axes_[0].get_ylabel() == "accuracy"


def test_a_display_takes_the_axes_it_is_given(tree):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    figure, ax = plt.subplots()

    display = RobustnessDisplay.from_estimator(
        tree, X, Y, axes=ax, corruptions=["noise"], n_repeats=1
    )

    assert display.figure_ is figure
    with pytest.raises(ValueError, match=r"got 1 axes, expected one for each .* \['noise', 'shift"):
        RobustnessDisplay.from_estimator(tree, X, Y, axes=ax, corruptions=["noise", "shift"])
    with pytest.raises(ValueError, match="metric is 'rmse', but what was measured are"):
        display.plot(metric="rmse")
    plt.close("all")
