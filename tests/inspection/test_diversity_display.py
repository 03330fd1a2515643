"""Diversity: the matrix of pairs, with the weights and losses of each teacher."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.tree import DecisionTreeRegressor

from skdistill import DiversityDisplay, TableRegressor, TeacherEnsemble
from tests.small import (
    encoded_tree,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    rows_and_targets,
    two_trees,
)

X, Y = numeric_rows(120)


def fitted():
    return quick_classifier(weights=[0.2, 0.8]).fit(X, Y)


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def matrix(display):
    return display.ax_.images[0].get_array().filled(np.nan)


def drawn(n):
    """Many teachers whose names are long."""
    names = [f"a teacher whose name is much too long, number {k}" for k in range(n)]
    pairs = np.random.RandomState(0).rand(n, n)
    return DiversityDisplay(names, pairs, dict.fromkeys(names, 1 / n), dict.fromkeys(names, 0.3))


@pytest.mark.parametrize("measure", ["disagreement", "error_correlation", "q_statistic"])
def test_pairs_are_drawn_by_the_measure_that_is_named(measure):
    clf = fitted()

    display = DiversityDisplay.from_estimator(clf, measure=measure)

    value = clf.teacher_diversity_[measure]["deep"]["stump"]
    assert_allclose(matrix(display), [[np.nan, value], [value, np.nan]])


def test_teachers_are_sorted_by_weight():
    display = DiversityDisplay.from_estimator(fitted())

    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["stump", "deep"]


def test_weights_and_losses_are_written_beside_the_matrix():
    clf = fitted()

    written = texts(DiversityDisplay.from_estimator(clf))

    assert {"weight", "0.80", "0.20", "log loss"} < set(written)
    assert {f"{clf.teacher_scores_[name]:.4g}" for name in ("deep", "stump")} < set(written)


def test_an_ensemble_of_teachers_can_be_drawn_alone():
    ensemble = TeacherEnsemble(two_trees(), cv=2, random_state=0).fit(X, Y)

    display = DiversityDisplay.from_estimator(ensemble)

    assert np.isfinite(matrix(display)).sum() == 2


def test_the_teachers_of_a_regressor_can_be_drawn():
    teachers = [
        (f"tree{k}", TableRegressor(DecisionTreeRegressor(max_depth=k, random_state=0)))
        for k in (1, 3)
    ]
    reg = quick_regressor(teachers).fit(*rows_and_targets())

    display = DiversityDisplay.from_estimator(reg, measure="error_correlation")

    assert "RMSE" in texts(display)
    assert np.isfinite(matrix(display)).sum() == 2


def test_only_classifiers_disagree_on_a_share_of_rows():
    teachers = [
        (f"tree{k}", TableRegressor(DecisionTreeRegressor(max_depth=k, random_state=0)))
        for k in (1, 3)
    ]
    reg = quick_regressor(teachers).fit(*rows_and_targets())

    of_classifier, of_regressor = map(texts, map(DiversityDisplay.from_estimator, (fitted(), reg)))

    assert any(text.endswith("%") for text in of_classifier)
    assert not any(text.endswith("%") for text in of_regressor)


def test_a_single_teacher_has_a_weight_and_no_pairs():
    display = DiversityDisplay.from_estimator(quick_classifier(encoded_tree()).fit(X, Y))

    assert "1.00" in texts(display)
    assert np.isnan(matrix(display)).all()


@pytest.mark.parametrize(("n", "n_written"), [(12, 12 * 11), (20, 0)])
def test_cells_have_numbers_as_long_as_there_is_room(n, n_written):
    display = drawn(n).plot()

    assert len(texts(display)) == n_written + 2 + 2 * n


@pytest.mark.parametrize("n", [2, 20])
def test_nothing_is_cut_off_with_long_names(n):
    figure = drawn(n).plot().figure_

    figure.draw_without_rendering()
    inner = figure.get_tightbbox().padded(-0.02)
    assert figure.bbox_inches.contains(inner.x0, inner.y0)
    assert figure.bbox_inches.contains(inner.x1, inner.y1)


def test_names_of_many_teachers_do_not_overlap():
    display = drawn(20).plot()

    display.figure_.draw_without_rendering()
    boxes = [label.get_window_extent() for label in display.ax_.get_yticklabels()]
    assert not any(one.overlaps(other) for one, other in zip(boxes, boxes[1:]))  # noqa: RUF007


def test_an_unknown_measure_is_refused():
    with pytest.raises(ValueError, match=r"measure='kappa' is none of \['disagreement'"):
        DiversityDisplay.from_estimator(fitted(), measure="kappa")


def test_without_teachers_there_is_nothing_to_draw():
    proba = np.full((len(X), 3), 1 / 3)
    clf = quick_classifier().fit(X, Y, teacher_proba=proba)

    with pytest.raises(ValueError, match="has fitted no teachers"):
        DiversityDisplay.from_estimator(clf)
