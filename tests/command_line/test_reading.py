"""Tables as they come: encodings, delimiters, rows without labels."""

import gzip
import sys

import numpy as np
import pandas as pd
import pytest

from skdistill.command_line.reading import SAMPLE, read_table

ROWS = "name,n,city\nAnn,1,Łódź\nBob,2,Oslo\nEve,3,Rome\n"


@pytest.fixture
def write(tmp_path):
    """Write text or bytes into a file; return its path."""

    def write_file(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def expected():
    return pd.DataFrame(
        {"name": ["Ann", "Bob", "Eve"], "n": [1, 2, 3], "city": ["Łódź", "Oslo", "Rome"]}
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ", "])
def test_the_delimiter_is_recognized(delimiter, write, expected):
    frame, _ = read_table(write(ROWS.replace(",", delimiter)))

    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_that_the_file_tells_is_recognized(encoding, write, expected):
    frame, _ = read_table(write(ROWS.encode(encoding)))

    pd.testing.assert_frame_equal(frame, expected)


def test_an_encoding_that_is_named_is_used(write, expected):
    frame, _ = read_table(write(ROWS.encode("cp1250")), encoding="cp1250")

    pd.testing.assert_frame_equal(frame, expected)


@pytest.mark.parametrize("n_before", [0, SAMPLE // 10], ids=["early", "after the sample"])
def test_another_encoding_is_refused_with_what_it_would_read(n_before, write):
    table = "name,n\n" + "Bob,12345\n" * n_before + "café,1\n"

    with pytest.raises(ValueError, match=r"not in utf-8.*--encoding cp1252 would read '.*é"):
        read_table(write(table.encode("cp1252")))


def test_a_compressed_file_is_read(write, expected):
    frame, _ = read_table(write(gzip.compress(ROWS.encode()), "table.csv.gz"))

    pd.testing.assert_frame_equal(frame, expected)


def test_a_character_that_the_sample_cuts_in_two_is_no_error(write):
    frame, _ = read_table(write("a,b\n" + "é,1\n" * SAMPLE))

    assert len(frame) == SAMPLE


def test_a_field_may_hold_the_delimiter_and_a_new_line(write):
    frame, _ = read_table(write('a,b\n"x, y\nz",1\nw,2\n'))

    assert frame["a"].tolist() == ["x, y\nz", "w"]


def test_empty_cells_at_the_end_of_a_row_may_be_left_out(write):
    frame, _ = read_table(write("a,b,c\n1,2\n3,4,5\n6,7,8\n"))

    np.testing.assert_array_equal(frame["c"], [np.nan, 5, 8])


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "is empty"),
        (b"PK\x03\x04\0\0", {}, "is not a text file: save the table as CSV or Parquet"),
        ("a b\n1 2\n", {}, "has one column only, 'a b': .* name it by --delimiter"),
        ("Export of May\n\na,b\n1,2\n3,4\n", {}, "remove lines above and below the table"),
        ("a,b\n" + "1,2\n" * SAMPLE + "1,2,3\n", {}, f"line {SAMPLE + 2}, saw 3"),
        ("a,b\n1,2\n", {"encoding": "utf-99"}, "--encoding 'utf-99' is unknown"),
        ("a,b\n1,2\n", {"delimiter": "ab"}, "must be one character, or tab, got 'ab'"),
        ("a,b\n1,2\n", {"drop": ["c"]}, r"--drop names \['c'\], which are no columns: choose"),
        ("a,b\n1,2\n", {"columns": ["c"]}, r"lacks the columns \['c'\]"),
        ("a,b\n1,\n", {"target": "b"}, "'b' has no labels: all of its 1 rows are empty"),
        ("5,3\n4,2\n", {"target": "b"}, "The first row of the file must name the columns"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(content, options, message, write):
    with pytest.raises(ValueError, match=message):
        read_table(write(content), **options)


def test_without_pandas_the_extra_that_brings_it_is_named(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(ImportError, match=r"pip install 'skdistill\[table\]'"):
        read_table(write("a,b\n1,2\n"))


def test_rows_without_a_label_are_counted_and_left_out(write):
    frame, notes = read_table(write("a,y\n1,0\n2,\n3,1\n"), target="y")

    assert frame["y"].tolist() == [0, 1]
    assert frame["y"].dtype == "int64"
    assert notes == ["1 of 3 rows have no label in 'y' and are left out."]


def test_what_is_not_obvious_is_said(write):
    _, notes = read_table(write(ROWS.replace(",", ";").encode("utf-16")))

    assert notes == ["In table.csv, the encoding is utf-16 and the delimiter is ';'."]


def test_columns_that_are_not_asked_for_are_not_looked_at(write):
    frame, _ = read_table(write("b,when,a\n1,03/04/2021,2\n"), columns=["a", "b"])

    assert list(frame) == ["a", "b"]


def test_dates_of_a_parquet_file_are_days(tmp_path):
    dates = pd.to_datetime(["1970-01-02 00:00", None, "1970-01-11 12:00"])
    pd.DataFrame({"when": dates}).to_parquet(tmp_path / "table.parquet")

    frame, notes = read_table(tmp_path / "table.parquet")

    np.testing.assert_array_equal(frame["when"], [1, np.nan, 10.5])
    assert notes == ["Column 'when' holds dates, taken as days since 1970-01-01."]
