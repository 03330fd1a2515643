"""Finite numbers of any size: predictions are finite, far numbers count as far away, no warning."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix

import skdistill
from skdistill.table.net_inputs import NetInputs
from skdistill.transfer.munge import Munge
from tests.small import extreme_rows, numeric_rows, quick_classifier, small_default_classifier

X, Y = extreme_rows()
NAMES = list("abcdefg")
CONTAINERS = {
    "array": lambda rows: rows,
    "pandas": lambda rows: pd.DataFrame(rows, columns=NAMES),
    "polars": lambda rows: pl.DataFrame(rows, schema=NAMES),
    "objects": lambda rows: pd.DataFrame(rows, columns=NAMES, dtype=object),
    "sparse": csr_matrix,
}


def inputs_of(rows, **params):
    return NetInputs(**params).fit(rows, Y[: rows.shape[0], None], np.random.RandomState(0))


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_a_table_of_extreme_numbers_is_fitted_and_predicted_without_a_warning(container):
    augmenter = None if container is csr_matrix else "munge"
    clf = quick_classifier(augmenter=augmenter).fit(container(X), Y)

    assert_allclose(clf.predict_proba(container(X)).sum(1), 1)
    assert_allclose(clf.predict_proba(container(X[:, ::-1])).sum(1), 1)


def test_the_default_teachers_take_extreme_numbers():
    clf = small_default_classifier(keep_teachers=True).fit(X, Y)

    assert clf.teacher_.score(X, Y) > 0.8
    assert np.isfinite(clf.predict_proba(X)).all()


def test_a_column_is_scaled_whatever_its_unit():
    z = np.random.RandomState(0).normal(size=(200, 1))
    expected = inputs_of(z).transform(z)

    for unit in (1e-300, 1e-200, 1e50, 1e150, 1e300):
        assert_allclose(inputs_of(unit * z).transform(unit * z), expected, rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-310, 1.0, 1e120, 1e305])
@pytest.mark.parametrize("sign", [-1, 1])
def test_an_outlier_lies_at_the_edge(unit, sign):
    z = np.random.RandomState(0).normal(size=(200, 1))
    inputs = inputs_of(unit * z)

    outlier = inputs.transform(np.array([[sign * 1.7e308]]))

    assert_allclose(outlier, [[3 * sign]], rtol=2e-2)


def test_an_outlier_of_fit_leaves_the_scale_of_the_others():
    z = np.random.RandomState(0).normal(size=(200, 1))
    with_outlier = z.copy()
    with_outlier[0] = -1.7e308

    scaled = inputs_of(with_outlier).transform(with_outlier)

    assert_allclose(scaled[1:], inputs_of(z).transform(z)[1:], atol=0.05)
    assert scaled[0] == -3


def test_a_file_holds_extreme_scales(tmp_path):
    clf = quick_classifier().fit(X, Y)
    clf.save(tmp_path / "student.safetensors")

    loaded = skdistill.load(tmp_path / "student.safetensors")

    assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_munge_mixes_huge_numbers_within_their_range():
    ends = np.array([[-1.7e308], [1.7e308], [0.5]])

    drawn = Munge(swap=1.0, n_neighbors=2).fit(ends).sample(200, random_state=0)

    assert np.isfinite(drawn).all()
    assert len(np.unique(drawn)) > 100


@pytest.mark.parametrize("temperature", [5e-324, 1e308])
def test_any_temperature_gives_finite_predictions(temperature):
    rows, labels = numeric_rows()

    clf = quick_classifier(temperature=temperature).fit(rows, labels)

    assert np.isfinite(clf.predict_proba(rows)).all()


def test_only_ratios_of_huge_weights_matter():
    rows, labels = numeric_rows()
    weight = 2.0 ** (labels % 2)

    of_huge, of_usual = (
        quick_classifier().fit(rows, labels, unit * weight) for unit in (2.0**1020, 1.0)
    )

    assert_allclose(of_huge.predict_proba(rows), of_usual.predict_proba(rows), rtol=1e-5)
