"""Values decide where a dtype does not: numbers as objects, names like attributes, ids."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from skdistill import TableEncoder
from skdistill.transfer.munge import Munge
from tests.small import mixed_table, numeric_rows, quick_classifier, quick_student

X, Y = mixed_table(80)
N = len(X)
WORDS = X["city"].astype(object).where(X["city"].notna(), None).tolist()
COINS = np.random.RandomState(1).randint(0, 3, N)
BOOLEANS = [None if i % 9 == 4 else bool(c) for i, c in enumerate(COINS)]

RECORDS = pd.DataFrame(
    {"a": np.linspace(-1, 1, N), "b": COINS * 0.5, "flag": BOOLEANS, "city": WORDS}
).astype({"flag": "boolean"})
ONE_RECORD = {"a": 0.5, "b": 1.0, "flag": True, "city": "Rome"}


@pytest.fixture(scope="module")
def of_records():
    return quick_classifier(student=quick_student(max_epochs=2)).fit(RECORDS, Y)


@pytest.mark.parametrize(
    ("row", "same"),
    [
        (pd.DataFrame([ONE_RECORD | {"b": None}]), ONE_RECORD | {"b": np.nan}),
        (pd.DataFrame([ONE_RECORD | {"flag": None}]), ONE_RECORD | {"flag": pd.NA}),
        (pl.DataFrame([ONE_RECORD | {"b": None}]), ONE_RECORD | {"b": np.nan}),
        (pl.DataFrame([ONE_RECORD | {"b": Decimal("0.5")}]), ONE_RECORD | {"b": 0.5}),
        (pd.DataFrame([ONE_RECORD]).iloc[0].to_frame().T, ONE_RECORD),
        (pd.DataFrame([ONE_RECORD | {"b": pd.NaT}], dtype=object), ONE_RECORD | {"b": np.nan}),
        (
            pd.DataFrame([ONE_RECORD]).assign(b=pd.array([None], dtype="string")),
            ONE_RECORD | {"b": np.nan},
        ),
    ],
    ids=["null", "boolean gap", "polars null", "polars decimal", "transposed", "NaT", "string NA"],
)
def test_a_row_of_json_or_of_a_cursor_is_read_by_its_values(of_records, row, same):
    same = pd.DataFrame([same]).astype({"b": "float64", "flag": "boolean"})

    assert_array_equal(of_records.predict_proba(row), of_records.predict_proba(same))


def test_unlabeled_rows_may_hold_their_numbers_as_objects(spy):
    quick_classifier([("spy", spy)]).fit(RECORDS, Y, X_unlabeled=RECORDS[:9].astype(object))

    asked = [set(rows.dtypes) for rows in spy.asked_about if len(rows) == 9]
    assert asked == [{np.dtype(object)}] * 2  # of either fold's teacher


def test_munge_mixes_numbers_of_objects_as_it_mixes_floats():
    of_floats = pd.DataFrame(numeric_rows(200)[0], columns=list("abcde"))
    of_floats.iloc[3, 2] = np.nan
    of_objects = of_floats.astype(object)
    of_objects.iloc[3, 2] = pd.NA

    floats, objects = (Munge().fit(X).sample(300, random_state=0) for X in (of_floats, of_objects))

    assert set(objects.dtypes) == {np.dtype(object)}
    pd.testing.assert_frame_equal(objects.astype(float), floats)


@pytest.mark.parametrize("value", ["many", date(2024, 1, 1), np.timedelta64(1, "D"), 1j], ids=repr)
def test_a_word_among_numbers_is_refused_at_predict_by_its_column(of_records, value):
    row = pd.DataFrame([ONE_RECORD]).astype(object)
    row.at[0, "b"] = value

    with pytest.raises(ValueError, match=r"Column 'b' held numbers at fit and now .* has "):
        of_records.predict(row)


def test_numbers_as_objects_in_a_column_of_words_are_refused(of_records):
    with pytest.raises(ValueError, match="Column 'city' held strings at fit"):
        of_records.predict(pd.DataFrame([ONE_RECORD | {"city": 3}], dtype=object))


def test_teachers_get_numbers_of_objects_as_they_were_given(spy):
    frame = RECORDS.astype(object)

    quick_classifier([("spy", spy)]).fit(frame, Y)

    assert set(spy.fitted_on[0][0].dtypes) == {np.dtype(object)}


@pytest.mark.parametrize("missing", [None, pd.NA, pd.NaT, np.nan], ids=repr)
def test_numbers_of_an_object_array_may_be_missing_or_decimal(missing):
    rows = np.array([[Decimal("1.5"), 2], [missing, True]], dtype=object)

    assert_array_equal(TableEncoder().fit_transform(rows), [[1.5, 2], [np.nan, 1]])
    assert_array_equal(TableEncoder([1]).fit_transform(rows), [[1.5, 1], [np.nan, 0]])


@pytest.mark.parametrize(
    "column",
    [[f"id{i}" for i in range(N)], pd.date_range("2024", periods=N).astype(str)],
    ids=["ids", "dates"],
)
def test_a_column_whose_categories_hardly_repeat_warns_once_by_its_name(column):
    with pytest.warns(UserWarning, match="Column 'odd' has 80 categories in 80 rows") as caught:
        quick_classifier().fit(X.assign(odd=column), Y)

    assert len(caught) == 1
    assert "drop it if it is an id" in str(caught[0].message)


def test_missing_values_do_not_count_as_repeated_categories():
    words = pd.Series([f"w{i}" if i < 30 else None for i in range(N)], dtype=object)

    with pytest.warns(UserWarning, match="Column 'odd' has 30 categories in 30 rows"):
        quick_classifier().fit(X.assign(odd=words), Y)


ATTRIBUTES = ["collect", "detach", "get_params", "named_modules", "shape", "_mask", "cat", "fit"]


def test_columns_and_rows_may_be_named_like_attributes(tmp_path):
    frame = pd.DataFrame(np.random.RandomState(0).normal(size=(N, 8)), columns=list("abcdefgh"))
    frame["word"] = WORDS
    named = frame.set_axis([*ATTRIBUTES, "columns"], axis=1).set_axis(ATTRIBUTES * (N // 8))

    clf = quick_classifier(memory=tmp_path, augmenter="munge").fit(named, Y)

    expected = quick_classifier(augmenter="munge").fit(frame, Y).predict_proba(frame)
    assert_array_equal(clf.predict_proba(named), expected)
