import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from skdistill import BetweenSplits, Munge, TableClassifier, TableEncoder
from tests.small import mixed_table, numeric_rows, quick_classifier

X, Y = numeric_rows(200)
FRAME, LABELS = mixed_table(200)


@pytest.fixture(scope="module")
def forest():
    return RandomForestClassifier(10, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def forest_of_frame():
    return TableClassifier(RandomForestClassifier(10, random_state=0)).fit(FRAME, LABELS)


def drawn(X, forest, n_samples=1000, **params):
    return BetweenSplits(forest, **params).fit(X).sample(n_samples, 0)


def test_a_value_moves_by_as_many_cells_as_it_may():
    tree = DecisionTreeClassifier(random_state=0).fit(X[:, :1], Y)
    points = np.unique(tree.tree_.threshold[tree.tree_.feature == 0])
    three = np.array([[X[:, 0].min()], [X[:, 0].max()], [np.median(X[:, 0])]])

    rows = BetweenSplits(tree, share=1.0, reach=1).fit(three).sample(900, 0)

    near = [home + step for home in np.searchsorted(points, three[:, 0]) for step in (-1, 0, 1)]
    reached = np.searchsorted(points, rows[:, 0])
    assert set(reached) == {cell for cell in near if 0 <= cell <= len(points)}


def test_no_value_leaves_its_columns_range(forest):
    rows = drawn(X, forest, reach=100)

    assert (rows >= X.min(0) - 1e-9).all()
    assert (rows <= X.max(0) + 1e-9).all()
    assert len(np.unique(rows[:, 0])) > 2 * len(X)


def test_rows_of_a_frame_are_such_as_its_columns_could_have(forest_of_frame):
    rows = drawn(FRAME, forest_of_frame, reach=3)

    assert_array_equal(rows.dtypes, FRAME.dtypes)
    assert set(rows["children"]) == {0, 1, 2, 3}
    assert rows["age"].isna().mean() == pytest.approx(FRAME["age"].isna().mean(), abs=0.05)
    assert rows["city"].isna().any()


def test_polars_gives_the_same_rows(forest_of_frame):
    frame = pl.from_pandas(FRAME)
    of_polars = TableClassifier(RandomForestClassifier(10, random_state=0)).fit(frame, LABELS)

    rows = drawn(frame, of_polars)

    assert rows.schema == frame.schema
    assert_array_equal(
        TableEncoder().fit(FRAME).transform(drawn(FRAME, forest_of_frame)),
        TableEncoder().fit(frame).transform(rows),
    )


@pytest.mark.parametrize(
    "trees",
    [ExtraTreesClassifier(5), GradientBoostingClassifier(n_estimators=5), DecisionTreeClassifier()],
    ids=lambda trees: type(trees).__name__,
)
def test_any_trees_of_scikit_learn_will_do_in_a_fit(trees):
    clf = quick_classifier(augmenter=BetweenSplits(trees.fit(X, Y))).fit(X, Y)

    assert clf.score(X, Y) > 0.5


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (X[:, :3], "fitted on 5 columns for rows of 3"),
        (csr_matrix(X), "moves the numbers of a dense table"),
    ],
    ids=["other columns", "sparse"],
)
def test_a_table_that_it_cannot_use_is_refused(table, message, forest):
    with pytest.raises(ValueError, match=message):
        BetweenSplits(forest).fit(table)


def test_a_forest_that_is_not_fitted_is_refused():
    with pytest.raises(ValueError, match="fit it first"):
        BetweenSplits(RandomForestClassifier()).fit(X)


def test_categories_that_are_numbers_stay_what_they_are():
    X, y = numeric_rows(200)
    X[:, 0] = np.random.RandomState(0).choice([10.0, 20.0, 30.0, 70.0], 200)
    forest = TableClassifier(RandomForestClassifier(5, random_state=0), categorical_features=[0])

    rows = drawn(X, forest.fit(X, y))

    assert set(rows[:, 0]) == {10, 20, 30, 70}


def test_without_columns_to_find_neighbors_by_any_row_is_a_neighbor():
    names = pd.DataFrame({"name": [f"n{i}" for i in range(200)]})

    rows = Munge(swap=1.0).fit(names).sample(400, 0)

    assert set(rows["name"]) <= set(names["name"])
    assert rows["name"].nunique() > 100
