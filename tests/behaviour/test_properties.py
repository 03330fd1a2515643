"""What holds for every table, tried on random ones."""

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from skdistill import OnnxStudent, load
from tests.compiled import compiled
from tests.small import encoded_tree, mixed_table, numeric_rows, quick_classifier, quick_student

some = settings(deadline=None, derandomize=True, database=None, max_examples=40)
few = settings(some, max_examples=12)
N_COLUMNS = 5
CITIES = ["Oslo", "Rome", "Lima", "Bonn", None]  # Bonn is seen at predict only

numbers = st.floats(width=32, allow_infinity=False)  # with NaN, which is a missing value
usual = st.floats(-3, 3, width=32)
matrices = st.integers(1, 9).flatmap(
    lambda n: arrays(np.float32, (n, N_COLUMNS), elements=st.one_of(usual, numbers))
)
mixed_rows = st.tuples(numbers, st.integers(-9, 9), st.sampled_from(CITIES), st.booleans())


@st.composite
def frames(draw):
    """Rows like those of `mixed_table`, with numbers and categories that it does not have."""
    age, children, city, member = zip(*draw(st.lists(mixed_rows, min_size=1, max_size=9)))
    columns = {"age": age, "children": children, "city": city, "member": member}
    return pd.DataFrame(columns).astype({"city": pd.CategoricalDtype(CITIES[:-1])})


@st.composite
def labeled_tables(draw):
    """A small table of any columns, with labels of two or three classes."""
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(12, 40))
    makers = {
        "floats": lambda: rng.normal(size=n) * 10.0 ** rng.randint(-30, 30),
        "gaps": lambda: np.where(rng.rand(n) < 0.5, np.nan, rng.normal(size=n)),
        "empty": lambda: np.full(n, np.nan),
        "constant": lambda: np.full(n, rng.normal()),
        "counts": lambda: rng.poisson(2, n),
        "booleans": lambda: rng.rand(n) < 0.3,
        "categories": lambda: pd.Categorical(rng.choice(list("abc"), n)),
        "strings": lambda: rng.choice(np.array(["u", "v", None], dtype=object), n),
    }
    kinds = draw(st.lists(st.sampled_from(sorted(makers)), min_size=1, max_size=5))
    X = pd.DataFrame({f"{kind} {j}": makers[kind]() for j, kind in enumerate(kinds)})
    return X, rng.permutation(np.arange(n) % draw(st.integers(2, 3)))


@cache
def of_numbers():
    X, y = numeric_rows(1_000)  # with bins
    X[::7, 1] = X[::5, 3] = np.nan
    return quick_classifier(student=quick_student(max_epochs=2)).fit(X, y)


@cache
def of_frames():
    return quick_classifier(student=quick_student(max_epochs=2)).fit(*mixed_table(1_000))


@cache
def onnx_of_numbers():
    return OnnxStudent(of_numbers().to_onnx())


@cache
def onnx_of_frames():
    return OnnxStudent(of_frames().to_onnx())


@cache
def c_of_numbers():
    with tempfile.TemporaryDirectory() as folder:
        clf, path = of_numbers(), Path(folder) / "student.c"
        clf.to_c(path)
        return compiled(path, len(clf.classes_), Path(folder))


def assert_valid(clf, X):
    proba = clf.predict_proba(X)

    assert proba.shape == (len(X), len(clf.classes_))
    assert np.isfinite(proba).all()
    assert (proba >= 0).all()
    assert_allclose(proba.sum(1), 1, rtol=1e-12)
    assert np.isfinite(clf.predict_log_proba(X)).all()
    assert_array_equal(clf.predict(X), clf.classes_[proba.argmax(1)])


@some
@given(matrices)
def test_predictions_for_numbers_are_probabilities(X):
    assert_valid(of_numbers(), X)


@some
@given(frames())
def test_predictions_for_frames_are_probabilities(X):
    assert_valid(of_frames(), X)


@some
@given(matrices)
def test_how_numbers_lie_in_memory_does_not_matter(X):
    wide = np.zeros((2 * len(X), 2 * N_COLUMNS), dtype=X.dtype)
    wide[::2, 1::2] = X
    frozen = X.copy()
    frozen.flags.writeable = False
    expected = of_numbers().predict_proba(X)

    for same in (
        X.astype(np.float64),
        np.asfortranarray(X),
        np.asfortranarray(X.astype(np.float64)),
        wide[::2, 1::2],
        X[::-1].copy()[::-1],
        X[:, ::-1].copy()[:, ::-1],
        X[::-1].astype(np.float64)[::-1],
        frozen,
        X.tolist(),
    ):
        assert_array_equal(of_numbers().predict_proba(same), expected)


@some
@given(frames())
def test_how_a_frame_keeps_its_columns_does_not_matter(X):
    expected = of_frames().predict_proba(X)

    for same in (
        pl.from_pandas(X),
        X.astype({"age": "float64", "children": "int8"}),
        X.astype({"age": "Float64", "children": "Int64", "city": "string", "member": "boolean"}),
        X.astype({"city": object}),
        X.set_index(np.arange(len(X)) + 7),
    ):
        assert_array_equal(of_frames().predict_proba(same), expected)


@some
@given(matrices)
def test_a_row_of_numbers_is_predicted_alike_alone(X):
    alone = [of_numbers().predict_proba(row[None]) for row in X]

    assert_allclose(np.concatenate(alone), of_numbers().predict_proba(X), atol=1e-6)


@some
@given(frames())
def test_a_row_of_a_frame_is_predicted_alike_alone(X):
    alone = [of_frames().predict_proba(X.iloc[[i]]) for i in range(len(X))]

    assert_allclose(np.concatenate(alone), of_frames().predict_proba(X), atol=1e-6)


@few
@given(labeled_tables())
def test_a_student_of_any_table_gives_probabilities_also_after_a_round_trip(table):
    X, y = table
    clf = quick_classifier(encoded_tree(), quick_student(max_epochs=1)).fit(X, y)

    assert_valid(clf, X)
    with tempfile.TemporaryDirectory() as folder:
        clf.save(f"{folder}/student.safetensors")
        joblib.dump(clf, f"{folder}/student.joblib")
        copies = load(f"{folder}/student.safetensors"), joblib.load(f"{folder}/student.joblib")
    for copy in copies:
        assert_array_equal(copy.predict_proba(X), clf.predict_proba(X))
        assert_array_equal(copy.predict(X), clf.predict(X))


@some
@given(matrices)
def test_onnx_predicts_numbers_alike(X):
    assert_allclose(onnx_of_numbers().predict_proba(X), of_numbers().predict_proba(X), atol=1e-5)


@some
@given(frames())
def test_onnx_predicts_frames_alike(X):
    assert_allclose(onnx_of_frames().predict_proba(X), of_frames().predict_proba(X), atol=1e-5)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@some
@given(matrices)
def test_c_predicts_numbers_alike(X):
    _, proba = c_of_numbers()(X)

    assert_allclose(proba, of_numbers().predict_proba(X), atol=1e-5)


FIT_ELSEWHERE = """
import sys; sys.path.insert(0, {root!r})
import numpy as np
from tests.small import mixed_table, quick_classifier
X, y = mixed_table()
np.save({path!r}, quick_classifier(random_state=3).fit(X, y).predict_proba(X))
"""


def test_a_seed_gives_the_same_student_in_another_process(tmp_path):
    X, y = mixed_table()
    root, path = str(Path(__file__).parents[2]), str(tmp_path / "proba.npy")

    subprocess.run([sys.executable, "-c", FIT_ELSEWHERE.format(root=root, path=path)], check=True)

    here = quick_classifier(random_state=3).fit(X, y).predict_proba(X)
    assert_array_equal(np.load(path), here)


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_a_seed_gives_the_same_student_with_any_n_jobs(n_jobs):
    X, y = mixed_table(1_600)  # enough rows for trials

    def proba(seed, n_jobs=None):
        student = quick_student(max_epochs=1, batch_size=256)
        clf = quick_classifier(student=student, alpha="auto", random_state=seed, n_jobs=n_jobs)
        return clf.fit(X, y).predict_proba(X)

    with joblib.parallel_config("threading"):
        assert_array_equal(proba(3, n_jobs), proba(3))
    assert not np.array_equal(proba(3), proba(4))
