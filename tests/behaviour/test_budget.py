"""`max_latency` and `max_size`: the widest student that keeps them, or a named error."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator

from skdistill import StudentNet, TensorNet
from skdistill.inspection.pipelines import size_in_bytes
from skdistill.student import budget
from tests.small import (
    Linear,
    encoded_tree,
    fits_in,
    logged_classifier,
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    rows_with_binary_columns,
)

X, Y = numeric_rows(1200)  # from 1,000 rows on, with bins


def classifier(hidden_sizes=(128, 64), max_epochs=2, **params):
    student = StudentNet(max_epochs=max_epochs, module__hidden_sizes=hidden_sizes)
    return quick_classifier(encoded_tree(), student, **params)


def hidden_sizes(clf):
    return tuple(bias.size for _, bias in clf.student_.weights[:-1])


@pytest.fixture
def time_by_units(monkeypatch):
    """A student takes 10 µs, and one more for each 8 units and for each kind of embedding."""

    def microseconds(model, rows, n_repeats):
        (model.predict_proba if hasattr(model, "predict_proba") else model.predict)(rows[:1])
        student = model.student_
        kinds = (student.periodic is not None) + (student.bins is not None)
        return 10 + student.weights[0][1].size / 8 + kinds

    monkeypatch.setattr(budget, "microseconds", microseconds)


@pytest.mark.parametrize(("size", "units"), [("9 kB", 8), ("15kB", 32), ("25kB", 64), (10**6, 128)])
def test_the_student_is_the_widest_whose_file_is_that_small(size, units):
    clf = classifier(max_size=size).fit(X, Y)
    limit = budget.parse_size(size)

    assert size_in_bytes(clf) <= limit
    assert hidden_sizes(clf)[0] >= units
    if units < 128:
        wider = tuple(n + n * 8 // hidden_sizes(clf)[0] for n in hidden_sizes(clf))
        kept = {"module__n_frequencies": 16 * (clf.student_.periodic is not None)}
        kept["module__bin_embedding_size"] = 4 * (clf.student_.bins is not None)
        student = StudentNet(max_epochs=2, module__hidden_sizes=wider, **kept)
        assert size_in_bytes(quick_classifier(encoded_tree(), student).fit(X, Y)) > limit - 1500


def test_records_of_a_long_training_belong_to_the_size():
    clf = classifier(max_size=25_000, max_epochs=60).fit(X[:100], Y[:100])

    assert 0.85 * 25_000 < size_in_bytes(clf) <= 25_000


def test_a_fitted_teacher_is_not_part_of_the_size():
    forest = RandomForestClassifier(30, random_state=0).fit(X[600:], Y[600:])
    clf = classifier(max_size="30kB").set_params(teachers=FrozenEstimator(forest))

    with pytest.warns(UserWarning, match="is frozen"):
        clf.fit(X[:600], Y[:600])

    assert size_in_bytes(clf) <= 30_000


@pytest.mark.parametrize(
    ("latency", "expected", "periodic", "bins"),
    [
        (40e-6, (128, 64), True, True),
        (24e-6, (80, 40), True, True),  # 10 + 10 + 2 µs
        (18e-6, (40, 20), True, True),
        (16e-6, (32, 16), False, True),
        (14e-6, (24, 12), False, False),
        (12e-6, (8, 4), False, False),
    ],
)
def test_a_latency_takes_width_first_and_then_embeddings(
    time_by_units, latency, expected, periodic, bins
):
    clf = classifier(max_latency=latency).fit(X, Y)

    assert hidden_sizes(clf) == expected
    assert (clf.student_.periodic is not None, clf.student_.bins is not None) == (periodic, bins)


def test_both_budgets_are_kept(time_by_units):
    clf = classifier(max_latency=24e-6, max_size="12kB").fit(X, Y)

    assert hidden_sizes(clf)[0] < 80
    assert size_in_bytes(clf) <= 12_000


def test_a_budget_without_effect_changes_no_prediction(time_by_units):
    with_budget = classifier(max_latency=1.0, max_size="1GB").fit(X, Y)

    assert hidden_sizes(with_budget) == (128, 64)
    assert np.isfinite(with_budget.predict_proba(X)).all()


def test_a_latency_is_measured():
    clf = classifier(max_latency=10.0).fit(X, Y)

    with pytest.raises(ValueError, match=r"needs \d+\.\d µs for one row on this machine"):
        clf.set_params(max_latency=1e-7).fit(X, Y)


@pytest.mark.parametrize("params", [{"max_latency": 5e-6}, {"max_size": "1kB"}], ids=str)
def test_a_budget_that_no_student_keeps_is_refused_before_a_teacher_is_fitted(
    time_by_units, tmp_path, params
):
    clf = logged_classifier(tmp_path / "log", **params)
    clf.set_params(student=StudentNet(max_epochs=1))

    with pytest.raises(ValueError, match=r"no student keeps .* of hidden_sizes=\(8, 8\), needs"):
        clf.fit(X, Y)

    assert not fits_in(tmp_path / "log")


@pytest.mark.parametrize(
    "params", [{"max_latency": 5e-6}, {"max_size": "1kB"}, {"max_latency": 5e-6, "max_size": 9}]
)
def test_the_budget_that_the_error_names_would_do(time_by_units, params):
    with pytest.raises(ValueError, match="no student keeps") as refused:
        classifier(**params).fit(X, Y)

    named = dict(
        re.findall(r"(max_\w+)='?([\d.e-]+(?:kB)?)'?", str(refused.value).split("Set ")[1])
    )
    assert set(named) == set(params)
    values = {name: each if "kB" in each else float(each) for name, each in named.items()}
    assert hidden_sizes(classifier(**values).fit(X, Y)) in [(8, 4), (16, 8)]


def test_only_the_budget_that_is_not_kept_is_to_be_raised(time_by_units):
    with pytest.raises(ValueError, match=r"Set max_latency=\S+, or more\."):
        classifier(max_latency=5e-6, max_size="1GB").fit(X, Y)


def test_a_student_that_became_too_slow_meanwhile_is_trained_with_a_warning(monkeypatch):
    clf = classifier(max_latency=20e-6)
    expected = budget._records_of_teachers(["tree"])["teacher_scores_"]
    monkeypatch.setattr(
        budget, "microseconds", lambda model, *_: 5 if model.teacher_scores_ == expected else 50
    )

    with pytest.warns(UserWarning, match="needs 50.0 µs .* now, when its teachers are fitted"):
        clf.fit(X, Y)

    assert hidden_sizes(clf) == (8, 4)


@pytest.mark.parametrize("params", [{"max_latency": 0}, {"max_latency": "fast"}, {"max_size": 0.5}])
def test_budgets_of_other_types_are_refused(params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        classifier(**params).fit(X, Y)


def test_a_module_of_ones_own_is_measured_and_not_changed(time_by_units):
    clf = quick_classifier(encoded_tree(), TensorNet(Linear, max_epochs=1), max_size="100kB")

    assert clf.fit(X, Y).predict(X).shape == Y.shape
    with pytest.raises(ValueError, match=r"no student keeps max_size='1kB': it needs .* kB\. Set"):
        clf.set_params(max_size="1kB").fit(X, Y)


def test_a_student_that_is_trained_on_has_to_keep_its_own_width(time_by_units):
    clf = classifier(warm_start=True).fit(X, Y)

    with pytest.raises(ValueError, match="no student keeps max_latency=2e-05"):
        clf.set_params(max_latency=2e-5).fit(X, Y)

    clf = classifier(warm_start=True).fit(X, Y).set_params(max_latency=1e-3).fit(X, Y)
    assert hidden_sizes(clf) == (128, 64)


@pytest.mark.parametrize("kind", ["numbers", "categories", "sparse", "missing", "images"])
def test_rows_of_each_kind_are_measured(kind):
    tables = {
        "numbers": (pd.DataFrame(X).add_prefix("x"), Y),
        "categories": mixed_table(),
        "sparse": (csr_matrix(X), Y),
        "missing": rows_with_binary_columns(),
        "images": (X[:, :4].reshape(-1, 2, 2), Y),
    }
    table, y = tables[kind]

    clf = classifier(max_latency=0.5, max_size="1MB").fit(table, y)

    assert clf.predict(table).shape == y.shape
    assert size_in_bytes(clf) <= 10**6


def test_a_frame_of_numbers_is_timed_as_an_array(monkeypatch):
    seen = []
    monkeypatch.setattr(budget, "microseconds", lambda model, rows, _: seen.append(rows) or 1.0)

    classifier(max_latency=1.0).fit(pd.DataFrame(X).add_prefix("x"), Y)

    assert {type(rows) for rows in seen} == {np.ndarray}


def test_soft_targets_from_elsewhere_get_a_student_within_the_budget():
    proba = np.full((len(Y), 3), 1 / 3)

    clf = classifier(max_size="20kB").set_params(teachers=None).fit(X, Y, teacher_proba=proba)

    assert size_in_bytes(clf) <= 20_000


@pytest.mark.parametrize("size", ["9kB", "15kB", "25kB"])
def test_a_student_that_was_narrowed_goes_on_with_warm_start(size):
    clf = classifier(max_size=size, warm_start=True).fit(X, Y)
    before = hidden_sizes(clf), clf.student_.periodic is None, clf.student_.bins is None

    clf.fit(X[:600], Y[:600])

    assert before == (hidden_sizes(clf), clf.student_.periodic is None, clf.student_.bins is None)
    assert size_in_bytes(clf) <= budget.parse_size(size)


@pytest.mark.parametrize("other", [(64, 64), (8, 4)])
def test_a_student_that_was_narrowed_from_other_sizes_does_not_go_on(other):
    clf = classifier(max_size="25kB", warm_start=True).fit(X, Y)

    with pytest.raises(ValueError, match="other shapes than the layers that it starts from"):
        clf.set_params(student__module__hidden_sizes=other).fit(X, Y)


def regressor(**params):
    student = StudentNet(max_epochs=2, module__hidden_sizes=(128, 64))
    return quick_regressor(student=student, quantiles=[0.1, 0.9], **params)


def test_a_regressor_with_quantiles_keeps_its_size():
    reg = regressor(max_size="30kB").fit(X, X[:, 0])

    assert 0.8 * 30_000 < size_in_bytes(reg) <= 30_000
    assert reg.predict(X, quantiles=True).shape == (len(X), 2)


@pytest.mark.usefixtures("time_by_units")
def test_a_regressor_is_timed_by_predict():
    reg = regressor(max_latency=20e-6).fit(X, X[:, 0])

    assert hidden_sizes(reg)[0] == 56


def test_a_regressor_whom_no_student_is_quick_enough_is_refused_before_a_teacher_is_fitted():
    with pytest.raises(ValueError, match=r"no student keeps max_latency=1e-09"):
        regressor(max_latency=1e-9).fit(X, X[:, 0])
