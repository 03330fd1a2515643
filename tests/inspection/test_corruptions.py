"""What a corruption does to the cells of a table, and what it leaves as it is."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill.inspection.corruptions import (
    CORRUPTIONS,
    CorruptibleTable,
    add_noise,
    remove_cells,
    shift_column,
    swap_categories,
    take_upper_tail,
)
from tests.small import mixed_table

N_ROWS = 400
CONTAINERS = {"pandas": lambda frame: frame, "polars": pl.from_pandas}


def as_pandas(table):
    return table.to_pandas() if isinstance(table, pl.DataFrame) else table


def corrupted(corrupt, strength, frame=None, seed=0):
    frame = mixed_table(N_ROWS)[0] if frame is None else frame
    table = CorruptibleTable(frame, "from_dtype")
    return corrupt(table, strength, np.random.RandomState(seed))


@pytest.fixture(params=CONTAINERS)
def frame(request):
    """Numbers, whole numbers, categories and booleans."""
    return CONTAINERS[request.param](mixed_table(N_ROWS)[0])


def test_noise_is_as_wide_as_a_share_of_the_column(frame):
    noisy, _ = corrupted(add_noise, 0.5, frame)

    before, after = as_pandas(frame)["age"], as_pandas(noisy)["age"]
    assert (after - before).std() == pytest.approx(0.5 * before.std(), rel=0.1)
    assert_array_equal(after.isna(), before.isna())


def test_noise_leaves_whole_numbers_whole_and_other_columns_as_they_are(frame):
    noisy, _ = corrupted(add_noise, 1.0, frame)

    before, after = as_pandas(frame), as_pandas(noisy)
    assert (after["children"] % 1 == 0).all()
    assert (after["children"] != before["children"]).mean() > 0.3
    assert after[["city", "member"]].equals(before[["city", "member"]])


def test_a_share_of_the_cells_of_every_column_becomes_missing(frame):
    holed, _ = corrupted(remove_cells, 0.3, frame)

    before, after = as_pandas(frame).isna(), as_pandas(holed).isna()
    assert (after >= before).all(axis=None)
    assert_allclose(after.mean(), 1 - 0.7 * (1 - before.mean()), atol=0.07)


def test_other_cells_than_the_missing_ones_stay(frame):
    holed, _ = corrupted(remove_cells, 0.3, frame)

    for name in as_pandas(frame):
        before, after = as_pandas(frame)[name], as_pandas(holed)[name]
        kept = after.notna()
        assert (before[kept] == after[kept]).all()


def test_swapped_cells_hold_another_value_of_their_column(frame):
    swapped, _ = corrupted(swap_categories, 0.25, frame)

    before, after = as_pandas(frame), as_pandas(swapped)
    for name in ("city", "member"):
        present = before[name].notna()
        differs = before[name][present].astype(object) != after[name][present].astype(object)
        assert differs.mean() == pytest.approx(0.25, abs=0.06)
        assert set(after[name].dropna()) <= set(before[name].dropna())
        assert_array_equal(after[name].isna(), before[name].isna())
    assert after[["age", "children"]].equals(before[["age", "children"]])


def test_all_categories_are_swapped_at_a_share_of_one(frame):
    swapped, _ = corrupted(swap_categories, 1.0, frame)

    before, after = as_pandas(frame)["city"], as_pandas(swapped)["city"]
    present = before.notna()
    assert (before[present].astype(object) != after[present].astype(object)).all()


def test_a_value_is_drawn_as_often_as_it_occurs_among_the_others():
    letters = pd.DataFrame({"letter": ["a"] * 3000 + ["b"] * 900 + ["c"] * 100})

    swapped, _ = corrupted(swap_categories, 1.0, letters)

    of_a = swapped["letter"][:3000].value_counts(normalize=True)
    assert of_a["b"] == pytest.approx(0.9, abs=0.03)
    assert "a" not in of_a


def test_a_shift_moves_all_rows_of_one_column_alike(frame):
    shifted, _ = corrupted(shift_column, 2.0, frame)

    before, after = as_pandas(frame), as_pandas(shifted)
    moved = [
        name for name in before if not before[name].equals(after[name].astype(before[name].dtype))
    ]
    (name,) = moved
    offset = (after[name] - before[name]).dropna().abs()
    assert_allclose(offset, offset.iloc[0])
    assert offset.iloc[0] == pytest.approx(2 * before[name].std(ddof=0), abs=0.5)


def test_a_tail_holds_the_highest_rows_of_a_column(frame):
    tail, rows = corrupted(take_upper_tail, 0.9, frame)

    table, kept = as_pandas(frame), as_pandas(tail)
    assert kept.reset_index(drop=True).equals(table.iloc[rows].reset_index(drop=True))
    lowest = [kept[name].min() >= table[name].drop(rows).max() for name in ("age", "children")]
    assert sum(lowest) == 1


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_weaker_corruption_is_part_of_a_stronger_one(name):
    before = mixed_table(N_ROWS)[0]
    weak, strong = (corrupted(CORRUPTIONS[name].corrupt, each) for each in (0.2, 0.9))

    if name == "tail":
        assert set(strong[1]) < set(weak[1])
        return
    changed = [
        before.astype(object).ne(each[0].astype(object)) & before.notna() for each in (weak, strong)
    ]
    assert (changed[0] <= changed[1]).mean(axis=None) > 0.99  # rounding may undo a whole number
    assert changed[0].sum(axis=None) > 0


def test_images_keep_their_shape_and_their_dtype():
    images = np.random.RandomState(0).random_sample((20, 1, 4, 4)).astype(np.float32)
    table = CorruptibleTable(images, "from_dtype")

    for corruption in (add_noise, remove_cells, shift_column, take_upper_tail):
        changed, _ = corruption(table, 0.5, np.random.RandomState(0))
        assert changed.shape[1:] == (1, 4, 4)
        assert changed.dtype == np.float32


def test_integers_of_an_array_become_floats_that_may_be_missing():
    counts = np.arange(60).reshape(20, 3)

    holed, _ = remove_cells(CorruptibleTable(counts, None), 0.5, np.random.RandomState(0))

    assert holed.dtype == np.float64
    assert np.isnan(holed).any()


def test_codes_of_categories_in_an_array_stay_codes():
    codes = np.random.RandomState(0).choice([3.0, 7.0, 40.0], (200, 2))
    table = CorruptibleTable(codes, [0])

    swapped, _ = swap_categories(table, 1.0, np.random.RandomState(0))
    holed, _ = remove_cells(table, 0.2, np.random.RandomState(0))

    assert (swapped[:, 0] != codes[:, 0]).all()
    assert set(np.unique(swapped[:, 0])) == set(np.unique(holed[:, 0])[:3]) == {3, 7, 40}
    assert_array_equal(swapped[:, 1], codes[:, 1])


def test_columns_whose_cells_are_all_alike_are_not_corrupted():
    table = CorruptibleTable(pd.DataFrame({"a": [1.0, 1.0], "b": ["x", "x"]}), "from_dtype")

    assert table.numbers == table.swappable == []


@pytest.mark.parametrize("dtype", ["Int64", "int8", "uint8", "float32", "boolean", "string"])
def test_every_dtype_of_a_column_can_be_corrupted(dtype):
    values = ["1", "0", "1", "1"] if dtype == "string" else [1, 0, 1, 1]
    frame = pd.DataFrame({"a": pd.array(values, dtype=dtype), "b": [0.5, 1.5, 2.5, 3.5]})

    for corruption in CORRUPTIONS.values():
        if len(corruption.columns(CorruptibleTable(frame, "from_dtype"))):
            changed, _ = corrupted(corruption.corrupt, 0.9, frame)
            assert list(changed.columns) == ["a", "b"]
    assert frame["a"].dtype == dtype
