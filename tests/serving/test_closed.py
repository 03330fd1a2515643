"""Pickles and files of skops predict where the libraries of `fit` are missing."""

import copy
import json
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from skorch.callbacks import LRScheduler
from xgboost import XGBClassifier, XGBRegressor

from skdistill import (
    CallableTeacher,
    DistilledClassifier,
    NetClassifier,
    StudentNet,
    student_from_teacher,
)
from skdistill.inspection.pipelines import size_in_bytes
from skdistill.serving.closed import CLASS, PARAMS, Pickled, built, described
from tests.small import (
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
    small_default_teachers,
)

X, Y = numeric_rows()
TRUSTED = "skdistill.classifier.DistilledClassifier"
TRUSTED_REGRESSOR = "skdistill.regressor.DistilledRegressor"
PREDICT = """
import json, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "skorch", "xgboost", "tests"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
import joblib
folder, names = sys.argv[1], sys.argv[2:]
X = joblib.load(folder + "/rows")
for name in names:
    if name.endswith("skops"):
        import skops.io
        with open(folder + "/" + name, "rb") as file:
            content = file.read()
        trusted = ["skdistill.classifier.DistilledClassifier"]
        if "regressor" in name:
            trusted = ["skdistill.regressor.DistilledRegressor"]
        model = skops.io.loads(content, trusted=trusted)
    else:
        model = joblib.load(folder + "/" + name)
    predictions = getattr(model, "predict_proba", model.predict)(X)
    said = {"name": name, "predictions": predictions.tolist(), "shown": repr(model)}
    print(json.dumps(said))
"""


def scores(X):
    return X[:, :3]


def fitted_boosting():
    return FrozenEstimator(XGBClassifier(n_estimators=2).fit(X, Y))


def cut_student():
    net = quick_student(max_epochs=1)
    teacher = NetClassifier(net, random_state=0).fit(X, Y)
    return student_from_teacher(teacher).set_params(max_epochs=1)


def tuned(**params):
    return quick_classifier(student=None).set_params(student__max_epochs=1, **params)


def a_search():
    grid = {"alpha": [1.0], "student__module__hidden_sizes": [(4,), (8, 8)]}
    return GridSearchCV(tuned(), grid, cv=2)


SCHEDULE = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=2)
DESCRIBABLE = {
    "a rate": lambda: tuned(student__lr=0.01),
    "sizes": lambda: tuned(student__module__hidden_sizes=(8, 4)),
    "an optimizer": lambda: tuned(student__optimizer=torch.optim.SGD),
    "a schedule": lambda: tuned(student__callbacks=[("schedule", SCHEDULE)]),
    "a net": lambda: quick_classifier(student=StudentNet(max_epochs=1)),
    "a cut net": lambda: quick_classifier(student=cut_student()),
    "default teachers": lambda: quick_classifier(small_default_teachers()),
    "boosting": lambda: quick_classifier([("xgb", XGBClassifier(n_estimators=2))]),
    "a regressor": lambda: quick_regressor([("xgb", XGBRegressor(n_estimators=2))]),
    "a regressor of counts": lambda: quick_regressor(loss="poisson", quantiles=[0.1, 0.9]),
}
ONLY_PICKLED = {
    "a fitted teacher": lambda: quick_classifier([("xgb", fitted_boosting())]),
    "a function": lambda: quick_classifier(CallableTeacher(scores, [0, 1, 2], output="scores")),
    "kept teachers": lambda: quick_classifier(
        [("xgb", XGBClassifier(n_estimators=2))], keep_teachers=True
    ),
    "a search": a_search,
    "a pipeline": lambda: make_pipeline(StandardScaler(), tuned(student__lr=0.01)),
}
CASES = [
    *((name, form) for name in DESCRIBABLE for form in ("joblib", "cloudpickle", "skops")),
    *((name, form) for name in ONLY_PICKLED for form in ("joblib", "cloudpickle")),
    ("a search", "best skops"),
]


def write(model, path):
    """Write a file in the format that its name ends with."""
    if path.name.endswith("skops"):
        best = model.best_estimator_ if path.name.endswith("best skops") else model
        sio = pytest.importorskip("skops.io")
        path.write_bytes(sio.dumps(best))
    elif path.name.endswith("cloudpickle"):
        path.write_bytes(pytest.importorskip("cloudpickle").dumps(model))
    else:
        joblib.dump(model, path)


@pytest.fixture(scope="module")
def fitted():
    """A fitted model of each kind."""
    kinds = DESCRIBABLE | ONLY_PICKLED
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Teacher 'xgb' is frozen")
        return {name: make().fit(X, Y) for name, make in kinds.items()}


@pytest.fixture(scope="module")
def served(fitted, tmp_path_factory):
    """What one process without torch, skorch and xgboost says of each file."""
    pytest.importorskip("skops")
    folder = tmp_path_factory.mktemp("served")
    joblib.dump(X, folder / "rows")
    files = [f"{name}, by {form}" for name, form in CASES]
    for (name, _), file in zip(CASES, files):
        write(fitted[name], folder / file)
    command = [sys.executable, "-c", PREDICT, folder, *files]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    said = map(json.loads, run.stdout.splitlines())
    return {each["name"]: each for each in said}


@pytest.mark.parametrize(("name", "form"), CASES)
def test_a_file_predicts_without_the_libraries_of_fit(name, form, fitted, served):
    there, model = served[f"{name}, by {form}"]["predictions"], fitted[name]

    assert_array_equal(there, getattr(model, "predict_proba", model.predict)(X))


@pytest.mark.parametrize(("name", "form"), CASES)
def test_a_model_can_be_shown_without_the_libraries_of_fit(name, form, served):
    assert "(" in served[f"{name}, by {form}"]["shown"]


def loaded(model, form):
    """A model as it comes back from a file."""
    if form == "skops":
        sio = pytest.importorskip("skops.io")
        return sio.loads(sio.dumps(model), trusted=[TRUSTED, TRUSTED_REGRESSOR])
    return copy.deepcopy(model) if form == "copy" else pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("form", ["pickle", "skops", "copy"])
@pytest.mark.parametrize("name", DESCRIBABLE)
def test_parameters_come_back_where_their_libraries_are(name, form, fitted):
    expected, back = clone(fitted[name]), loaded(fitted[name], form)

    assert plain_params(clone(back)) == plain_params(expected)


def plain_params(model):
    """Parameters of which each has a value of its own, those of teachers and student too."""
    plain = (str, int, float, bool, type(None), type)
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in model.get_params().items()
        if isinstance(value, (*plain, np.ndarray)) and value == value
    }


@pytest.mark.parametrize("form", ["pickle", "skops"])
def test_a_loaded_model_is_fitted_again_to_the_same_student(form, fitted):
    model = fitted["an optimizer"]

    again = loaded(model, form).fit(X, Y)

    assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_a_fit_forgets_the_teachers_that_were_kept(fitted):
    back = loaded(fitted["kept teachers"], "pickle").set_params(keep_teachers=False)

    assert not hasattr(back.fit(X, Y), "teacher_")


def test_a_shallow_copy_shares_its_parameters(fitted):
    model = fitted["kept teachers"]

    assert copy.copy(model).teachers is model.teachers
    assert copy.copy(model).teacher_ is model.teacher_


def test_kept_teachers_are_deleted_without_being_opened(without_xgboost):
    del without_xgboost.teacher_

    assert not hasattr(without_xgboost, "teacher_")


def test_a_model_is_measured_without_the_teachers_library(without_xgboost):
    kept = len(vars(without_xgboost)["_closed_teacher_"].content)

    assert size_in_bytes(without_xgboost) < len(pickle.dumps(without_xgboost)) - 0.9 * kept


def test_a_parameter_that_is_set_replaces_the_one_that_is_closed(fitted):
    back = loaded(fitted["a fitted teacher"], "pickle")
    back.teachers = None

    assert not back._is_closed("teachers")
    assert "_closed_teachers" not in vars(loaded(back, "pickle"))
    assert "_closed_teachers" not in back.__getstate__()


def test_a_copied_net_is_described_like_its_original():
    net = StudentNet(max_epochs=1)

    for copied in (clone(net), copy.deepcopy(net)):
        assert plain_params(built(described(copied))) == plain_params(net)


def test_a_model_that_was_never_opened_can_be_written_again(fitted):
    back = loaded(loaded(fitted["boosting"], "pickle"), "pickle")

    assert back.get_params()["xgb__n_estimators"] == 2
    assert loaded(back, "skops").get_params()["xgb__n_estimators"] == 2


def test_a_described_model_can_be_pickled(fitted):
    back = loaded(loaded(fitted["an optimizer"], "skops"), "pickle")

    assert back.student.optimizer is torch.optim.SGD


@pytest.fixture
def without_xgboost(fitted, monkeypatch):
    """A model with teachers of XGBoost, loaded where it is not installed."""
    back = loaded(fitted["kept teachers"], "pickle")
    for name in ("xgboost", "xgboost.sklearn"):
        monkeypatch.setitem(sys.modules, name, None)
    return back


def test_a_model_without_its_libraries_can_be_shown_and_cloned(without_xgboost):
    assert "teachers=<not available: " in repr(without_xgboost)
    assert "xgboost" in str(clone(without_xgboost).teachers)


@pytest.mark.parametrize(
    "params", [{"xgb__n_estimators": 3}, {"xgb": "drop"}, {"alpha": 1.0, "teachers__n_jobs": 1}]
)
def test_setting_a_parameter_of_teachers_without_their_library_names_it(params, without_xgboost):
    with pytest.raises(ImportError, match=r"teachers cannot be opened here: .*xgboost.*Install"):
        without_xgboost.set_params(**params)


@pytest.mark.parametrize("form", ["pickle", "skops"])
@pytest.mark.parametrize("name", ["lr", "module__hidden_sizes", "optimizer"])
def test_setting_a_parameter_of_a_student_without_its_library_names_it(
    name, form, fitted, monkeypatch
):
    back = loaded(loaded(fitted["an optimizer"], form), "pickle")
    monkeypatch.setitem(sys.modules, "skdistill.student.student_net", None)

    with pytest.raises(ImportError, match=f"'student__{name}' cannot be set.*student_net"):
        back.set_params(**{f"student__{name}": 1})


def test_what_needs_a_missing_library_can_be_replaced_as_a_whole(without_xgboost):
    tree = [("tree", DecisionTreeClassifier())]

    model = without_xgboost.set_params(teachers=tree, tree__max_depth=2)

    assert model.get_params()["tree__max_depth"] == 2


def test_setting_another_parameter_keeps_what_needs_a_missing_library(fitted, monkeypatch):
    back = loaded(fitted["an optimizer"], "pickle")
    with monkeypatch.context() as here:
        here.setitem(sys.modules, "skdistill.student.student_net", None)
        back = loaded(back.set_params(device="cpu"), "pickle")

    assert back.student.optimizer is torch.optim.SGD


def test_setting_a_parameter_needs_no_library_of_the_default_teachers(monkeypatch):
    monkeypatch.setitem(sys.modules, "skdistill.teachers.defaults", None)

    assert DistilledClassifier().set_params(device="cpu").device == "cpu"


def test_a_fit_without_the_teachers_library_names_it(without_xgboost):
    with pytest.raises(ValueError, match=r"teachers.*not available.*xgboost"):
        without_xgboost.fit(X, Y)


def test_kept_teachers_without_their_library_name_it(without_xgboost):
    with pytest.raises(ImportError, match="xgboost"):
        without_xgboost.teacher_  # noqa: B018


def test_a_fitted_pipeline_opens_no_teacher(fitted):
    pipeline = loaded(fitted["a pipeline"], "pickle")

    pipeline.predict(X)

    assert pipeline[-1]._is_closed("teachers")
    assert pipeline[-1]._is_closed("student")


def test_a_teacher_of_a_script_is_pickled_as_ever(monkeypatch):
    monkeypatch.setattr(scores, "__module__", "__main__")
    monkeypatch.setitem(vars(sys.modules["__main__"]), "scores", scores)
    clf = quick_classifier(CallableTeacher(scores, [0, 1, 2], output="scores"))

    back = pickle.loads(pytest.importorskip("cloudpickle").dumps(clf))  # by value, as for a worker

    assert not back._is_closed("teachers")


def test_a_teacher_of_a_module_that_cloudpickle_sends_whole_is_sent_whole():
    cloudpickle, module = pytest.importorskip("cloudpickle"), sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        content = cloudpickle.dumps(quick_classifier(CallableTeacher(scores, [0, 1, 2])))
    finally:
        cloudpickle.unregister_pickle_by_value(module)

    assert not pickle.loads(content)._is_closed("teachers")


def test_a_teacher_that_cannot_be_pickled_is_named_by_pickle():
    clf = quick_classifier(CallableTeacher(lambda X: X, [0, 1, 2]))

    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(clf)
    assert copy.deepcopy(clf).teachers.func is clf.teachers.func


def test_a_file_of_skops_that_holds_a_pickle_asks_for_trust():
    sio = pytest.importorskip("skops.io")
    content = sio.dumps([Pickled(b"")])

    assert sio.get_untrusted_types(data=content) == ["skdistill.serving.closed.Pickled"]


@pytest.mark.parametrize(
    "name",
    ["os.system", "subprocess.Popen", "torch.hub.load", "skdistill.base.clone", "", "sklearn"],
)
def test_a_description_builds_no_other_class(name):
    with pytest.raises(ValueError, match="expected a class of skdistill"):
        built({CLASS: name, PARAMS: {}})


def test_a_class_of_torch_is_named_but_not_built():
    name = described(torch.optim.SGD)

    assert built(name) is torch.optim.SGD
    with pytest.raises(ValueError, match=r"torch.optim.sgd.SGD"):
        built(name | {PARAMS: {}})


def test_what_is_fitted_is_not_described():
    tree = DecisionTreeClassifier()

    assert described([("tree", tree)]) is not None
    assert described([("tree", tree.fit(X, Y))]) is None


@pytest.mark.parametrize("value", [lambda: 0, scores, object(), np.array([None]), {1, 2}])
def test_what_has_no_plain_values_is_not_described(value):
    assert described(RandomForestClassifier(max_features=value)) is None
