"""Properties of `predict_proba` on all kinds of tables."""

import threading
import tracemalloc

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skdistill import base
from skdistill.serving.forward import ROWS_AT_ONCE, batched_outputs, log_softmax, softmax
from skdistill.table.encoder import TableEncoder
from skdistill.table.validation import is_clean_matrix
from tests.small import encoded_tree, mixed_table, numeric_rows, quick_classifier


@pytest.fixture(scope="module")
def numeric():
    X, y = numeric_rows(200)
    return quick_classifier().fit(X, y), X


@pytest.fixture(scope="module")
def mixed():
    X, y = mixed_table(200)
    return quick_classifier(encoded_tree()).fit(X, y), X


def slow_proba(clf, X, monkeypatch):
    """With scikit-learn's full checks, whatever X is."""
    with monkeypatch.context() as patch:
        patch.setattr(base, "is_clean_matrix", lambda *_: False)
        return clf.predict_proba(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_samples", [1, 2, 200])
def test_fast_and_checked_paths_agree_bit_for_bit(numeric, monkeypatch, dtype, order, n_samples):
    clf, X = numeric
    X = np.asarray(X[:n_samples], dtype=dtype, order=order)

    assert is_clean_matrix(clf, X)
    assert_array_equal(clf.predict_proba(X), slow_proba(clf, X, monkeypatch))


def test_a_missing_value_takes_the_fast_path_and_means_the_same(monkeypatch):
    X, y = numeric_rows(100)
    X[::5, 1] = np.nan
    clf = quick_classifier().fit(X, y)

    assert is_clean_matrix(clf, X)
    assert clf.inputs_.layout.n_indicators == 1
    assert_array_equal(clf.predict_proba(X), slow_proba(clf, X, monkeypatch))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X: X[:, :4], "X has 4 features"),
        (lambda X: X[0], "Expected 2D array, got 1D array"),
        (lambda X: X[:0], "Found array with 0 sample"),
        (lambda X: np.where(X[0, 0] == X, np.inf, X), "infinity"),
        (lambda X: np.where(X[0, 0] == X, -np.inf, X), "infinity"),
        (lambda X: X + 1j, "Complex data not supported"),
        (lambda X: X.astype(str).astype(object) + "x", "Column 0 of X has '"),
    ],
)
def test_bad_input_gets_scikit_learns_error(numeric, spoil, message):
    clf, X = numeric
    with pytest.raises(ValueError, match=message):
        clf.predict_proba(spoil(X))


@pytest.mark.parametrize("kind", [np.int64, np.float16, ">f8", object, list])
def test_other_kinds_of_numbers_are_converted(numeric, kind):
    clf, X = numeric
    X = np.round(X)
    converted = X.tolist() if kind is list else X.astype(kind)

    assert not is_clean_matrix(clf, converted)
    assert_array_equal(clf.predict_proba(converted), clf.predict_proba(X))


def test_an_unfitted_estimator_raises_not_fitted_error():
    with pytest.raises(NotFittedError):
        quick_classifier().predict_proba(np.zeros((1, 5)))


def test_a_frame_without_its_names_warns_as_everywhere():
    X, y = numeric_rows()
    frame = pd.DataFrame(X, columns=list("abcde"))
    clf = quick_classifier().fit(frame, y)

    with pytest.warns(UserWarning, match="valid feature names"):
        got = clf.predict_proba(X)
    assert_array_equal(got, clf.predict_proba(frame))


@pytest.mark.parametrize("huge", [1e60, 1e308, -1e308])
def test_a_huge_number_counts_as_far_away(numeric, huge):
    clf, X = numeric
    huge_row, far_row = X[:1].copy(), X[:1].copy()
    huge_row[0, 0], far_row[0, 0] = huge, np.sign(huge) * 1e12

    assert_allclose(clf.predict_proba(huge_row), clf.predict_proba(far_row), rtol=1e-6)


@pytest.mark.parametrize("n_samples", [ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 2000])
def test_predictions_do_not_depend_on_the_other_rows(numeric, n_samples):
    clf, X = numeric
    many = np.resize(X, (n_samples, X.shape[1]))

    proba = clf.predict_proba(many)

    assert_allclose(proba[[0, -1]], clf.predict_proba(many[[0, -1]]), atol=1e-6)
    assert_allclose(proba[:200], clf.predict_proba(many[:200]), atol=1e-6)
    assert_allclose(proba.sum(1), 1, atol=1e-12)


def test_a_long_table_is_encoded_in_pieces(mixed):
    clf, X = mixed
    X = pd.concat([X] * 4)
    whole, in_pieces = (
        batched_outputs(clf.inputs_, clf.student_, X, checked=False, rows_of_table=rows)
        for rows in (1000, 300)
    )

    assert_allclose(softmax(in_pieces), softmax(whole), atol=1e-6)


def test_many_rows_take_hardly_more_memory_than_their_predictions(numeric):
    clf, X = numeric
    many = np.resize(X, (200_000, X.shape[1]))
    tracemalloc.start()
    proba = clf.predict_proba(many)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4 * proba.nbytes


def test_threads_do_not_disturb_each_other(numeric):
    clf, X = numeric
    clf = joblib.load(_dumped(clf))  # fresh, so that all threads come first
    tables = [X[i::8] for i in range(8)]
    alone = [clone_of(clf).predict_proba(table) for table in tables]
    got = [None] * 8
    barrier = threading.Barrier(8)

    def ask(i):
        barrier.wait()
        for _ in range(50):
            got[i] = clf.predict_proba(tables[i])

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for one, other in zip(got, alone):
        assert_array_equal(one, other)


def clone_of(clf):
    return joblib.load(_dumped(clf))


def _dumped(clf):
    from io import BytesIO

    file = BytesIO()
    joblib.dump(clf, file)
    file.seek(0)
    return file


def test_predicting_changes_nothing(mixed):
    clf, X = mixed
    before, table = joblib.hash(clf), X.copy()
    clf.predict_proba(X)

    assert joblib.hash(clf) == before
    pd.testing.assert_frame_equal(X, table)


def test_unseen_and_missing_categories_are_the_same(mixed):
    clf, X = mixed
    rows = X.iloc[[0, 0, 0]].astype({"city": object})
    rows.iloc[:, 2] = ["Atlantis", None, np.nan]

    proba = clf.predict_proba(rows)

    assert_array_equal(proba[0], proba[1])
    assert_array_equal(proba[0], proba[2])


@pytest.mark.parametrize("as_type", [object, "str", "category"])
def test_how_a_frame_keeps_its_strings_does_not_matter(mixed, as_type):
    clf, X = mixed
    assert_array_equal(clf.predict_proba(X.astype({"city": as_type})), clf.predict_proba(X))


def test_categories_in_another_order_mean_the_same(mixed):
    clf, X = mixed
    other = X.assign(city=X.city.cat.reorder_categories(["Rome", "Oslo", "Lima"]))
    assert_array_equal(clf.predict_proba(other), clf.predict_proba(X))


def test_categories_of_an_array_may_be_codes_or_strings():
    X, y = numeric_rows(100)
    codes = np.column_stack([X[:, :2], np.random.RandomState(0).choice([3, 10, 21], 100)])
    strings = codes.astype(object)
    strings[:, 2] = [f"{code:.0f}" for code in codes[:, 2]]

    by_code = quick_classifier(categorical_features=[2]).fit(codes, y)
    assert is_clean_matrix(by_code, codes)
    encoder = TableEncoder([2])
    assert_array_equal(
        encoder.fit(codes).transform(codes)[:, 2],
        np.searchsorted([3, 10, 21], codes[:, 2]),
    )
    # "10" < "21" < "3"
    assert_array_equal(
        clone(encoder).fit(strings).transform(strings)[:, 2],
        np.select([codes[:, 2] == 10, codes[:, 2] == 21], [0, 1], 2),
    )
    unseen = codes[:1].copy()
    unseen[0, 2] = 4
    missing = codes[:1].copy()
    missing[0, 2] = np.nan
    assert_array_equal(by_code.predict_proba(unseen), by_code.predict_proba(missing))


def test_softmax_survives_extreme_logits():
    logits = np.array([[1e4, 0.0], [-1e4, 1e4], [0.0, 0.0]])
    assert_array_equal(softmax(logits), [[1, 0], [0, 1], [0.5, 0.5]])
    assert_array_equal(log_softmax(logits)[:2], [[0, -1e4], [-2e4, 0]])


def test_the_repr_of_a_forward_pass_names_the_sizes_of_its_layers(numeric):
    student, layout = numeric[0].student_, numeric[0].inputs_.layout
    hidden = " -> ".join(str(bias.size) for _, bias in student.weights[:-1])

    assert repr(student) == f"ForwardPass({layout.width} -> {hidden} -> 3)"
