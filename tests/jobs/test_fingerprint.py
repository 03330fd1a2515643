"""A fingerprint follows what a value holds, and nothing else."""

import importlib
import linecache
import sys
from collections import Counter

import pytest
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import DistillationLoss, StudentMLP, StudentNet
from tests.small import (
    numeric_rows,
)


def test_another_version_of_a_teachers_library_is_other_work(monkeypatch):
    from xgboost import XGBClassifier

    before = skdistill.jobs.fingerprint.fingerprint(XGBClassifier())
    monkeypatch.setattr(sys.modules["xgboost"], "__version__", "99.0")

    assert skdistill.jobs.fingerprint.fingerprint(XGBClassifier()) != before


def test_another_fitted_model_within_a_dict_is_other_work():
    X, y = numeric_rows()
    trees = [DecisionTreeClassifier(random_state=0).fit(X, labels) for labels in (y, y[::-1])]

    one, other, again = (
        skdistill.jobs.fingerprint.fingerprint(FunctionTransformer(kw_args={"model": tree}))
        for tree in (*trees, clone(trees[0]).fit(X, y))
    )

    assert one == again != other


def test_a_class_whose_base_class_was_edited_is_other_work(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    said = []
    for slope in (1, 1, 2):
        (tmp_path / "bases.py").write_text(f"class Base:\n    slope = {slope}\n")
        (tmp_path / "nets_of_mine.py").write_text(
            "from bases import Base\nclass Child(Base):\n    pass\n"
        )
        for name in ("bases", "nets_of_mine"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        linecache.clearcache()
        child = importlib.import_module("nets_of_mine").Child
        said.append(skdistill.jobs.fingerprint.fingerprint(child))

    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize("kind", [StudentNet, StudentMLP, DistillationLoss, Counter])
def test_no_source_is_read_of_what_has_a_version(monkeypatch, kind):
    def getsource(thing):
        raise AssertionError(f"the source of {thing} was read, which takes long")

    monkeypatch.setattr(skdistill.jobs.fingerprint.inspect, "getsource", getsource)

    assert skdistill.jobs.fingerprint.fingerprint(kind) == skdistill.jobs.fingerprint.fingerprint(
        kind
    )
