"""A search over two parameters: cells, gaps, and the best."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skdistill import SearchDisplay
from tests.small import numeric_rows, quick_classifier

GRID = [(0.0, 1, 0.7), (0.5, 1, 0.9), (0.5, 2, 0.8)]


def searched(points, names=("alpha", "temperature"), **more):
    """What a search over two parameters leaves behind."""
    results = {
        "params": [dict(zip(names, values)) for *values, _ in points],
        "mean_test_score": np.array([score for *_, score in points]),
    }
    search = GridSearchCV(quick_classifier(), {})
    search.cv_results_ = results | more
    return search


def cells(display):
    return display.ax_.images[0].get_array().filled(np.nan)


def test_a_real_search_is_drawn():
    X, y = numeric_rows(60)
    grid = {"alpha": [0.0, 1.0], "temperature": [1, 2]}
    search = GridSearchCV(quick_classifier(), grid, cv=2, scoring="neg_log_loss").fit(X, y)

    display = SearchDisplay.from_estimator(search)

    scores = search.cv_results_["mean_test_score"].reshape(2, 2)
    assert_allclose(cells(display), scores.T)
    assert display.best_ == (search.best_params_["alpha"], search.best_params_["temperature"])
    assert display.score_name == "mean test neg_log_loss"


def test_the_grid_may_have_gaps():
    display = SearchDisplay(GRID).plot()

    assert_allclose(cells(display), [[0.7, 0.9], [np.nan, 0.8]])


def test_the_best_cell_has_an_edge():
    display = SearchDisplay(GRID).plot()

    assert display.best_ == (0.5, 1)
    (edge,) = display.ax_.patches
    assert edge.get_xy() == (0.5, -0.5)


def test_of_other_parameters_the_best_is_drawn():
    search = searched([(0, 1, "a", 0.5), (0, 1, "b", 0.6)], names=("alpha", "temperature", "net"))

    display = SearchDisplay.from_estimator(search)

    assert_allclose(cells(display), [[0.6]])


def test_candidates_whose_fits_failed_are_left_out():
    display = SearchDisplay.from_estimator(searched([*GRID, (0.0, 2, np.nan)]))

    assert np.isnan(cells(display)[1, 0])


def test_alpha_and_temperature_are_found_in_a_pipeline():
    names = ("student__net__lr", "student__alpha", "student__temperature")
    search = searched([(0.1, 0.5, 2, 0.7)], names)

    assert SearchDisplay.from_estimator(search).names == names[1:]


def test_parameters_of_any_kind_are_drawn_as_they_come():
    points = [((16,), None, 0.7), ((8, 8), "auto", 0.8), ((16,), "auto", 0.6)]
    search = searched(points, ("student__module__hidden_sizes", "weights"))

    ax = SearchDisplay.from_estimator(search).ax_

    assert [label.get_text() for label in ax.get_xticklabels()] == ["(16,)", "(8, 8)"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["None", "auto"]


def test_random_numbers_are_points_instead_of_cells():
    draws = np.random.RandomState(0).rand(20, 3).tolist()

    display = SearchDisplay([tuple(each) for each in draws]).plot()

    assert not display.ax_.images
    best = max(draws, key=lambda each: each[2])
    assert display.best_ == tuple(best[:2])


def test_a_large_grid_has_colors_only():
    points = [(k, j, k * j) for k in range(20) for j in range(20)]

    assert not SearchDisplay(points).plot().ax_.texts


def test_one_of_several_metrics_can_be_chosen():
    search = searched(GRID, mean_test_auc=np.array([0.3, 0.2, 0.1]))

    assert SearchDisplay.from_estimator(search, metric="auc").best_ == (0.0, 1)


@pytest.mark.parametrize("params", [None, ("alpha",), ("alpha", "lr")], ids=str)
def test_anything_but_two_of_its_parameters_is_refused(params):
    search = searched([(0.5, 1, "a", 0.5)], names=("alpha", "width", "net"))

    with pytest.raises(ValueError, match=r"the search is over \['alpha', 'width', 'net'\]"):
        SearchDisplay.from_estimator(search, params=params)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match=r"metric='auc' is none of those searched by, \['score'\]"):
        SearchDisplay.from_estimator(searched(GRID), metric="auc")


def test_a_search_without_a_score_is_refused():
    with pytest.raises(ValueError, match="no candidate has 'alpha', 'temperature' and a finite"):
        SearchDisplay.from_estimator(searched([(0.5, 1, np.nan)]))


def test_a_search_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        SearchDisplay.from_estimator(GridSearchCV(quick_classifier(), {"alpha": [0.5]}))
