"""What is measured of each model, and how the table shows it."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import DataConversionWarning
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import compare
from skdistill.inspection.pipelines import size_in_bytes
from skdistill.inspection.report import DistillationReport
from skdistill.inspection.rows import ClassifierRow
from tests.small import numeric_rows, quick_classifier


@pytest.fixture(scope="module")
def irises():
    """Two fitted models, and the rows that they have not seen."""
    X, y = load_iris(return_X_y=True)
    models = {
        "tree": DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[::2], y[::2]),
        "naive Bayes": GaussianNB().fit(X[::2], y[::2]),
    }
    return models, X[1::2], y[1::2]


def row(name, kilobytes=100.0, microseconds=50.0):
    return ClassifierRow(name, 0.9, 0.25, 0.02, 0.1, 0.95, kilobytes, microseconds, ((), (), ()))


def test_log_loss_and_accuracy_are_those_of_scikit_learn(irises):
    models, X, y = irises

    measured = compare(models, X, y, n_repeats=1)["tree"]

    assert measured.log_loss == pytest.approx(log_loss(y, models["tree"].predict_proba(X)))
    assert measured.accuracy == models["tree"].score(X, y)


@pytest.mark.parametrize("reference", ["tree", "naive Bayes"])
def test_the_reference_agrees_with_itself(irises, reference):
    models, X, y = irises

    report = compare(models, X, y, reference=reference, n_repeats=1)

    assert report[reference].agreement == 1


def test_the_first_model_is_the_reference_unless_another_is_named(irises):
    models, X, y = irises

    assert compare(models, X, y, n_repeats=1).reference == "tree"
    assert compare(models, X, y, reference="naive Bayes", n_repeats=1).reference == "naive Bayes"


def test_labels_of_text_are_compared_as_they_are(irises):
    _, X, y = irises
    names = np.array(["setosa", "versicolor", "virginica"])
    named = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, names[y])

    report = compare({"named": named}, X, names[y], n_repeats=1)

    assert report["named"].accuracy == named.score(X, names[y])


class Ordinal(ClassifierMixin, BaseEstimator):
    """Naive Bayes with its classes in the order of their size."""

    classes_ = np.array(["low", "medium", "high"])

    def fit(self, X, y):
        self.nb_ = GaussianNB().fit(X, y)
        return self

    def predict_proba(self, X):
        return self.nb_.predict_proba(X)[:, [1, 2, 0]]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(1)]


def test_labels_are_found_by_name_whatever_their_order(irises):
    _, X, y = irises
    y = Ordinal.classes_[y]
    models = {"ordinal": Ordinal().fit(X, y), "sorted": GaussianNB().fit(X, y)}

    ordinal, in_order = compare(models, X, y, n_repeats=1).rows

    assert ordinal.accuracy == models["ordinal"].score(X, y) > 0.9
    assert ordinal.agreement == in_order.agreement == 1
    for measure in ("log_loss", "calibration_error", "brier_score"):
        assert getattr(ordinal, measure) == pytest.approx(getattr(in_order, measure))


@pytest.mark.parametrize(
    "as_column",
    [lambda y: y[:, None], lambda y: pd.DataFrame({"y": y}), lambda y: pl.DataFrame({"y": y})],
    ids=["array", "pandas", "polars"],
)
def test_labels_in_a_column_are_flattened_with_a_warning(irises, as_column):
    models, X, y = irises

    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        report = compare(models, X, as_column(y), n_repeats=1)

    assert report["tree"].accuracy == models["tree"].score(X, y)


def test_labels_of_mixed_types_are_told_as_they_are(irises):
    models, X, y = irises
    y = np.append(["?", None], y[2:])

    with pytest.raises(ValueError, match=r"not fitted on: \['\?', None\]"):
        compare(models, X, y)


def test_models_of_different_classes_are_refused(irises):
    models, X, y = irises
    fewer = GaussianNB().fit(X[y > 0], y[y > 0])

    with pytest.raises(ValueError, match=r"different classes: 'tree' on \[0, 1, 2\], 'fewer' on"):
        compare({"tree": models["tree"], "fewer": fewer}, X, y)


def test_labels_that_no_model_knows_are_refused(irises):
    models, X, y = irises

    with pytest.raises(ValueError, match=r"labels that the models were not fitted on: \[7\]"):
        compare(models, X, np.where(y == 2, 7, y))


def test_a_larger_model_is_measured_as_larger(irises):
    models, X, y = irises
    deep = DecisionTreeClassifier(random_state=0).fit(np.random.RandomState(0).rand(75, 4), y)

    report = compare({"tree": models["tree"], "deep": deep}, X, y, n_repeats=1)

    assert report["deep"].kilobytes > report["tree"].kilobytes


def test_the_dicts_of_a_report_can_be_written_as_json(irises):
    models, X, y = irises

    dicts = json.loads(json.dumps(compare(models, X, y, n_repeats=1).to_dicts()))

    assert [each["name"] for each in dicts] == ["tree", "naive Bayes"]
    assert "reliability" not in dicts[0]


def test_the_columns_of_the_table_are_aligned_whatever_their_width():
    report = DistillationReport([row("a", 15), row("a much longer name", 123_456_789, 1_234_567)])

    header, _, *lines = str(report).splitlines()

    assert {len(line) for line in lines} == {len(header)}
    assert [line.split("  ")[0] for line in lines] == ["a", "a much longer name"]
    assert [line.index("0.2500") for line in lines] == [header.index("log loss") + 2] * 2


def test_a_rule_sets_off_the_reference_and_what_follows():
    report = DistillationReport([row("rf"), row("pool"), row("student")], reference="pool")

    firsts = [line[:3] for line in str(report).splitlines()]

    assert firsts == ["mod", "---", "rf ", "---", "poo", "stu"]


def test_a_reference_that_comes_first_has_no_rule_of_its_own():
    assert str(DistillationReport([row("pool"), row("student")])).count("--\n") == 1


def test_models_that_are_not_there_are_told_with_those_that_are():
    X, y = numeric_rows()
    tree = DecisionTreeClassifier(max_depth=2).fit(X, y)
    report = compare({"tree": tree}, X, y)

    with pytest.raises(KeyError, match=r"no model is called 'student'.*'tree'"):
        report["student"]
    with pytest.raises(ValueError, match=r"reference 'b' is none of the models: \['tree'\]"):
        compare({"tree": tree}, X, y, reference="b")
    with pytest.raises(ValueError, match="no model to compare"):
        compare({}, X, y)


def two_models():
    X, y = load_iris(return_X_y=True)
    tree = DecisionTreeClassifier(max_depth=2).fit(X, y)
    return {"tree": tree, "bayes": GaussianNB().fit(X, y)}, X, y


def test_models_and_labels_of_another_form_are_refused():
    models, X, y = two_models()

    with pytest.raises(ValueError, match="models must be a dict"):
        compare(list(models.values()), X, y)
    with pytest.raises(ValueError, match=r"y must hold one label .*compare\(models, X, y\)"):
        compare(models, y, X)


def test_a_student_is_measured_without_the_teachers_that_it_kept():
    clf = quick_classifier(keep_teachers=True).fit(*numeric_rows())
    size = size_in_bytes(clf)

    assert hasattr(clf, "teacher_")
    del clf.teacher_
    assert size == size_in_bytes(clf)


def test_a_report_shows_its_table_in_a_notebook():
    report = compare(*two_models(), n_repeats=1)

    assert repr(report) == str(report)


class Fixed(ClassifierMixin, BaseEstimator):
    """A fitted classifier that predicts the same probabilities for all rows."""

    def __init__(self, proba, dtype=np.float64):
        self.proba = proba
        self.dtype = dtype
        self.classes_ = np.arange(len(proba))

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def predict_proba(self, X):
        return np.tile(np.array(self.proba, dtype=self.dtype), (len(X), 1))


def test_a_wrong_certainty_costs_the_same_in_either_precision():
    X, y = np.zeros((4, 1)), [0, 1, 0, 1]
    models = {"single": Fixed([1, 0], np.float32), "double": Fixed([1, 0])}

    report = compare(models, X, y, n_repeats=1)

    assert report["single"].log_loss == report["double"].log_loss
    by_class = report.by_class().query("model == 'single'")["log_loss"]
    assert by_class.mean() == pytest.approx(report["single"].log_loss)


@pytest.mark.parametrize("y", [None, [0, 1]])
@pytest.mark.parametrize("proba", [[np.nan, np.nan], [0.9, 0.9], [1.5, -0.5]])
def test_what_are_no_probabilities_is_refused_by_the_models_name(proba, y):
    X = np.zeros((2, 1))

    with pytest.raises(ValueError, match="model 'student': predict_proba did not return prob"):
        DistillationReport.from_estimator(Fixed(proba), X, y, n_repeats=1)
