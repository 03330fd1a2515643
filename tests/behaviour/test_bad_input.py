"""Each bad input is refused with a message that names what is wrong, and leaves nothing fitted."""

from copy import deepcopy

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge
from sklearn.model_selection import GroupKFold, ShuffleSplit
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from skdistill import (
    Inquire,
    NetClassifier,
    StudentMLP,
    TableClassifier,
    TeacherEnsemble,
    TensorNet,
)
from skdistill.transfer.munge import Munge
from tests.small import Spy, mixed_table, numeric_rows, quick_classifier, two_trees

TREE = DecisionTreeClassifier(max_depth=2)


class Fragile(DecisionTreeClassifier):
    """A teacher that breaks where row 0 is held out."""

    def fit(self, X, y, sample_weight=None):
        if len(X) and not (X[:, 0] == -99).any():
            raise RuntimeError("out of luck")
        return super().fit(X, y, sample_weight)


FIT_ARGUMENTS = ("sample_weight", "X_unlabeled", "teacher_proba", "groups")


def fit_rows(X=None, y=None, clf=None, **given):
    """Fit, on small rows unless others are given, with parameters and arguments of `fit`."""
    rows, labels = numeric_rows()
    arguments = {name: given.pop(name) for name in FIT_ARGUMENTS if name in given}
    clf = quick_classifier(**given) if clf is None else clf.set_params(**given)
    clf.fit(rows if X is None else X, labels if y is None else y, **arguments)


def replaced(values, row, value, dtype=float):
    values = np.array(values, dtype=dtype)
    values[row] = value
    return values


X, Y = numeric_rows()
FRAGILE_X = replaced(X, (0, 0), -99)
FRAME, LABELS = mixed_table()
PROBA = np.tile([0.4, 0.25, 0.35], (60, 1))
TENS = np.arange(60) // 10
FOLDS_OF_THE_FIRST_ROW = [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 60))]

BAD_INPUT = {
    # labels
    "one class only": ({"y": np.zeros(60)}, "at least two classes.*of one class: .0.0"),
    "one class that has weight": (
        {"sample_weight": (Y == 1).astype(float)},
        "at least two classes, but the rows that count are of one class: .1.",
    ),
    "a label that is NaN": ({"y": replaced(Y, 7, np.nan)}, "y contains NaN.*in row 7"),
    "a label that is infinite": ({"y": replaced(Y, 7, np.inf)}, "y contains .*infinity.*in row 7"),
    "a label that is None": ({"y": replaced(LABELS, 7, None, object)}, "y contains .*None.*row 7"),
    "labels that are measurements": ({"y": X[:, 0]}, "Unknown label type: continuous"),
    "labels of several outputs": ({"y": np.zeros((60, 2))}, "y should be a 1d array"),
    "fewer labels than rows": ({"y": Y[:59]}, "inconsistent numbers of samples.*60, 59"),
    # rows
    "fewer rows than folds": (
        {"X": X[:4], "y": Y[:4] % 2, "cv": 5},
        "cv=5 folds cannot be made of n_samples=4",
    ),
    "infinity in an array": ({"X": replaced(X, (3, 2), np.inf)}, "Input X contains infinity"),
    "infinity in a frame": (
        {"X": FRAME.assign(age=np.inf), "y": LABELS},
        "infinity in column 'age'",
    ),
    "no rows": ({"X": X[:0], "y": Y[:0]}, "0 sample"),
    "an empty frame": ({"X": FRAME[[]], "y": LABELS}, r"table of shape \(60, 0\)"),
    "one dimension": ({"X": X[:, 0]}, "Expected 2D array, got 1D array"),
    "strings in an array": (
        {"X": np.full((60, 2), "a")},
        "not compatible with .*strings",
    ),
    # weights of rows
    "a weight below zero": ({"sample_weight": replaced(np.ones(60), 3, -1)}, "sample_weight"),
    "a weight that is NaN": ({"sample_weight": replaced(np.ones(60), 3, np.nan)}, "sample_weight"),
    "fewer weights than rows": ({"sample_weight": np.ones(59)}, "sample_weight"),
    "no weight at all": (
        {"sample_weight": np.zeros(60)},
        r"Sample weights must contain|of one class: \[\]",  # in older scikit-learn
    ),
    # rows without labels
    "unlabeled rows with a column less": (
        {"X_unlabeled": X[:9, :4]},
        "X_unlabeled must be rows like those of X: X has 4 features.*expecting 5",
    ),
    "unlabeled rows with another column": (
        {"X": FRAME, "y": LABELS, "X_unlabeled": FRAME.rename(columns={"city": "town"})},
        "X_unlabeled must be rows like those of X: .*town.*city",
    ),
    "unlabeled rows that are no frame": (
        {"X": FRAME, "y": LABELS, "X_unlabeled": FRAME.to_numpy(dtype=object)},
        "X_unlabeled is a numpy ndarray, but X is a pandas DataFrame",
    ),
    "unlabeled rows that are infinite": (
        {"X_unlabeled": replaced(X, (3, 2), np.inf)},
        "X_unlabeled must be .*infinity",
    ),
    "no unlabeled rows": ({"X_unlabeled": X[:0]}, "X_unlabeled must be .*0 sample"),
    # targets from elsewhere
    "targets of too few rows": (
        {"teacher_proba": PROBA[:59]},
        r"teacher_proba has shape \(59, 3\), expected \(60, 3\)",
    ),
    "targets of too few classes": (
        {"teacher_proba": PROBA[:, :2]},
        r"teacher_proba has shape \(60, 2\).*sorted classes .0, 1, 2.",
    ),
    "targets of one class": ({"teacher_proba": PROBA[:, 0]}, "teacher_proba has shape .60,."),
    "targets that are words": ({"teacher_proba": [["a"] * 3] * 60}, "must hold numbers.*'a'"),
    "a target that is NaN": (
        {"teacher_proba": replaced(PROBA, (7, 1), np.nan)},
        "teacher_proba does not hold probabilities for 1 of 60 rows.*row 7.*nan",
    ),
    "a target below zero": (
        {"teacher_proba": replaced(PROBA, 7, [-0.5, 0.5, 1])},
        "non-negative.*row 7 .*-0.5",
    ),
    "targets that do not sum to one": (
        {"teacher_proba": replaced(PROBA, (slice(7, 9), 0), 0.9)},
        "for 2 of 60 rows.*sum to one, got for row 7 .*0.9",
    ),
    "targets of other classes": (
        {"teacher_proba": pd.DataFrame(PROBA, columns=[0, 1, 9])},
        "teacher_proba has the columns .0, 1, 9., but y has the classes .0, 1, 2.",
    ),
    "targets of one class twice": (
        {"teacher_proba": pd.DataFrame(PROBA[:, [0, 1, 2, 2]], columns=[0, 1, 2, 2])},
        "teacher_proba has the columns .0, 1, 2, 2.",
    ),
    "targets and unlabeled rows": (
        {"teacher_proba": PROBA, "X_unlabeled": X},
        "X_unlabeled needs teachers, and with teacher_proba none is fitted",
    ),
    "targets and teachers to be kept": (
        {"teacher_proba": PROBA, "keep_teachers": True},
        "keep_teachers=True needs teachers",
    ),
    "targets and synthetic rows": (
        {"teacher_proba": PROBA, "augmenter": Munge(n_neighbors=2)},
        r"augmenter=Munge\(n_neighbors=2\) needs teachers",
    ),
    "targets and munge": (
        {"teacher_proba": PROBA, "augmenter": "munge"},
        "augmenter='munge' needs teachers",
    ),
    "targets and a student that asks": (
        {"teacher_proba": PROBA, "augmenter": Inquire()},
        r"augmenter=Inquire\(\) needs teachers, and with teacher_proba none is fitted",
    ),
    # groups
    "fewer groups than rows": (
        {"groups": TENS[:59]},
        r"groups has shape \(59,\), expected \(60,\)",
    ),
    "a group that is missing": (
        {"groups": replaced(TENS, 7, None, object)},
        "groups has a missing value, first in row 7",
    ),
    "fewer groups than folds": (
        {"groups": np.arange(60) % 2, "cv": 3},
        "cv=3 folds cannot be made of 2 groups",
    ),
    "a splitter that splits a group": (
        {
            "groups": TENS,
            "cv": [(np.arange(5, 60), np.arange(5)), (np.arange(5), np.arange(5, 60))],
        },
        "cv splits a group: group 0 is in both parts of fold 1 of 2.*GroupKFold",
    ),
    "groups and bags": ({"groups": TENS, "cv": "oob"}, "cv='oob' splits groups"),
    "a splitter that wants groups": (
        {"cv": GroupKFold(2)},
        "'groups' parameter should not be None",
    ),
    # teachers
    "a teacher without predict_proba": (
        {"teachers": [("line", Perceptron())]},
        r"Teacher 'line' \(Perceptron\) has no predict_proba",
    ),
    "a teacher whose rows are no probabilities": (
        {"teachers": [("odd", Spy([2.0, 2.0, 2.0]))]},
        "Teacher 'odd' failed on fold 1 of 2.*did not return probabilities",
    ),
    "a teacher that raises in one fold": (
        {"X": FRAGILE_X, "teachers": [("fragile", Fragile())], "cv": FOLDS_OF_THE_FIRST_ROW},
        "Teacher 'fragile' failed on fold 1 of 2: RuntimeError: out of luck",
    ),
    "a teacher that takes no missing values": (
        {"X": replaced(X, (3, 2), np.nan), "teachers": [("lr", LogisticRegression())]},
        "Teacher 'lr' failed on fold . of 2: ValueError: Input X contains NaN",
    ),
    "a teacher that is no classifier": (
        {"teachers": [("ridge", Ridge())]},
        "Teacher 'ridge' must be a classifier",
    ),
    "a teacher that is a class": (
        {"teachers": [("tree", DecisionTreeClassifier)]},
        "Teacher 'tree' must be a classifier instance",
    ),
    "a teacher that is a word": (
        {"teachers": [("tree", "dropped")]},
        "Teacher 'tree' must be a classifier instance or 'drop', got 'dropped'",
    ),
    "teachers without names": (
        {"teachers": [TREE, TREE]},
        "teachers must be a classifier or a list",
    ),
    "teachers of one name": (
        {"teachers": [("tree", TREE), ("tree", TREE)]},
        "Names provided are not unique.*'tree', 'tree'",
    ),
    "a teacher named as a parameter": (
        {"teachers": [("random_state", TREE)]},
        "names conflict with constructor arguments: .'random_state'",
    ),
    "a teacher named as the student": (
        {"teachers": [("student", TREE)]},
        "names conflict with constructor arguments: .'student'",
    ),
    "a name with two underscores": ({"teachers": [("a__b", TREE)]}, "names must not contain __"),
    "no teacher": ({"teachers": []}, "no teacher is left"),
    "all teachers dropped": ({"teachers": [("tree", "drop")]}, "no teacher is left"),
    "teachers that are a number": ({"teachers": 3}, "'teachers' parameter"),
    # parameters
    "weights that are all zero": ({"weights": [0, 0]}, "weights must be .* not all zero"),
    "a negative weight": ({"weights": [2, -1]}, "weights must be .*non-negative.*-1"),
    "a weight that is no number": ({"weights": [1, np.nan]}, "weights must be finite"),
    "weights of another number": ({"weights": [1, 1, 1]}, "weights has shape .* 2 teachers"),
    "unknown weights": ({"weights": "best"}, "'weights' parameter .*'best'"),
    "an unknown combination": ({"combination": "max"}, "'combination' parameter .*'max'"),
    "a temperature of zero": ({"temperature": 0.0}, "'temperature' parameter .*0.0"),
    "a negative temperature": ({"temperature": -1.0}, "'temperature' parameter .*-1.0"),
    "an alpha below zero": ({"alpha": -0.1}, "'alpha' parameter .*-0.1"),
    "an alpha above one": ({"alpha": 1.1}, "'alpha' parameter .*1.1"),
    "an unknown word for alpha": ({"alpha": "best"}, "'alpha' parameter .*'best'"),
    "an unknown augmenter": ({"augmenter": "noise"}, "'augmenter' parameter .*'noise'"),
    "a single round of questions": (
        {"augmenter": Inquire(rounds=1)},
        "'rounds' parameter of Inquire must be .* Got 1",
    ),
    "questions by another rule": (
        {"augmenter": Inquire(by="chance")},
        "'by' parameter of Inquire must be .* Got 'chance'",
    ),
    "no candidates for questions": (
        {"augmenter": Inquire(n_candidates=0)},
        "'n_candidates' parameter of Inquire must be .* Got 0",
    ),
    "questions about sparse rows": (
        {"X": csr_matrix(X), "augmenter": Inquire()},
        r"augmenter=Inquire\(\) needs dense rows, but X is sparse",
    ),
    "one fold": ({"cv": 1}, "'cv' parameter .* Got 1"),
    "folds that overlap": (
        {"cv": ShuffleSplit(2, random_state=0)},
        "cv must hold out every row exactly once",
    ),
    "an unknown cv": ({"cv": "oops"}, "'cv' parameter"),
    "a category that is no column": (
        {"categorical_features": [9]},
        "categorical_features names column 9",
    ),
    "a category of another name": (
        {"X": FRAME, "y": LABELS, "categorical_features": ["town"]},
        "categorical_features names column 'town'",
    ),
    "an unknown word for categories": (
        {"categorical_features": "all"},
        "'categorical_features' parameter .*'all'",
    ),
    "a student that is no net": ({"student": 3}, "'student' parameter"),
    "an unknown device": ({"device": "gpu"}, "device='gpu' is not a torch device"),
    "keep_teachers that is no boolean": ({"keep_teachers": "yes"}, "'keep_teachers' parameter"),
    "a random_state that is no seed": ({"random_state": "now"}, "'random_state' parameter"),
}


@pytest.mark.parametrize(("bad", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_with_a_message_that_names_it(bad, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        fit_rows(**bad)


@pytest.fixture(scope="module")
def fitted():
    return quick_classifier().fit(*numeric_rows())


@pytest.mark.parametrize(("bad", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_a_fit_that_fails_leaves_nothing_of_an_earlier_one(bad, message, fitted):
    clf = deepcopy(fitted)

    with pytest.raises(ValueError, match=f"(?s){message}"):
        fit_rows(clf=clf, **bad)

    with pytest.raises(NotFittedError):
        check_is_fitted(clf)
    with pytest.raises(NotFittedError):
        clf.predict_proba(X)


def test_labels_are_needed():
    with pytest.raises(ValueError, match="requires y to be passed"):
        quick_classifier().fit(X, None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the refusal is for where there is no GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="device='cuda' is not available: torch finds no CUDA"):
        fit_rows(device="cuda")


def test_predicting_needs_a_fit():
    with pytest.raises(NotFittedError, match="DistilledClassifier instance is not fitted"):
        quick_classifier().predict(X)


def test_another_number_of_columns_at_predict_is_refused():
    clf = quick_classifier().fit(X, Y)

    with pytest.raises(ValueError, match=r"X has 4 features, but .* is expecting 5"):
        clf.predict(X[:, :4])


def test_another_name_of_a_column_at_predict_is_refused():
    clf = quick_classifier().fit(FRAME, LABELS)

    with pytest.raises(ValueError, match=r"(?s)feature names.*town.*city"):
        clf.predict(FRAME.rename(columns={"city": "town"}))


def test_columns_in_another_order_at_predict_are_refused():
    clf = quick_classifier().fit(FRAME, LABELS)

    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        clf.predict(FRAME[FRAME.columns[::-1]])


def test_strings_in_a_column_of_numbers_at_predict_are_refused_with_its_name():
    clf = quick_classifier().fit(FRAME, LABELS)

    with pytest.raises(ValueError, match="Column 'age' held numbers at fit"):
        clf.predict(FRAME.assign(age="old"))


def test_infinity_at_predict_is_refused_with_the_name_of_its_column():
    clf = quick_classifier().fit(FRAME, LABELS)

    with pytest.raises(ValueError, match="infinity in column 'children'"):
        clf.predict(FRAME.assign(children=np.inf))


def test_infinity_in_an_array_at_predict_is_refused():
    clf = quick_classifier().fit(X, Y)

    with pytest.raises(ValueError, match="Input X contains infinity"):
        clf.predict(replaced(X, (3, 2), np.inf))


def test_no_rows_at_predict_are_refused():
    clf = quick_classifier().fit(FRAME, LABELS)

    with pytest.raises(ValueError, match=r"table of shape \(0, 4\)"):
        clf.predict(FRAME.head(0))


def test_a_refusal_at_predict_leaves_the_model_fitted():
    clf = quick_classifier().fit(X, Y)
    with pytest.raises(ValueError, match="features"):
        clf.predict(X[:, :4])

    assert clf.predict(X).shape == (60,)


def test_a_rare_class_that_a_fold_misses_is_no_error():
    y = np.where(np.arange(60) == 0, 2, Y % 2)

    fit_rows(y=y, cv=FOLDS_OF_THE_FIRST_ROW)


@pytest.mark.parametrize(
    "estimator",
    [
        TeacherEnsemble(two_trees(), cv=2),
        NetClassifier(TensorNet(StudentMLP, max_epochs=2)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (X, np.zeros(60), "at least two classes"),
        (X, replaced(Y, 7, np.nan), "y contains NaN.*row 7"),
        (FRAME.assign(age=np.inf), LABELS, "infinity in column 'age'"),
    ],
    ids=["one class", "a label that is NaN", "infinity"],
)
def test_other_estimators_refuse_it_too_and_are_not_fitted(estimator, rows, labels, message):
    failed = clone(estimator)
    with pytest.raises(ValueError, match=message):
        failed.fit(rows, labels)

    with pytest.raises(NotFittedError):
        failed.predict(rows)


def test_a_frame_with_one_more_column_is_refused_at_predict():
    clf = quick_classifier().fit(FRAME, LABELS)

    with pytest.raises(ValueError, match=r"(?s)feature names.*extra"):
        clf.predict(pd.concat([FRAME, FRAME["age"].rename("extra")], axis=1))


def test_a_column_of_dates_is_refused_by_name():
    X, y = mixed_table()
    X["when"] = pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(len(X)), unit="D")

    with pytest.raises(ValueError, match=r"'when' holds dates"):
        quick_classifier([("tree", TableClassifier(DecisionTreeClassifier()))]).fit(X, y)


def test_a_column_of_numbers_and_strings_is_refused_by_name():
    X, y = mixed_table()
    X["half"] = pd.Series(["a", 1] * len(X), dtype=object)[: len(X)].to_numpy()

    with pytest.raises(ValueError, match="column 'half'"):
        quick_classifier([("tree", TableClassifier(DecisionTreeClassifier()))]).fit(X, y)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ([(np.arange(60), np.arange(30)), (np.arange(60), np.arange(30, 60))], "in both parts"),
        ([(np.arange(0), np.arange(60))], "no rows to train on in fold 1"),
        (iter([]), "no splits"),
    ],
)
def test_folds_that_train_on_nothing_or_leak_are_refused(splits, message):
    X, y = numeric_rows()

    with pytest.raises(ValueError, match=message):
        quick_classifier(cv=splits).fit(X, y)


class Bends:
    """An augmenter whose rows are not those of the table."""

    def __init__(self, bend):
        self.bend = bend

    def fit(self, X):
        self.X = X

    def sample(self, n_samples, random_state):
        return self.bend(self.X)


@pytest.mark.parametrize(
    ("bend", "message"),
    [
        (lambda X: X.to_numpy(), "a numpy ndarray for a pandas DataFrame"),
        (lambda X: pl.from_pandas(X), "a polars DataFrame for a pandas DataFrame"),
        (lambda X: X.iloc[:0], "shape"),
        (lambda X: X[X.columns[::-1]], "columns"),
    ],
)
def test_synthetic_rows_unlike_the_table_are_refused(bend, message):
    X, y = mixed_table()

    with pytest.raises(ValueError, match=message):
        quick_classifier(
            [("tree", TableClassifier(DecisionTreeClassifier()))], augmenter=Bends(bend)
        ).fit(X, y)


DATES = pd.DataFrame({"at": pd.date_range("2020-01-01", periods=60), "x": np.arange(60.0)})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"X": DATES}, "Column 'at' holds dates or times"),
        ({"X": DATES[["x"]].replace(3.0, np.inf)}, "infinity"),
        ({"X": DATES[["x"]], "categorical_features": ["nope"]}, "nope"),
        ({"student": StandardScaler()}, r"student must be a skorch.NeuralNet.*StandardScaler"),
        ({"groups": np.array([1, "a"] * 30, dtype=object)}, "groups mixes int and str"),
    ],
)
def test_what_is_wrong_is_refused_before_a_teacher_is_fitted(params, message, spy):
    with pytest.raises(ValueError, match=message):
        fit_rows(**{"teachers": spy} | params)
    assert not spy.fitted_on


def test_an_unknown_name_for_weights_is_refused_before_a_teacher_is_fitted(spy):
    with pytest.raises(ValueError, match=r"The 'weights' parameter .* Got 'foo'"):
        TeacherEnsemble(spy, "foo", cv=2).fit(X, Y)
    assert not spy.fitted_on


@pytest.mark.parametrize("make", [TeacherEnsemble, quick_classifier])
def test_a_teacher_called_pool_is_refused(make):
    with pytest.raises(ValueError, match="a teacher is called 'pool'"):
        make([("pool", TREE), ("tree", TREE)]).fit(X, Y)
