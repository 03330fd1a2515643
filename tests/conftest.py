"""Fixtures that several files share; two cores, small nets: one thread is faster than two."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
import pytest
import torch

from tests.integrations import Integration, is_installed
from tests.small import Spy

torch.set_num_threads(1)

# The data sets of the benchmarks: beside the repository, or wherever one says.
DATA = Path(os.environ.get("SKDISTILL_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    for marker in item.iter_markers("integration"):
        row = Integration(*marker.args, **marker.kwargs)
        if not is_installed(row.package):
            pytest.skip(f"{row.library} is not installed: pip install {row.package}")
    if item.get_closest_marker("fresh") and "SKDISTILL_FRESH" not in os.environ:
        pytest.skip("installs packages for minutes: run make serving")


@pytest.fixture
def spy(monkeypatch):
    """A teacher whose records, and those of its clones, are those of this test."""
    monkeypatch.setattr(Spy, "fitted_on", [])
    monkeypatch.setattr(Spy, "asked_about", [])
    return Spy()


@pytest.fixture
def log(tmp_path):
    """Where `LoggedTree` writes that it was fitted."""
    return str(tmp_path / "fits.txt")


@pytest.fixture(scope="session")
def real_rows():
    """Some rows of a real data set by its name, as (X, y)."""

    def read(name, n_samples):
        path = DATA / f"{name}.parquet"
        if not path.exists():
            pytest.skip(f"no {path}: set SKDISTILL_DATA to the folder of the data sets")
        frame = pd.read_parquet(path).sample(n_samples, random_state=0)
        return frame.drop(columns="target"), frame["target"]

    return read
