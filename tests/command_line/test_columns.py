"""What a column of text holds: numbers however they are written, booleans, dates, categories."""

import numpy as np
import pandas as pd
import pytest

from skdistill.command_line.columns import suspects, typed


def read(*values, beside=("0",), **options):
    """Return what a column of these texts is read as, beside another column."""
    beside = [*beside] * len(values)
    frame = pd.DataFrame({"a": pd.Series(values, dtype="str"), "b": beside[: len(values)]})
    return typed(frame, **options)[0]["a"]


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["1", "-2", "+3"], [1, -2, 3]),
        (["1.5", ".5", "1e3", "5."], [1.5, 0.5, 1000, 5]),
        (["1,5", "-0,25"], [1.5, -0.25]),
        (["1.234,5", "12.345.678"], [1234.5, 12345678]),
        (["1,234.5", "12,345,678"], [1234.5, 12345678]),
        (["1 234,5", "1\u00a0000 "], [1234.5, 1000]),
        (["1'234.5", "999"], [1234.5, 999]),
        (["1", "?", "3", None], [1, np.nan, 3, np.nan]),
        (["inf", "1.5"], [np.inf, 1.5]),
        (["123456789012345678901", "1"], [123456789012345678901.0, 1]),
        ([None, None], [np.nan, np.nan]),
    ],
)
def test_numbers_are_recognized_however_they_are_written(values, numbers):
    column = read(*values)

    np.testing.assert_array_equal(column, numbers)
    assert column.dtype.kind in "if"


@pytest.mark.parametrize("values", [["1.2.3", "10.0.1"], ["12,34,5"], ["1,23,456"], ["e5", "1"]])
def test_what_is_no_number_stays_text(values):
    assert read(*values).tolist() == values


@pytest.mark.parametrize(
    ("beside", "options", "number"),
    [
        ("0.5", {}, 1234),
        ("0,5", {}, 1.234),
        ("7", {"decimal": ","}, 1.234),
        ("7", {"decimal": "."}, 1234),
        ("7", {"delimiter": ","}, 1234),
    ],
)
def test_an_ambiguous_number_follows_the_numbers_beside_it(beside, options, number):
    assert read("1,234", beside=[beside], **options).tolist() == [number]


@pytest.mark.parametrize("beside", [["7"], ["0.5"]])
def test_a_decimal_point_is_one_where_no_comma_speaks_against_it(beside):
    assert read("1.234", beside=beside).tolist() == [1.234]


def test_a_point_groups_thousands_where_a_comma_is_decimal():
    assert read("1.234", beside=["0,5"]).tolist() == [1234]


def test_an_ambiguous_number_that_nothing_explains_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"Column 'a' has '1,234', of which .* say --decimal"):
        read("1,234", delimiter=";")


def test_booleans_are_recognized():
    assert read("True", "false").tolist() == [True, False]
    assert read("TRUE", None, "FALSE").dtype == "boolean"


@pytest.mark.parametrize(
    ("date", "day"),
    [("1970-01-03", 2), ("1970-01-03 06:00", 2.25), ("1970-01-03T12:00:00Z", 2.5)],
)
def test_dates_are_days_since_1970(date, day):
    np.testing.assert_array_equal(read(date, None), [day, np.nan])


@pytest.mark.parametrize(
    "value", ["03/04/2021", "25.12.2021", "3 Apr 2021", "May 5, 2021", "12:30", "1/2/21 12:30"]
)
def test_other_dates_and_times_are_refused_with_the_remedy(value):
    with pytest.raises(ValueError, match=r"Column 'a' holds dates .* as 2025-12-31 .* --drop a"):
        read(value, value)


def test_a_date_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="Column 'a' has no date, but '2025-02-30'"):
        read("2025-02-28", "2025-02-30")


def test_labels_that_are_dates_stay_text():
    assert read("03/04/2021", labels="a").tolist() == ["03/04/2021"]


def test_a_column_that_is_told_to_be_text_stays_text():
    assert read("1", "2", text=["a"]).tolist() == ["1", "2"]


def test_numbers_with_some_words_among_them_are_said():
    frame = pd.DataFrame({"age": ["1", "2", "unknown"]})

    _, notes = typed(frame)

    assert len(notes) == 1
    assert "Column 'age' holds numbers, but also 'unknown'" in notes[0]


def test_a_number_that_is_read_otherwise_is_said():
    _, notes = typed(pd.DataFrame({"a": ["1.234,5", "?"]}))

    assert notes == ["Column 'a' holds numbers: '1.234,5' is 1234.5, '?' counts as missing."]


N = 40


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (np.arange(N)[::-1] + 5, "a row number"),
        ([f"K{k}" for k in range(N)], "an id"),
        ([f"the text of row {k}" for k in range(N)], "free text"),
    ],
)
def test_ids_and_free_text_are_named_with_the_remedy(column, kind):
    (note,) = suspects(pd.DataFrame({"the one": column, "other": 1.5}))

    assert note.startswith(f"Column 'the one' looks like {kind} (40 values in 40 rows, such as")
    assert note.endswith("leave it out by --drop 'the one'.")


@pytest.mark.parametrize(
    "column",
    [np.arange(N) ** 2, np.arange(N) / 7, ["Oslo", "Rome"] * (N // 2), pd.Categorical([None] * N)],
)
def test_columns_to_learn_from_are_not_named(column):
    assert suspects(pd.DataFrame({"a": column})) == []
