"""A regressor predicts the same in numpy, from every file, in ONNX and in C."""

import shutil

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

import skdistill
from skdistill import OnnxStudent
from tests.compiled import compiled
from tests.small import ENOUGH_ROWS, mixed_table, quick_regressor, rows_and_targets

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


def one_target():
    X, y = rows_and_targets()
    return quick_regressor().fit(X, y), X, X


def bins():
    X, y = rows_and_targets(ENOUGH_ROWS)
    return quick_regressor().fit(X, y), X[:50], X[:50]


def three_targets():
    X, y = rows_and_targets(n_targets=3)
    return quick_regressor().fit(X, y), X, X


def counts():
    X, y = rows_and_targets()
    return quick_regressor(loss="poisson").fit(X, np.round(np.abs(y))), X, X


def quantiles():
    X, y = rows_and_targets()
    return quick_regressor(quantiles=(0.9, 0.05, 0.5)).fit(X, y), X, X


def quantiles_of_counts():
    X, y = rows_and_targets()
    reg = quick_regressor(loss="poisson", quantiles=(0.1, 0.9))
    return reg.fit(X, np.round(np.abs(y))), X, X


def categories():
    X, labels = mixed_table(100)
    y = 5.0 * (labels == "yes") + X["children"]
    reg = quick_regressor(quantiles=(0.25, 0.75)).fit(X, y)
    return reg, X, reg.inputs_.encoder.encode(X)


def sparse():
    X, y = rows_and_targets()
    X = np.where(X > 0.5, X, 0)
    reg = quick_regressor([("ridge", Ridge())]).fit(csr_matrix(X), y)
    return reg, X, X


EVERY_KIND = [
    one_target,
    bins,
    three_targets,
    counts,
    quantiles,
    quantiles_of_counts,
    categories,
    sparse,
]


@pytest.fixture(scope="module", params=EVERY_KIND, ids=lambda make: make.__name__)
def fitted(request):
    """A regressor, rows to ask it about, and the same rows as C takes them."""
    return request.param()


def predictions(model, X, head):
    """Targets and quantiles side by side."""
    targets = model.predict(X).reshape(len(X), -1)
    if not head.quantiles:
        return targets
    return np.hstack([targets, model.predict(X, quantiles=True)])


def assert_close(found, reg, X):
    """Within a hundred thousandth of the target's standard deviation."""
    expected, scale = predictions(reg, X, reg._head), reg.target_scale_
    assert_allclose(found / scale, expected / scale, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("by", ["joblib", "save", "skops"])
def test_every_file_brings_the_same_predictions_back(fitted, by, tmp_path):
    reg, X, _ = fitted
    back = through_a_file(reg, by, tmp_path / "student")

    assert_array_equal(predictions(back, X, back._head), predictions(reg, X, reg._head))
    assert back.predict(X).shape == reg.predict(X).shape
    assert back.quantiles_ == reg.quantiles_
    assert back.report_ == reg.report_


def through_a_file(reg, by, path):
    if by == "joblib":
        joblib.dump(reg, path)
        return joblib.load(path)
    if by == "save":
        reg.save(path)
        return skdistill.load(path)
    sio = pytest.importorskip("skops.io")
    content = sio.dumps(reg)
    trusted = sio.get_untrusted_types(data=content)
    assert trusted == ["skdistill.regressor.DistilledRegressor"]
    return sio.loads(content, trusted=trusted)


def test_onnx_predicts_the_same(fitted):
    reg, X, _ = fitted
    student = OnnxStudent(reg.to_onnx(dtype="float64"))

    assert_close(predictions(student, X, reg._head), reg, X)
    assert student.predict(X).shape == reg.predict(X).shape


@needs_gcc
def test_c_predicts_the_same(fitted, tmp_path):
    reg, X, rows = fitted
    reg.to_c(tmp_path / "student.c")
    n_written = reg.n_outputs_ + len(reg.quantiles_)

    returned, written = compiled(tmp_path / "student.c", n_written, tmp_path)(rows)

    assert_close(written, reg, X)
    assert not returned.any()


def test_sparse_rows_are_predicted_as_dense_ones():
    reg, X, _ = sparse()

    assert_close(reg.predict(csr_matrix(X))[:, None], reg, X)
