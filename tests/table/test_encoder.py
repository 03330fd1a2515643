import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix, issparse
from sklearn.utils import get_tags

from skdistill import TableEncoder
from skdistill.table.encoder import categorical_mask
from tests.small import mixed_table

NAN = np.nan


def test_numbers_stay_and_categories_become_their_ranks():
    frame = pd.DataFrame({"n": [3.5, 1.0, 2.0], "c": ["b", "a", "c"]})

    encoded = TableEncoder().fit_transform(frame)

    assert_array_equal(encoded, [[3.5, 1], [1.0, 0], [2.0, 2]])


@pytest.mark.parametrize("missing", [None, NAN, pd.NA], ids=["None", "NaN", "NA"])
def test_whatever_stands_for_missing_becomes_nan(missing):
    frame = pd.DataFrame({"c": pd.Series(["b", missing, "a"], dtype=object)})

    assert_array_equal(TableEncoder().fit_transform(frame), [[1], [NAN], [0]])


def test_a_category_first_seen_later_becomes_nan():
    encoder = TableEncoder().fit(pd.DataFrame({"c": ["b", "a"]}))

    assert_array_equal(encoder.transform(pd.DataFrame({"c": ["z", "a"]})), [[NAN], [0]])


@pytest.mark.parametrize("dtype", ["object", "str", "category", "string"])
def test_it_does_not_matter_how_pandas_keeps_a_category(dtype):
    column = pd.Series(["b", None, "a", "b"], dtype=dtype)

    encoded = TableEncoder().fit_transform(pd.DataFrame({"c": column}))

    assert_array_equal(encoded, [[1], [NAN], [0], [1]])


def test_a_category_encodes_the_same_whatever_the_order_of_its_categories():
    fitted = TableEncoder().fit(pd.DataFrame({"c": pd.Categorical(["a", "b"])}))
    reordered = pd.Categorical(["a", "b"], categories=["z", "b", "a"])

    assert_array_equal(fitted.transform(pd.DataFrame({"c": reordered})), [[0], [1]])


@pytest.mark.parametrize("dtype", ["int64", "float32", "bool", "Int64", "Float64", "boolean"])
def test_columns_of_numbers_are_no_categories(dtype):
    frame = pd.DataFrame({"n": pd.Series([0, 1, 1]).astype(dtype)})

    encoder = TableEncoder().fit(frame)

    assert not encoder.is_categorical_.any()
    assert_array_equal(encoder.transform(frame), [[0], [1], [1]])


def test_the_gaps_of_a_nullable_column_become_nan():
    frame = pd.DataFrame({"n": pd.Series([1, None, 3], dtype="Int64")})

    assert_array_equal(TableEncoder().fit_transform(frame), [[1], [NAN], [3]])


def test_an_array_has_categories_only_where_told():
    X = np.array([[7.0, 1.5], [3.0, 2.5], [7.0, 3.5]])

    assert_array_equal(TableEncoder().fit_transform(X), X)
    assert_array_equal(TableEncoder([0]).fit_transform(X)[:, 0], [1, 0, 1])


def test_strings_of_an_object_array_are_categories_where_told():
    X = np.array([["b", 1.5], ["a", 2.5]], dtype=object)

    assert_array_equal(TableEncoder([0]).fit_transform(X), [[1, 1.5], [0, 2.5]])


@pytest.mark.parametrize("told", [[0, 2], [True, False, True], ["a", "c"]], ids=str)
def test_categories_can_be_told_by_index_mask_or_name(told):
    frame = pd.DataFrame({"a": [1], "b": [2], "c": [3]})

    assert_array_equal(categorical_mask(frame, told), [True, False, True])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([3], "categorical_features names column 3, but X has columns 0 to 2"),
        ([-1], "categorical_features names column -1"),
        (["d"], "categorical_features names column 'd', which X does not have"),
        ([True], "categorical_features is a mask of shape .1,., but X has 3 columns"),
        ("all", "categorical_features must be 'from_dtype', None, or an array .* got 'all'"),
    ],
)
def test_a_category_that_is_no_column_is_refused(told, message):
    with pytest.raises(ValueError, match=message):
        categorical_mask(pd.DataFrame({"a": [1], "b": [2], "c": [3]}), told)


def test_the_name_of_a_column_is_refused_where_columns_have_no_names():
    with pytest.raises(
        ValueError, match=r"names column 'a'.*an array, whose columns have no names"
    ):
        categorical_mask(np.zeros((2, 3)), ["a"])


def test_infinity_is_refused_with_the_name_of_its_column():
    encoder = TableEncoder().fit(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))

    with pytest.raises(ValueError, match="infinity in column 'b'"):
        encoder.transform(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.inf]}))


def test_strings_in_a_column_of_numbers_are_refused_with_its_name():
    encoder = TableEncoder().fit(pd.DataFrame({"a": [1.0, 2.0]}))

    with pytest.raises(ValueError, match="Column 'a' held numbers at fit and now is of dtype"):
        encoder.transform(pd.DataFrame({"a": ["x", "y"]}))


def test_an_encoder_comes_back_from_a_pickle():
    X, _ = mixed_table()
    encoder = TableEncoder().fit(X)

    again = pickle.loads(pickle.dumps(encoder))

    assert_array_equal(again.transform(X), encoder.transform(X))


def test_encoding_leaves_the_table_as_it_was():
    X, _ = mixed_table()
    before = X.copy()

    TableEncoder().fit_transform(X)

    pd.testing.assert_frame_equal(X, before)


def test_a_long_category_does_not_make_the_others_as_long():
    words = [f"word{i}" for i in range(500)] + [100_000 * "x"]
    encoder = TableEncoder().fit(pd.DataFrame({"c": words}))

    assert len(pickle.dumps(encoder)) < 2 * sum(map(len, words))


def test_strings_keep_what_numpy_would_strip():
    encoder = TableEncoder().fit(pd.DataFrame({"c": ["a", "a\0"]}))

    assert encoder.categories_[0].tolist() == ["a", "a\0"]


def test_a_pickle_holds_each_category_once():
    encoder = TableEncoder().fit(pd.DataFrame({"c": [f"word{i}" for i in range(1000)]}))

    assert len(pickle.dumps(encoder)) < len(pickle.dumps(encoder.categories_)) + 1000


def test_an_encoder_is_built_from_the_mask_and_the_categories_of_another():
    X, _ = mixed_table()
    encoder = TableEncoder().fit(X)

    again = TableEncoder.from_categories(encoder.is_categorical_, encoder.categories_)

    assert_array_equal(again.transform(X.to_numpy()), encoder.transform(X))
    assert_array_equal(again.categorical_features, encoder.is_categorical_)
    assert again.n_features_in_ == 4
    assert again.n_categories_.tolist() == [0, 0, 3, 0]


def test_numbers_of_categories_are_integers():
    assert TableEncoder([0]).fit(np.eye(3)).n_categories_.dtype == int


def test_sparse_rows_stay_sparse_and_have_no_categories():
    X = csr_matrix(np.eye(3))

    encoded = TableEncoder().fit_transform(X)

    assert issparse(encoded)
    assert_array_equal(encoded.toarray(), np.eye(3))
    with pytest.raises(ValueError, match="categorical_features names columns of a sparse X"):
        categorical_mask(X, [0])


def test_checked_rows_are_encoded_like_others():
    X = np.array([[7.0, 1.5], [3.0, NAN], [7.0, 3.5]])
    categorical, numeric = TableEncoder([0]).fit(X), TableEncoder().fit(X)

    assert_array_equal(categorical.encode(X, checked=True), [[1, 1.5], [0, NAN], [1, 3.5]])
    assert numeric.encode(X, checked=True) is X


def test_rows_must_have_the_columns_of_fit():
    encoder = TableEncoder().fit(np.eye(3))

    with pytest.raises(ValueError, match="X has 2 features, but TableEncoder is expecting 3"):
        encoder.transform(np.eye(2))


def test_scikit_learn_is_told_what_it_takes():
    tags = get_tags(TableEncoder()).input_tags

    assert tags.allow_nan
    assert tags.sparse
    assert tags.three_d_array
    assert tags.categorical
    assert tags.string


def test_dates_are_refused_with_the_name_and_the_dtype_of_their_column():
    frame = pd.DataFrame({"n": [1, 2], "when": pd.to_datetime(["2024-01-01", "2024-01-02"])})

    with pytest.raises(ValueError, match=r"Column 'when' holds dates.* Its dtype is datetime64"):
        TableEncoder().fit(frame)


def test_categories_of_several_kinds_are_refused_with_the_name_of_their_column():
    frame = pd.DataFrame({"n": [1, 2], "odd": pd.Series([1, "a"], dtype=object)})

    with pytest.raises(ValueError, match="column 'odd' holds int and str"):
        TableEncoder().fit(frame)


def test_numbers_in_a_column_of_strings_are_refused_unless_they_are_missing():
    encoder = TableEncoder().fit(pd.DataFrame({"c": ["a", "b"]}))

    with pytest.raises(ValueError, match="Column 'c' held strings at fit and now is of dtype int"):
        encoder.transform(pd.DataFrame({"c": [1, 2]}))
    assert_array_equal(encoder.transform(pd.DataFrame({"c": [NAN, NAN]})), [[NAN], [NAN]])


def test_what_is_missing_in_an_object_array_becomes_nan():
    X = np.array([[1, pd.NA], [None, 2.5]], dtype=object)

    assert_array_equal(TableEncoder().fit(np.eye(2)).transform(X), [[1, NAN], [NAN, 2.5]])
    assert_array_equal(TableEncoder([0]).fit_transform(X), [[0, NAN], [NAN, 2.5]])


class LeavesAFlag(float):
    """A number whose comparison computes inf - inf, as any Python code may meanwhile."""

    def __ne__(self, other):
        infinity = float("inf")
        return infinity - infinity == 0


def test_arithmetic_of_others_is_not_warned_of():
    X = np.array([[LeavesAFlag(1)], [LeavesAFlag(2)]], dtype=object)

    assert_array_equal(TableEncoder().fit_transform(X), [[1], [2]])


def test_arrays_of_integers_become_floats():
    encoded = TableEncoder().fit_transform(np.array([[1, 2], [3, 4]]))

    assert encoded.dtype == np.float64


def test_a_number_missing_beside_categories_stays_missing():
    X = np.array([[1.0, NAN], [2.0, 3.0]])

    assert_array_equal(TableEncoder([0]).fit_transform(X), [[0, NAN], [1, 3.0]])


def test_an_array_may_hold_categories_only():
    X = np.array([[7.0, 5.0], [3.0, 6.0]])

    assert_array_equal(TableEncoder([0, 1]).fit_transform(X), [[1, 0], [0, 1]])


def test_a_string_in_an_object_array_of_numbers_is_refused_with_its_column():
    encoder = TableEncoder([0]).fit(np.array([["a", 1, 2], ["b", 3, 4]], dtype=object))

    with pytest.raises(ValueError, match="Column 2 of X has 'x'"):
        encoder.transform(np.array([["a", 1, "x"]], dtype=object))


def test_strings_are_refused_in_any_column_of_numbers():
    encoder = TableEncoder().fit(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))

    with pytest.raises(ValueError, match=r"Column 'b' held numbers at fit.* and has 'x'"):
        encoder.transform(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}))


def test_numbers_whose_sum_is_infinite_are_finite():
    frame = pd.DataFrame({"a": [1.7e308, 1.7e308]})

    assert_array_equal(TableEncoder().fit_transform(frame), frame)


def test_two_infinities_that_cancel_out_are_refused_with_their_column():
    encoder = TableEncoder().fit(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))

    with pytest.raises(ValueError, match="infinity in column 'b'"):
        encoder.transform(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [np.inf, -np.inf, 1.0]}))


def test_two_infinities_that_cancel_out_are_refused_in_an_object_array_too():
    encoder = TableEncoder([0]).fit(np.array([["a", 1.0], ["b", 2.0]], dtype=object))

    with pytest.raises(ValueError, match="contains infinity"):
        encoder.transform(np.array([["a", np.inf], ["b", -np.inf]], dtype=object))
