"""Where student and teachers part: which rows, how far, and the rules that say where they lie."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skdistill import disagreements
from skdistill.inspection.metrics import kl_divergence
from skdistill.inspection.regions import find_regions, tree_inputs
from tests.small import (
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    rows_and_targets,
)


@pytest.fixture(scope="module")
def mixed():
    """A student that has kept its teachers, and rows that it has not seen."""
    X, y = mixed_table(300)
    clf = quick_classifier(keep_teachers=True).fit(X[:100], y[:100])
    return clf, X[100:].reset_index(drop=True)


@pytest.fixture(scope="module")
def found(mixed):
    return disagreements(*mixed)


def parted(clf, X, rows):
    """Probabilities that are the student's, but for some rows those of the other class."""
    proba = clf.predict_proba(X)
    proba[rows] = proba[rows, ::-1]
    return proba


# The rows.


def test_the_rows_of_the_largest_divergence_come_first(mixed, found):
    clf, X = mixed

    expected = kl_divergence(clf.teacher_.predict_proba(X), clf.predict_proba(X))

    assert_allclose(found.divergence, expected)
    assert (np.diff(expected[found.rows]) <= 0).all()
    assert sorted(found.rows) == list(range(len(X)))


def test_the_frame_has_both_probabilities_of_each_row(mixed, found):
    clf, X = mixed

    frame = found.to_frame(5)

    first = X.iloc[frame.index]
    assert len(frame) == 5
    assert_allclose(frame[["student no", "student yes"]], clf.predict_proba(first))
    teachers = clf.teacher_.predict_proba(first)
    assert_allclose(frame[["teachers no", "teachers yes"]], teachers)
    assert frame["student"].tolist() == clf.predict(first).tolist()


def test_regressors_part_by_their_squared_difference():
    X, y = rows_and_targets(120)
    student = quick_regressor(keep_teachers=True).fit(X[:60], y[:60])

    found = disagreements(student, X[60:])

    difference = student.predict(X[60:]) - student.teacher_.predict(X[60:])
    assert_allclose(found.divergence, difference**2)
    assert set(found.to_frame()) == {"divergence", "student", "teachers"}
    assert "agreement" not in repr(found)


def test_of_several_targets_the_mean_counts():
    X, y = rows_and_targets(120, n_targets=2)
    student = quick_regressor(keep_teachers=True).fit(X[:60], y[:60])

    found = disagreements(student, X[60:])

    difference = student.predict(X[60:]) - student.teacher_.predict(X[60:])
    assert_allclose(found.divergence, (difference**2).mean(1))
    assert {"student 0", "teachers 1"} < set(found.to_frame())


def test_teachers_may_be_given_as_what_they_predict(mixed, found):
    clf, X = mixed

    given = disagreements(clf, X, teachers=clf.teacher_.predict_proba(X).tolist())

    assert_allclose(given.divergence, found.divergence)


@pytest.mark.parametrize(
    "as_frame", [pd.DataFrame, lambda each: pl.from_pandas(pd.DataFrame(each))]
)
def test_columns_of_a_frame_are_found_by_their_names(mixed, found, as_frame):
    clf, X = mixed
    proba = clf.teacher_.predict_proba(X)
    given = as_frame({"yes": proba[:, 1], "no": proba[:, 0]})

    assert_allclose(disagreements(clf, X, teachers=given).divergence, found.divergence)
    with pytest.raises(ValueError, match=r"teachers has the columns \['a', 'b'\]"):
        disagreements(clf, X, teachers=pd.DataFrame(proba, columns=["a", "b"]))


def test_teachers_may_be_a_model_or_several(mixed):
    X, y = numeric_rows(150)
    clf = quick_classifier().fit(X, y)
    tree = DecisionTreeClassifier(max_depth=2).fit(X, y)

    of_one = disagreements(clf, X, teachers=tree)
    of_two = disagreements(clf, X, teachers=[("a", tree), ("b", tree)])

    assert_allclose(of_one.divergence, kl_divergence(tree.predict_proba(X), clf.predict_proba(X)))
    assert_allclose(of_two.divergence, of_one.divergence)


def test_a_student_at_the_end_of_a_pipeline_is_compared_behind_its_steps():
    X = np.array(["good film", "bad film", "fine thing", "poor thing"] * 10, dtype=object)
    clf = quick_classifier([("lr", LogisticRegression())], keep_teachers=True)
    model = make_pipeline(TfidfVectorizer(), clf).fit(X, np.arange(40) % 2)

    found = disagreements(model, X)

    assert len(found.rows) == 40
    assert found.regions == []  # a text has no columns
    assert "where" not in repr(found)


# Where they lie.


def test_the_rule_of_the_first_region_says_where_they_part(mixed):
    clf, X = mixed
    rows = ((X["city"] == "Rome") & (X["age"] > 40)).to_numpy()

    found = disagreements(clf, X, teachers=parted(clf, X, rows), max_depth=2)

    first = found.regions[0]
    assert first.rule.startswith("city is 'Rome' and age > ") or (
        first.rule.startswith("age > ") and first.rule.endswith(" and city is 'Rome'")
    )
    assert rows[first.rows].mean() > 0.9
    assert found.explained > 0.5


def test_rules_name_missing_values(mixed):
    clf, X = mixed
    for column in ("age", "city"):
        rows = X[column].isna().to_numpy()

        found = disagreements(clf, X, teachers=parted(clf, X, rows), max_depth=1)

        assert found.regions[0].rule == f"{column} is missing"
        assert_array_equal(found.regions[0].rows, np.flatnonzero(rows))


def test_rules_that_are_met_by_missing_values_too_say_so():
    x = np.r_[np.arange(80.0), np.full(20, np.nan)]
    values = np.where(x < 40, 1.0, 0.0)

    regions, _ = find_regions(x[:, None], values, max_depth=1, min_samples_leaf=5)

    assert [each.rule for each in regions] == ["column 0 <= 39.5", "(column 0 > 39.5 or missing)"]


def test_conditions_on_one_column_are_one(mixed):
    x = np.arange(100.0)
    values = np.where((x > 30) & (x <= 60), 1.0, 0.0)

    regions, _ = find_regions(x[:, None], values, max_depth=3, min_samples_leaf=5)

    assert regions[0].rule == "30 < column 0 <= 60"
    assert_array_equal(regions[0].rows, np.arange(31, 61))


@pytest.mark.parametrize("seed", range(5))
def test_a_rule_is_met_by_the_rows_of_its_region_only(seed):
    rng = np.random.RandomState(seed)
    X = pd.DataFrame({"a": rng.normal(size=300), "b": 1e6 + rng.rand(300), "c": rng.rand(300)})
    values = rng.rand(300) + (X["a"] > 0.1) * (X["b"] < 1e6 + 0.5)

    regions, _ = find_regions(X, values.to_numpy(), max_depth=3, min_samples_leaf=20)

    for region in regions:
        met = X.query(region.rule).index
        assert_array_equal(met, region.rows)


def test_regions_cover_all_rows_once(found):
    frame = found.regions_to_frame()

    assert frame["rows"].sum() == len(found.rows)
    assert frame["share of divergence"].sum() == pytest.approx(1)
    assert frame["divergence"].is_monotonic_decreasing
    assert sorted(np.concatenate([each.rows for each in found.regions])) == sorted(found.rows)


def test_noise_is_not_explained():
    rng = np.random.RandomState(0)

    _, explained = find_regions(rng.rand(200, 3), rng.rand(200), max_depth=3, min_samples_leaf=5)

    assert explained == 0


@pytest.mark.parametrize(
    "as_given",
    [lambda X: X, pl.from_pandas, lambda X: X.to_numpy(dtype=object)],
    ids=["pandas", "polars", "objects"],
)
def test_the_columns_of_a_tree_are_numbers_and_categories(mixed, as_given):
    splits = tree_inputs(as_given(mixed[1]))

    categories = [split.category for split in splits]
    assert categories[:2] == [None, None]
    assert sorted(categories[2:6]) == ["'Lima'", "'Oslo'", "'Rome'", "missing"]
    assert categories[6:] in (["True"], ["False"])


def test_a_category_is_named_with_few_characters():
    X = pd.DataFrame({"text": ["x" * 500, "y"] * 20})

    assert all(len(split.category) <= 40 for split in tree_inputs(X))


def test_sparse_rows_have_columns_too():
    X = csr_matrix(np.eye(30))

    regions, _ = find_regions(X, np.r_[1.0, np.zeros(29)], max_depth=1, min_samples_leaf=1)

    assert regions[0].rule == "column 0 > 0.5"


def test_of_a_wide_sparse_table_the_columns_with_the_most_entries_count():
    X = csr_matrix((np.ones(5), ([0, 1, 2, 3, 0], [1999, 1999, 1999, 7, 7])), shape=(4, 3000))

    names = [split.column for split in tree_inputs(X)]

    assert len(names) == 1000
    assert {"column 7", "column 1999"} < set(names)


def test_lists_have_columns_too():
    X, _ = numeric_rows()

    assert [split.column for split in tree_inputs(X.tolist())] == [f"column {j}" for j in range(5)]
    assert tree_inputs(["one text", "another"]) == []


def test_images_have_no_regions():
    images, values = np.zeros((4, 1, 2, 2)), np.arange(4.0)

    assert find_regions(images, values, max_depth=1, min_samples_leaf=1) == ([], None)


def test_a_student_that_never_parts_from_its_teachers_has_no_regions(mixed):
    clf, X = mixed

    found = disagreements(clf, X, teachers=clf)

    assert found.regions == []
    assert found.regions_to_frame().empty
    assert "the same class in 100.0%" in repr(found)


# What is shown, and what is refused.


def test_what_is_found_is_shown_as_text_and_in_a_notebook(found):
    shown = [repr(found), found._repr_html_()]

    for text in (found.regions[0].rule.replace("'", ""), str(found.rows[0]), "the same class in"):
        assert all(text in each.replace("'", "").replace("&#x27;", "").replace("&gt;", ">")
                   .replace("&lt;", "<") for each in shown)  # fmt: skip


def test_without_teachers_there_is_nothing_to_compare_with():
    X, y = numeric_rows()
    clf = quick_classifier().fit(X, y)

    with pytest.raises(ValueError, match=r"no teachers to compare with.*keep_teachers=True"):
        disagreements(clf, X)


@pytest.mark.parametrize(
    ("teachers", "message"),
    [
        (np.full((60, 2), 0.5), r"teachers has shape \(60, 2\), expected finite .* \(60, 3\)"),
        (np.full((60, 3), np.nan), "expected finite numbers"),
        (
            np.full((60, 3), 0.5),
            r"teachers do not hold probabilities .* row 0 of them \[0.5 0.5 0.5\]",
        ),
        (["a", "b"], "teachers must be fitted, a list of"),
        (LinearRegression(), "'student' is a classifier, but 'pooled teachers' a regressor"),
    ],
    ids=["shape", "missing", "sums", "strings", "regressor"],
)
def test_what_cannot_be_compared_is_refused(teachers, message):
    X, y = numeric_rows()
    clf = quick_classifier().fit(X, y)

    with pytest.raises(ValueError, match=message):
        disagreements(clf, X, teachers=teachers)


def test_an_unfitted_student_is_refused():
    with pytest.raises(NotFittedError):
        disagreements(quick_classifier(), numeric_rows()[0])


def test_other_columns_than_those_of_fit_are_refused(mixed):
    clf, X = mixed

    with pytest.raises(ValueError, match="yet now missing:\n- city"):
        disagreements(clf, X.drop(columns="city"))
