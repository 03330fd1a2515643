"""Where the benchmarks' data come from, without network and without a folder of data."""

import sys
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import common


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """No folder of data, and a `fetch_openml` that returns a small table; what it was asked."""
    calls = []

    def fetch(**arguments):
        calls.append(arguments)
        rng = np.random.default_rng(0)
        X = pd.DataFrame(
            {
                "encounter_id": np.arange(100),
                "patient_nbr": np.arange(100),
                "admission_type_id": rng.integers(1, 4, 100),
                "discharge_disposition_id": rng.integers(1, 4, 100),
                "admission_source_id": rng.integers(1, 4, 100),
                "weight": rng.normal(size=100),
                "race": rng.choice(["a", "b", "?"], 100),
            }
        )
        return Bunch(data=X, target=pd.Series(rng.choice(["no", "yes"], 100), dtype="category"))

    monkeypatch.setattr(common, "DATA", tmp_path / "none")
    monkeypatch.delenv("SKDISTILL_DATA", raising=False)
    monkeypatch.setattr(common.datasets, "fetch_openml", fetch)
    return calls


def test_a_set_from_openml_is_split_as_promised(asked):
    X_train, X_test, y_train, y_test = common.load_split("diabetes130", seed=0)

    assert asked == [{"data_id": 4541, "as_frame": True}]
    assert X_train.shape == (70, 5)
    assert X_test.shape == (30, 5)
    assert len(y_train) == 70
    assert set(y_test) == {"no", "yes"}


def test_a_set_from_openml_is_cut_to_as_many_training_rows_as_asked_for(asked):
    X_train, X_test, y_train, _ = common.load_split("diabetes130", seed=0, rows=20)

    assert (len(X_train), len(y_train), len(X_test)) == (20, 20, 30)


@pytest.mark.usefixtures("asked")
def test_text_and_coded_columns_from_openml_are_categories_and_question_marks_missing():
    X, _ = common.from_openml("diabetes130")

    assert [str(dtype) for dtype in X.dtypes] == ["category"] * 3 + ["float64", "category"]
    assert set(X["race"].cat.categories) == {"a", "b"}
    assert X["race"].isna().any()


@pytest.mark.usefixtures("asked")
def test_labels_from_openml_are_no_pandas_categories():
    _, y = common.from_openml("diabetes130")

    assert y.dtype != "category"


@pytest.mark.usefixtures("asked")
def test_at_most_so_many_rows_of_a_set_from_openml_are_used(monkeypatch):
    monkeypatch.setattr(common, "MOST_ROWS", 50)

    X, y = common.from_openml("diabetes130")

    assert (len(X), len(y)) == (50, 50)


@pytest.mark.usefixtures("asked")
def test_a_set_whose_target_is_a_number_is_split_without_strata(monkeypatch):
    table = Bunch(data=pd.DataFrame({"x": np.arange(50.0)}), target=pd.Series(np.arange(50)))
    monkeypatch.setattr(common.datasets, "fetch_openml", lambda **_: table)

    _, _, y_train, y_test = common.load_split("houses", seed=0, rows=20)

    assert (len(y_train), len(y_test)) == (20, 15)
    assert y_train.dtype == float


@pytest.mark.usefixtures("asked")
def test_without_network_the_error_says_what_was_tried_and_what_to_set(monkeypatch):
    def unreachable(**arguments):
        raise URLError("no network")

    monkeypatch.setattr(common.datasets, "fetch_openml", unreachable)

    with pytest.raises(
        SystemExit, match=r"adult: fetch_openml\(data_id=1590\).*no network"
    ) as raised:
        common.load_split("adult", seed=0)
    assert "set SKDISTILL_DATA to a folder with load.py" in str(raised.value)


def test_a_set_without_a_known_id_is_named_and_not_looked_for(asked):
    with pytest.raises(SystemExit, match=r"otto has no known OpenML id.*set SKDISTILL_DATA"):
        common.load_split("otto", seed=0)
    assert not asked


@pytest.mark.usefixtures("asked")
def test_the_default_sets_are_those_that_are_found():
    assert common.available(["wine", "otto", "adult"]) == ["wine", "adult"]


def test_bundled_sets_need_no_openml(asked):
    X_train, *_ = common.load_split("wine", seed=0, rows=60)

    assert X_train.shape == (60, 13)
    assert not asked


def test_a_data_folder_that_is_named_must_have_a_loader(monkeypatch, tmp_path):
    monkeypatch.setattr(common, "DATA", tmp_path)
    monkeypatch.setenv("SKDISTILL_DATA", str(tmp_path))

    with pytest.raises(SystemExit, match=r"no load\.py in "):
        common.load_split("adult", seed=0)
    with pytest.raises(SystemExit, match=r"no load\.py in "):
        common.available(["adult"])
