"""Every kind of table: polars beside pandas, nullable and pyarrow columns, odd columns."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import OnnxStudent, TableClassifier, TableEncoder
from skdistill.jobs.fingerprint import fingerprint
from skdistill.transfer.munge import Munge
from tests.small import (
    mixed_table,
    numeric_rows,
    quick_classifier,
    quick_student,
    small_default_classifier,
)

X, Y = mixed_table(80)
N = len(X)
COINS = np.random.RandomState(1).randint(0, 3, N)


def both_kinds():
    """One table of each kind of column, as a pandas and as a polars frame."""
    rng = np.random.RandomState(0)
    city = X["city"].astype(object).where(X["city"].notna(), None).tolist()
    size = rng.choice(["small", "big"], N).tolist()
    count = [None if i % 9 == 4 else int(c) for i, c in enumerate(COINS)]
    member = [None if i % 10 == 2 else bool(b) for i, b in enumerate(X["member"])]
    gaps = X["age"].to_numpy()
    single = rng.normal(size=N).astype(np.float32)
    of_pandas = pd.DataFrame(
        {
            "gaps": gaps,
            "single": single,
            "count": pd.array(count, dtype="Int64"),
            "member": pd.array(member, dtype="boolean"),
            "word": pd.Series(city, dtype="str"),
            "level": pd.Categorical(city),
            "size": pd.Categorical(size, categories=["small", "big", "none"], ordered=True),
            "whole": COINS.astype(np.int8),
        }
    )
    of_polars = pl.DataFrame(
        {
            # NaN and null in one column.
            "gaps": pl.Series([None if i == 7 else g for i, g in enumerate(gaps.tolist())]),
            "single": pl.Series(single),
            "count": pl.Series(count, dtype=pl.Int16),
            "member": pl.Series(member, dtype=pl.Boolean),
            "word": pl.Series(city, dtype=pl.String),
            "level": pl.Series(city, dtype=pl.Categorical),
            "size": pl.Series(size, dtype=pl.Enum(["small", "big", "none"])),
            "whole": pl.Series(COINS, dtype=pl.Int8),
        }
    )
    return of_pandas, of_polars


PANDAS, POLARS = both_kinds()


@pytest.fixture(scope="module")
def of_both():
    """The same classifier fitted on either frame."""
    return [quick_classifier(augmenter="munge").fit(frame, Y) for frame in (PANDAS, POLARS)]


def test_a_polars_frame_gives_the_student_of_the_same_pandas_frame(of_both):
    of_pandas, of_polars = of_both

    assert np.isnan(POLARS["gaps"].to_numpy()).sum() > POLARS["gaps"].null_count() > 0
    assert of_pandas.teacher_scores_ == of_polars.teacher_scores_
    assert_array_equal(of_polars.predict_proba(POLARS), of_pandas.predict_proba(PANDAS))


@pytest.mark.parametrize("rows", [1, 20, N])
def test_either_frame_can_be_asked_of_either_student(of_both, rows):
    of_pandas, of_polars = of_both

    expected = of_pandas.predict_proba(PANDAS.head(rows))

    assert_array_equal(of_pandas.predict_proba(POLARS.head(rows)), expected)
    assert_array_equal(of_polars.predict_proba(PANDAS.head(rows)), expected)
    assert_array_equal(of_polars.predict(POLARS.head(rows)), of_polars.classes_[expected.argmax(1)])


def test_more_rows_than_go_through_the_net_at_once_are_predicted_alike(of_both):
    of_pandas, of_polars = of_both

    many = pl.concat([POLARS] * 10)

    assert_allclose(
        of_polars.predict_proba(many),
        np.tile(of_pandas.predict_proba(PANDAS), (10, 1)),
        rtol=0, atol=1e-6,
    )  # fmt: skip


def test_the_names_of_a_polars_frames_columns_are_kept(of_both):
    assert_array_equal(of_both[1].feature_names_in_, POLARS.columns)


def test_polars_columns_in_another_order_are_refused(of_both):
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        of_both[1].predict(POLARS[:, ::-1])


def test_a_category_of_polars_first_seen_later_counts_as_missing(of_both):
    quito = POLARS.with_columns(pl.lit("Quito").alias("word"))
    missing = POLARS.with_columns(pl.lit(None, dtype=pl.String).alias("word"))

    assert_array_equal(of_both[1].predict_proba(quito), of_both[1].predict_proba(missing))


@pytest.mark.parametrize("frame", [PANDAS, POLARS], ids=["pandas", "polars"])
def test_teachers_get_the_frame_as_it_was_given_and_synthetic_rows_like_it(frame, spy):
    quick_classifier([("notes", spy)], augmenter="munge", keep_teachers=True).fit(frame, Y)

    given = [X for X, _, _ in spy.fitted_on] + spy.asked_about
    # Each is fitted on a table, two folds' are asked twice and that of all rows once.
    assert len(given) == 8
    assert {type(X) for X in given} == {type(frame)}
    assert all(list(X.dtypes) == list(frame.dtypes) for X in given)


def test_munge_draws_the_same_rows_of_either_frame():
    of_pandas = Munge().fit(PANDAS).sample(50, 0)
    of_polars = Munge().fit(POLARS).sample(50, 0)

    assert of_polars.schema == POLARS.schema
    assert_array_equal(
        TableEncoder().fit(PANDAS).transform(of_pandas),
        TableEncoder().fit(POLARS).transform(of_polars),
    )


@pytest.mark.parametrize("dtype", ["float32", "Float32", "Float64", "double[pyarrow]"])
def test_munge_keeps_the_dtype_of_a_column_between_whose_values_it_draws(dtype):
    frame = X[["age"]].astype(dtype)

    rows = Munge().fit(frame).sample(50, 0)

    assert_array_equal(rows.dtypes, frame.dtypes)
    assert not set(rows["age"].dropna()) <= set(frame["age"].dropna())


@pytest.mark.integration("polars", "DataFrames", package="polars")
def test_the_default_teachers_take_polars():
    of_pandas, of_polars = (
        small_default_classifier(keep_teachers=True).fit(frame, Y) for frame in (PANDAS, POLARS)
    )

    assert_array_equal(of_polars.predict_proba(POLARS), of_pandas.predict_proba(PANDAS))
    assert_allclose(
        of_polars.teacher_.predict_proba(POLARS), of_pandas.teacher_.predict_proba(PANDAS)
    )


def test_a_pipeline_that_picks_columns_by_name_can_teach_on_polars():
    # As doubles, of which a scaler makes float32 from pandas and leaves them from polars.
    scaled = make_pipeline(
        FunctionTransformer(np.asarray, kw_args={"dtype": float}), StandardScaler()
    )
    picked = ColumnTransformer(
        [
            ("numbers", scaled, ["single", "whole"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["word", "size"]),
        ]
    )
    teachers = [("line", make_pipeline(picked, LogisticRegression()))]

    of_pandas, of_polars = (
        quick_classifier(teachers, augmenter="munge", keep_teachers=True).fit(frame, Y)
        for frame in (PANDAS, POLARS)
    )

    assert_allclose(
        of_polars.teacher_.predict_proba(POLARS),
        of_pandas.teacher_.predict_proba(PANDAS),
        rtol=0,
        atol=1e-6,
    )
    assert_allclose(
        of_polars.predict_proba(POLARS), of_pandas.predict_proba(PANDAS), rtol=0, atol=1e-6
    )


def test_rows_without_labels_can_be_polars_frames():
    of_pandas, of_polars = (
        quick_classifier().fit(frame[:60], Y[:60], X_unlabeled=frame[60:])
        for frame in (PANDAS, POLARS)
    )

    assert_array_equal(of_polars.predict_proba(POLARS), of_pandas.predict_proba(PANDAS))


def test_the_encoder_gives_polars_where_asked():
    encoded = TableEncoder().set_output(transform="polars").fit_transform(POLARS)

    assert encoded.columns == POLARS.columns
    assert_array_equal(encoded.to_numpy(), TableEncoder().fit_transform(PANDAS))


def test_a_polars_frame_can_be_cross_validated():
    scores = [
        cross_val_score(quick_classifier(), frame, Y, cv=2, scoring="neg_log_loss")
        for frame in (PANDAS, POLARS)
    ]

    assert_array_equal(scores[0], scores[1])


@pytest.mark.parametrize("told", [["whole"], [7], np.arange(8) == 7], ids=["name", "index", "mask"])
@pytest.mark.parametrize("frame", [PANDAS, POLARS], ids=["pandas", "polars"])
def test_whole_numbers_are_categories_where_told(frame, told):
    columns = ["gaps", "single", "count", "member", "whole"]
    frame = frame[columns]
    told = np.arange(5) == 4 if isinstance(told, np.ndarray) else [4] if told == [7] else told

    clf = quick_classifier(augmenter="munge", categorical_features=told).fit(frame, Y)

    assert_array_equal(clf.inputs_.encoder.categories_[0], [0, 1, 2])
    assert np.isfinite(clf.predict_proba(frame)).all()


def test_an_onnx_student_is_asked_with_polars(of_both, tmp_path):
    student = OnnxStudent(of_both[1].to_onnx())

    assert_allclose(student.predict_proba(POLARS), of_both[1].predict_proba(POLARS), atol=1e-5)


def test_an_onnx_student_of_numbers_is_asked_with_polars_and_with_nullable_columns():
    columns = ["gaps", "count", "member"]
    clf = quick_classifier().fit(PANDAS[columns], Y)
    student = OnnxStudent(clf.to_onnx())

    for frame in (PANDAS, POLARS):
        expected = clf.predict_proba(frame[columns])
        assert_allclose(student.predict_proba(frame[columns]), expected, atol=1e-5)


def test_the_fingerprint_of_a_polars_frame_is_that_of_its_content():
    again = both_kinds()[1]

    assert fingerprint(again) == fingerprint(POLARS)
    assert fingerprint(pl.concat([POLARS[:30], POLARS[30:]], rechunk=False)) == fingerprint(POLARS)
    assert fingerprint(POLARS["word"]) != fingerprint(POLARS["level"])


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.with_columns(pl.col("whole") + 1),
        lambda frame: frame.with_columns(pl.col("whole").cast(pl.Int16)),
        lambda frame: frame.with_columns(pl.col("gaps").fill_nan(None)),
        lambda frame: frame.with_columns(pl.col("word").fill_null("")),
        lambda frame: frame.rename({"word": "town"}),
        lambda frame: frame[::-1],
        lambda frame: frame[:, ::-1],
        lambda frame: frame.to_pandas(),
    ],
    ids=["values", "dtype", "NaN and null", "null", "name", "rows", "columns", "library"],
)
def test_another_polars_frame_has_another_fingerprint(change):
    assert fingerprint(change(POLARS)) != fingerprint(POLARS)


def test_memory_finds_the_teachers_of_a_polars_frame_again(tmp_path, spy):
    params = {"augmenter": "munge", "memory": tmp_path}
    first = quick_classifier([("notes", spy)], **params).fit(POLARS, Y)
    assert spy.fitted_on
    spy.fitted_on.clear()
    spy.asked_about.clear()

    again = quick_classifier([("notes", spy)], **params).fit(both_kinds()[1], Y)

    assert not spy.fitted_on
    assert not spy.asked_about
    assert_array_equal(again.predict_proba(POLARS), first.predict_proba(POLARS))


def test_a_lazy_frame_is_refused():
    with pytest.raises(TypeError, match=r"X is a LazyFrame.*collect\(\)"):
        quick_classifier().fit(POLARS.lazy(), Y)


def test_weights_of_rows_can_be_a_polars_series():
    weight = np.linspace(1, 2, N)

    of_array = quick_classifier().fit(X, Y, weight)
    of_series = quick_classifier().fit(X, Y, pl.Series(weight))

    assert_array_equal(of_series.predict_proba(X), of_array.predict_proba(X))


def arrow(values, dtype):
    return pd.Series(pa.array(values, type=dtype), dtype=pd.ArrowDtype(dtype))


WORDS = X["city"].astype(object).where(X["city"].notna(), None).tolist()
NUMBERS = [None if i % 9 == 4 else int(c) for i, c in enumerate(COINS)]
BOOLEANS = [None if c is None else c > 0 for c in NUMBERS]
SAME_COLUMN = {
    "numbers": (
        pd.Series(NUMBERS, dtype="float64"),
        [
            pd.Series(NUMBERS, dtype="Int64"),
            pd.Series(NUMBERS, dtype="Float64"),
            pd.Series(NUMBERS, dtype="float16"),
            pd.Series(NUMBERS, dtype=object),
            pd.Series([None if n is None else Decimal(n) for n in NUMBERS], dtype=object),
            arrow([None if n is None else Decimal(n) for n in NUMBERS], pa.decimal128(5, 2)),
            arrow(NUMBERS, pa.int8()),
            arrow(NUMBERS, pa.float64()),
        ],
    ),
    "booleans": (
        pd.Series(BOOLEANS, dtype="boolean").astype("float64"),
        [
            pd.Series(BOOLEANS, dtype="boolean"),
            pd.Series(BOOLEANS, dtype=object),
            arrow(BOOLEANS, pa.bool_()),
        ],
    ),
    "words": (
        pd.Series(WORDS, dtype="category"),
        [
            pd.Series(WORDS, dtype="string"),
            pd.Series(WORDS, dtype=object),
            pd.Series([np.nan if w is None else w for w in WORDS], dtype=object),
            pd.Series(pd.Categorical(WORDS, categories=["Rome", "none", "Lima", "Oslo"])),
            pd.Series(pd.Categorical(WORDS, categories=["Rome", "Lima", "Oslo"], ordered=True)),
            arrow(WORDS, pa.string()),
            arrow(WORDS, pa.dictionary(pa.int32(), pa.string())),
        ],
    ),
    "levels that are numbers": (
        pd.Series(pd.Categorical(NUMBERS)),
        [
            pd.Series(pd.Categorical(NUMBERS, categories=[2, 1, 0, 9], ordered=True)),
            pd.Series(pd.array(NUMBERS, dtype="Int64").astype("category")),
        ],
    ),
}


def with_column(column):
    return X[["age"]].assign(column=column)


def student_of_column(column):
    student = quick_student(max_epochs=2)
    return quick_classifier(student=student, augmenter="munge").fit(with_column(column), Y)


@pytest.fixture(scope="module")
def of_plain(request):
    """The student of a plain column, by its kind, and what it predicts."""
    plain, _ = SAME_COLUMN[request.param]
    clf = student_of_column(plain)
    return clf, clf.predict_proba(with_column(plain))


@pytest.mark.parametrize(
    ("of_plain", "column"),
    [(kind, column) for kind, (_, columns) in SAME_COLUMN.items() for column in columns],
    indirect=["of_plain"],
    ids=[f"{kind}, {column.dtype}" for kind, (_, cs) in SAME_COLUMN.items() for column in cs],
)
@pytest.mark.integration("pandas", "columns of any dtype, pyarrow's too", package="pandas")
def test_it_does_not_matter_how_pandas_keeps_a_column(of_plain, column):
    clf, expected = of_plain
    other = with_column(column)

    assert_array_equal(clf.predict_proba(other), expected)
    assert_array_equal(student_of_column(column).predict_proba(other), expected)


def test_columns_named_by_integers_have_no_names():
    frame = pd.DataFrame(numeric_rows()[0])

    clf = quick_classifier(augmenter="munge").fit(frame, numeric_rows()[1])

    assert not hasattr(clf, "feature_names_in_")
    assert clf.predict_proba(frame).shape == (60, 3)


@pytest.mark.parametrize("names", [["a", "a"], [0, 0]])
def test_two_columns_of_one_name_are_refused(names):
    frame = pd.DataFrame(np.random.RandomState(0).normal(size=(N, 2)), columns=names)

    with pytest.raises(ValueError, match=f"X has 2 columns of the name {names[0]!r}: rename"):
        quick_classifier().fit(frame, Y)


def test_a_model_of_a_frame_predicts_for_an_array_with_a_warning():
    clf = quick_classifier().fit(X, Y)

    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        proba = clf.predict_proba(X.to_numpy(dtype=object))

    assert_array_equal(proba, clf.predict_proba(X))


OBJECTS = X.to_numpy(dtype=object)


@pytest.mark.parametrize(
    ("rows", "told"),
    [(OBJECTS, "from_dtype"), (OBJECTS, [3]), (pa.table(X), None)],
    ids=["array", "another is told", "pyarrow"],
)
def test_strings_in_an_array_are_refused_by_their_column(rows, told):
    with pytest.raises(ValueError, match=r"Column 2 of X has '\w+', .*: name it in categorical"):
        quick_classifier(categorical_features=told).fit(rows, Y)


def test_a_model_of_an_array_predicts_for_a_frame_with_a_warning():
    frame = X[["age", "children"]]
    clf = quick_classifier().fit(frame.to_numpy(), Y)

    with pytest.warns(UserWarning, match="X has feature names"):
        proba = clf.predict_proba(frame)

    assert_array_equal(proba, clf.predict_proba(frame.to_numpy()))


def loss_of(frame):
    clf = quick_classifier(student=quick_student(max_epochs=10), augmenter="munge")
    return log_loss(Y, clf.fit(frame, Y).predict_proba(frame))


@pytest.fixture(scope="module")
def loss_without():
    return loss_of(X)


@pytest.mark.parametrize(
    "column",
    [1.0, "one", np.nan, None, pd.array([pd.NA] * N, dtype="string"), pd.Categorical([None] * N)],
    ids=["number", "level", "NaN", "None", "NA", "no category"],
)
def test_a_column_that_says_nothing_changes_little(column, loss_without):
    assert loss_of(X.assign(empty=column)) < loss_without + 0.15


def test_strings_of_digits_are_categories_and_stay_so():
    frame = X.assign(code=pd.Series(COINS.astype(str), dtype=object))
    clf = quick_classifier().fit(frame, Y)

    assert_array_equal(clf.inputs_.encoder.categories_[1], ["0", "1", "2"])
    with pytest.raises(ValueError, match="Column 'code' held strings at fit and now is of dtype"):
        clf.predict(frame.assign(code=COINS))


def test_categories_that_are_all_missing_at_predict_are_no_error():
    clf = quick_classifier().fit(X, Y)

    missing = clf.predict_proba(X.assign(city=np.nan))

    assert_array_equal(missing, clf.predict_proba(X.assign(city=None)))


REFUSED = {
    "decimals as categories": (
        pd.Categorical([Decimal("1.5")] * N),
        "Column 'odd' holds Decimal: convert it to floats",
    ),
    "a number beyond floats": (
        pd.Series([10**400] * N, dtype=object),
        "column 'odd' has a number beyond 1.8e308",
    ),
    "complex numbers": (np.ones(N) + 1j, "Column 'odd' holds complex: convert it to floats"),
    "lists": ([[1, 2]] * N, "Column 'odd' holds a list in a cell: give each of its values"),
    "arrays": (
        arrow([[1, 2]] * N, pa.list_(pa.int8())),
        "Column 'odd' holds a ndarray in a cell",
    ),
    "lists of polars": (pl.Series([[1, 2]] * N), "Column 'odd' holds a list in a cell"),
    "structs of polars": (pl.Series([{"a": 1}] * N), "Column 'odd' holds a dict in a cell"),
    "dates as objects": ([date(2024, 1, 1)] * N, "Column 'odd' holds dates"),
    "dates of pyarrow": (arrow([date(2024, 1, 1)] * N, pa.date32()), "Column 'odd' holds dates"),
    "dates of polars": (pl.Series([date(2024, 1, 1)] * N), "Column 'odd' holds dates"),
    "durations": (pd.to_timedelta(COINS, unit="D"), "Column 'odd' holds dates"),
    "dates as categories": (
        pd.Categorical(pd.to_datetime(["2024-01-01", "2024-01-02"] * (N // 2))),
        "Column 'odd' holds dates",
    ),
    "strings among numbers": (
        pd.Series([1, "a"] * (N // 2), dtype=object),
        "column 'odd' holds int and str",
    ),
    "infinity": ([np.inf] * N, "infinity in column 'odd'"),
    "infinity, nullable": (pd.array([-np.inf] * N, dtype="Float64"), "infinity in column 'odd'"),
    "infinity of polars": (pl.Series([np.inf] * N), "infinity in column 'odd'"),
}


@pytest.mark.parametrize(("column", "message"), REFUSED.values(), ids=REFUSED)
def test_an_odd_column_is_refused_by_its_name(column, message):
    if isinstance(column, pl.Series):
        frame = POLARS.with_columns(column.alias("odd"))
    else:
        frame = X.assign(odd=column)

    with pytest.raises(ValueError, match=message):
        quick_classifier().fit(frame, Y)


@pytest.mark.parametrize("frame", [PANDAS, POLARS], ids=["pandas", "polars"])
def test_strings_that_are_not_told_are_refused_by_their_column(frame):
    with pytest.raises(ValueError, match=r"Column 'word' .* holds no numbers, and categorical"):
        TableEncoder(categorical_features=["size", "level"]).fit(frame)


def test_strings_of_polars_in_a_column_of_numbers_are_refused_by_its_name(of_both):
    with pytest.raises(ValueError, match="Column 'whole' held numbers at fit and now is of dtype"):
        of_both[1].predict(POLARS.with_columns(pl.lit("many").alias("whole")))


def shallow_trees():
    return [
        (f"depth{depth}", TableClassifier(DecisionTreeClassifier(max_depth=depth, random_state=0)))
        for depth in (3, 6)
    ]


@pytest.mark.parametrize(
    ("name", "column"), [("diabetes130", "diag_1"), ("adult", "capital-gain")], ids=str
)
def test_hundreds_of_categories_and_heavy_tails_are_trained_on(name, column, real_rows):
    X, y = real_rows(name, 3000)
    X, X_test, y, y_test = X[:2000], X[2000:], y[:2000], y[2000:]
    assert X[column].nunique() > 50
    student = quick_student(max_epochs=5)

    clf = quick_classifier(shallow_trees(), student, augmenter="munge").fit(X, y)

    shares = y.value_counts(normalize=True)[clf.classes_].to_numpy()
    of_shares = log_loss(y_test, np.tile(shares, (len(y_test), 1)), labels=clf.classes_)
    assert log_loss(y_test, clf.predict_proba(X_test), labels=clf.classes_) < of_shares
