import importlib.util
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from skdistill import DistilledClassifier, TableClassifier, default_teachers
from tests.small import mixed_table

OTHER_LIBRARIES = {"catboost": "catboost", "lgbm": "lightgbm"}
NAMES = [name for name, _ in default_teachers()]
NAMES += [name for name, library in OTHER_LIBRARIES.items() if importlib.util.find_spec(library)]


def quick_default_teacher(name):
    """One of the default teachers, made small."""
    effort = "high" if name in OTHER_LIBRARIES else "default"
    teacher = dict(default_teachers(effort))[name]
    return teacher.set_params(**small_parameters(teacher))


def small_parameters(teacher):
    small = {"n_estimators": 3, "net__max_epochs": 3, "random_state": 0}
    return {key: small[key] for key in small if key in teacher.get_params()}


def mixed_rows():
    """A mixed table with labels 0 and 1, which XGBoost insists on."""
    X, y = mixed_table()
    return X, (y == "yes").astype(int)


def test_default_teachers_are_a_forest_boosting_and_several_nets():
    kinds = [type(getattr(t, "classifier", t)).__name__ for _, t in default_teachers()]

    assert kinds[:2] == ["RandomForestClassifier", "XGBClassifier"]
    assert kinds.count("NetClassifier") >= 2


def test_default_teachers_are_new_each_time():
    for (_, one), (_, other) in zip(default_teachers(), default_teachers()):
        assert one is not other


@pytest.mark.parametrize("name", NAMES)
def test_a_default_teacher_takes_a_mixed_table_with_missing_values(name):
    X, y = mixed_rows()

    p = quick_default_teacher(name).fit(X, y).predict_proba(X)

    assert p.shape == (60, 2)
    assert_allclose(p.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_default_teacher_takes_a_category_and_a_gap_first_seen_at_predict(name):
    X, y = mixed_rows()
    teacher = quick_default_teacher(name).fit(X, y)
    new = X.head(2).astype({"city": object, "children": float, "member": float})
    new.loc[new.index[0], ["city", "children", "member"]] = ["Quito", np.nan, np.nan]

    assert np.isfinite(teacher.predict_proba(new)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_default_teacher_takes_sample_weights(name):
    X, y = mixed_rows()
    weight = np.where(y == 1, 1.0, 1e-3)

    plain = quick_default_teacher(name).fit(X, y).predict_proba(X)
    weighted = quick_default_teacher(name).fit(X, y, sample_weight=weight).predict_proba(X)

    assert weighted[:, 1].mean() > plain[:, 1].mean()


@pytest.mark.parametrize("name", NAMES)
def test_a_default_teacher_can_be_cloned_with_its_parameters(name):
    teacher = quick_default_teacher(name)

    params = clone(teacher).get_params()

    assert {key: params[key] for key in small_parameters(teacher)} == small_parameters(teacher)


def test_default_teachers_are_told_which_columns_are_categories():
    effort = "high" if set(OTHER_LIBRARIES) <= set(NAMES) else "default"
    for name, teacher in default_teachers(effort, categorical_features=[0]):
        assert teacher.get_params()["categorical_features"] == [0], name


def test_setting_a_parameter_of_a_clone_leaves_the_original_alone():
    wrapped = TableClassifier(RandomForestClassifier(n_estimators=7))

    clone(wrapped).set_params(n_estimators=3)

    assert wrapped.classifier.n_estimators == 7


def test_less_effort_is_fewer_or_smaller_teachers():
    for library in OTHER_LIBRARIES.values():
        pytest.importorskip(library)
    low, default, high = (dict(default_teachers(e)) for e in ("low", "default", "high"))

    trees = [each["rf"].get_params()["n_estimators"] for each in (default, high)]
    rates = [each["xgb"].get_params()["learning_rate"] for each in (low, default, high)]

    assert set(low) < set(default) == set(high) - set(OTHER_LIBRARIES)
    assert trees[0] < trees[1]
    assert rates[0] > rates[1] > rates[2]
    assert default["mlp"].net.max_epochs < high["mlp"].net.max_epochs
    with pytest.raises(ValueError, match="one of \\['low', 'default', 'high'\\], got 'full'"):
        default_teachers("full")


@pytest.mark.parametrize("name", OTHER_LIBRARIES)
def test_high_effort_goes_without_a_library_that_is_not_installed(name, monkeypatch):
    monkeypatch.setitem(sys.modules, OTHER_LIBRARIES[name], None)
    (other,) = set(OTHER_LIBRARIES) - {name}
    pytest.importorskip(OTHER_LIBRARIES[other])

    with pytest.warns(UserWarning, match=rf"without the teachers \['{name}'\].*pip install 'skd"):
        names = [each for each, _ in default_teachers("high")]

    assert names == [*dict(default_teachers()), other]


def test_of_libraries_that_are_not_installed_a_program_is_told_once(monkeypatch):
    for library in OTHER_LIBRARIES.values():
        monkeypatch.setitem(sys.modules, library, None)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for _ in range(2):
            teachers = DistilledClassifier(effort="high")._listed_teachers()

    assert len(teachers) == 5
    assert len(told) == 1
    assert told[0].category is UserWarning
