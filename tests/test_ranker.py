"""`DistilledRanker`: what its users do with it."""

import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import ndcg_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor
from skorch import NeuralNet
from torch import nn
from xgboost import XGBRanker

from skdistill import (
    CallableTeacher,
    DistilledRanker,
    NetRanker,
    OnnxStudent,
    StudentMLP,
    TableRanker,
    TeacherEnsembleRanker,
    TensorNet,
    compare,
    default_teachers,
    load,
)
from skdistill.tasks.ranking_scores import mean_ndcg
from tests.compiled import compiled
from tests.small import queries, quick_student

TEACHERS = [("xgb", XGBRanker(n_estimators=20)), ("ridge", Ridge())]
QUICK_NET = TensorNet(StudentMLP, max_epochs=5, module__hidden_sizes=(16,))


def distilled(teachers=TEACHERS, **params):
    student = params.pop("student", quick_student(max_epochs=12, module__hidden_sizes=(32,)))
    return DistilledRanker(teachers, student, **{"random_state": 0, "cv": 3} | params)


def test_the_student_ranks_like_its_teachers_on_new_queries():
    X, y, qid = queries(100)
    X_new, y_new, qid_new = queries(seed=1)

    model = distilled(keep_teachers=True).fit(X, y, qid=qid)

    assert model.score(X_new, y_new, qid=qid_new) > 0.9
    assert np.corrcoef(model.predict(X_new), model.teacher_.predict(X_new))[0, 1] > 0.9
    assert set(model.teacher_weights_) == {"xgb", "ridge"}
    assert 0 < model.alpha_ < 1
    assert not hasattr(model, "classes_")


def test_the_score_is_the_mean_ndcg_of_queries_that_have_an_order():
    X, y, qid = queries(20)
    y[qid == 3], y[qid == 5] = 1, 0
    model = distilled().fit(X, y, qid=qid)

    scores = model.predict(X)
    of_queries = [
        ndcg_score([y[qid == q]], [scores[qid == q]], k=10)
        for q in range(20)
        if np.ptp(y[qid == q])
    ]
    assert len(of_queries) <= 18
    assert model.score(X, y, qid=qid) == pytest.approx(np.mean(of_queries))


def test_queries_of_a_score_may_be_weighted_and_of_any_size():
    y, scores = np.array([0, 1, 0, 1, 2, 1, 1]), np.array([2.0, 1, 3, 1, 2, 0, 1])
    qid = np.array(list("aabbbcd"))
    weight = np.array([2.0, 2, 1, 1, 1, 5, 5])

    one = [ndcg_score([y[qid == q]], [scores[qid == q]]) for q in "ab"]

    assert mean_ndcg(y, scores, qid) == pytest.approx(np.mean(one))
    assert mean_ndcg(y, scores, qid, weight) == pytest.approx(np.average(one, weights=[2, 1]))
    assert np.isnan(mean_ndcg(y[5:], scores[5:], qid[5:]))


@pytest.mark.parametrize(
    "teacher",
    [
        XGBRanker(n_estimators=10),
        TableRanker(XGBRanker(n_estimators=10, objective="rank:pairwise")),
        make_pipeline(StandardScaler(), XGBRanker(n_estimators=10)),
        NetRanker(QUICK_NET, "pairwise"),
        NetRanker(QUICK_NET, "listwise"),
        RandomForestRegressor(10),
        LogisticRegression(),
        make_pipeline(StandardScaler(), Ridge()),
    ],
    ids=lambda teacher: type(teacher).__name__,
)
def test_any_ranker_regressor_and_classifier_teaches(teacher):
    X, y, qid = queries()

    model = distilled(teacher).fit(X, y, sample_weight=np.linspace(0.5, 1, len(y)), qid=qid)

    assert model.score(X, y, qid=qid) > 0.85


def test_lightgbm_teaches():
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    X, y, qid = queries()
    ranker = lightgbm.LGBMRanker(n_estimators=10, verbose=-1)

    model = distilled([("plain", ranker), ("table", TableRanker(ranker))]).fit(
        X, y, sample_weight=np.ones(len(y)), qid=qid
    )

    assert model.score(X, y, qid=qid) > 0.85


@pytest.mark.parametrize("loss", ["listwise", "pairwise", "listmle", "lambdarank"])
def test_each_loss_on_labels_ranks(loss):
    X, y, qid = queries(100)

    model = distilled(loss=loss, alpha=0.0, augmenter=None).fit(X, y, qid=qid)

    assert model.score(X, y, qid=qid) > 0.85


def test_no_query_is_divided_by_folds_or_held_out_in_part():
    X, y, qid = queries()
    seen = []

    class Spy(XGBRanker):
        def fit(self, X, y, *, qid, **params):
            seen.append((X[:, 3].tolist(), qid))
            return super().fit(X, y, qid=qid, **params)

    X[:, 3] = qid
    distilled(Spy(n_estimators=2), validation_fraction=0.2).fit(X, y, qid=qid)

    assert len(seen) >= 3
    for of_rows, numbers in seen:
        assert (np.diff(numbers) >= 0).all()  # together
        assert len(set(of_rows)) == len(set(numbers))
        assert (np.unique(of_rows, return_counts=True)[1] == 8).all()  # whole


def test_the_order_of_rows_and_the_names_of_queries_do_not_matter_to_the_pool():
    X, y, qid = queries()
    order = np.argsort(qid, kind="stable")
    folds = [(np.flatnonzero(qid % 2 == k), np.flatnonzero(qid % 2 != k)) for k in (0, 1)]
    place = np.argsort(order)

    one = TeacherEnsembleRanker(TEACHERS, cv=folds, random_state=0).fit(X, y, qid=qid)
    names = np.array([f"query {q:03d}" for q in qid])
    other = TeacherEnsembleRanker(
        TEACHERS, cv=[(place[train], place[test]) for train, test in folds], random_state=0
    ).fit(X[order], y[order], qid=names[order])

    assert_allclose(one.predict(X), other.predict(X), rtol=1e-3, atol=1e-4)


def test_the_pool_does_not_change_with_a_teachers_scale():
    X, y, qid = queries()

    class Scaled(Ridge):
        def predict(self, X):
            return 1e4 * super().predict(X) - 7

    one, other = (
        TeacherEnsembleRanker([("xgb", TEACHERS[0][1]), ("ridge", each)], random_state=0).fit(
            X, y, qid=qid
        )
        for each in (Ridge(), Scaled())
    )

    assert_allclose(one.predict(X), other.predict(X), rtol=1e-3, atol=1e-3)
    assert one.slopes_["ridge"] == pytest.approx(1e4 * other.slopes_["ridge"], rel=1e-3)


def test_a_fitted_model_and_a_black_box_teach_without_being_fitted():
    X, y, qid = queries()
    X_old, y_old, _ = queries(seed=2)
    forest = RandomForestRegressor(20, random_state=0).fit(X_old, y_old)
    of_grades = LogisticRegression().fit(X_old, y_old)
    validation = {"X_val": X[:80], "y_val": y[:80], "qid_val": qid[:80]}

    models = [
        distilled([("one", each)], augmenter=None).fit(X, y, qid=qid, **validation)
        for each in (FrozenEstimator(forest), CallableTeacher(forest.predict, output="value"))
    ]
    expected = distilled([("one", FrozenEstimator(of_grades))], keep_teachers=True)
    with pytest.warns(UserWarning, match="is frozen and labels the rows"):
        expected.fit(X, y, qid=qid)

    assert_allclose(models[0].predict(X), models[1].predict(X))
    grades = of_grades.predict_proba(X) @ [0, 1, 2]
    assert np.corrcoef(expected.teacher_.predict(X), grades)[0, 1] == pytest.approx(1)


def test_scores_of_ones_own_teach():
    X, y, qid = queries()
    scores = 100 + 50 * (X[:, 0] + X[:, 1])

    model = distilled(alpha=1.0).fit(X, y, qid=qid, teacher_scores=scores)

    assert np.corrcoef(model.predict(X), scores)[0, 1] > 0.85
    assert model.teacher_weights_ == {}


def test_validation_queries_decide_when_to_stop():
    X, y, qid = queries(100)
    given = dict(zip(("X_val", "y_val", "qid_val"), queries(30, seed=1)))

    model = distilled().fit(X, y, qid=qid, **given)

    assert model.report_["student"] == min(epoch["valid_loss"] for epoch in model.history_)
    assert model.report_["teachers"] == model.teacher_scores_["pool"]


def test_a_query_of_equal_labels_is_kept():
    X, y, qid = queries()
    y[qid < 10] = 0

    model = distilled(keep_teachers=True).fit(X, y, qid=qid)

    assert model.score(X, y, qid=qid) > 0.85


def test_fractions_are_a_relevance_too():
    X, y, qid = queries()

    model = DistilledRanker(
        effort="low", cv=2, random_state=0, student=quick_student(), memory=None
    ).fit(X, y / 7, qid=qid)

    assert set(model.teacher_scores_) == {"xgb", "mlp_listwise", "pool"}
    assert model.score(X, y / 7, qid=qid) > 0.8


def test_memory_groups_and_zero_weights_work(tmp_path):
    X, y, qid = queries()
    weight = (qid >= 10).astype(float)

    one, other = (
        distilled(memory=tmp_path).fit(X, y, sample_weight=weight, qid=qid, groups=qid // 2)
        for _ in range(2)
    )
    given = distilled(cv=GroupKFold(3)).fit(X, y, qid=qid)

    assert_array_equal(one.predict(X), other.predict(X))
    assert given.score(X, y, qid=qid) > 0.85


def test_a_student_keeps_its_budget():
    X, y, qid = queries()

    student = quick_student(max_epochs=1, module__hidden_sizes=(256,))
    units = [
        distilled(student=student, max_latency=1.0, max_size=size)
        .fit(X, y, qid=qid)
        .student_.weights[0][1]
        .size
        for size in ("1MB", "9kB")
    ]

    assert units[0] == 256 > units[1]


def test_max_time_tries_rankers_on_whole_queries():
    X, y, qid = queries(400, rows=4)
    seen = []

    class Spy(XGBRanker):
        def fit(self, X, y, *, qid, **params):
            seen.append(np.unique(qid, return_counts=True)[1])
            return super().fit(X, y, qid=qid, **params)

    distilled(Spy(n_estimators=2), augmenter=None, max_time=300).fit(X, y, qid=qid)

    assert len(seen) >= 5  # two trials, and the folds
    for sizes in seen:
        assert (sizes < 4).sum() <= 1


def test_categories_missing_values_unlabeled_and_sparse_rows_are_taken():
    X, y, qid = queries()
    frame = pd.DataFrame(X[:, :3], columns=list("abc"))
    frame["kind"] = pd.Categorical(np.where(X[:, 3] > 0, "old", "new"))
    frame.loc[::7, "c"] = np.nan
    teachers = [("xgb", TableRanker(XGBRanker(n_estimators=20)))]

    table = distilled(teachers).fit(frame, y, qid=qid, X_unlabeled=frame[:50])
    sparse = distilled().fit(csr_matrix(X), y, qid=qid)

    assert table.score(frame, y, qid=qid) > 0.85
    assert sparse.score(csr_matrix(X), y, qid=qid) > 0.85


def test_queries_travel_through_searches_and_pipelines():
    X, y, qid = queries()
    with config_context(enable_metadata_routing=True):
        model = distilled().set_fit_request(qid=True, groups=False).set_score_request(qid=True)
        pipeline = make_pipeline(StandardScaler(), model)
        grid = {"distilledranker__xgb__n_estimators": [1, 20]}
        search = GridSearchCV(pipeline, grid, cv=GroupKFold(2))
        search.fit(X, y, qid=qid, groups=qid)

    assert search.best_score_ > 0.85


def test_a_copy_predicts_the_same_and_the_present_student_is_trained_on():
    X, y, qid = queries()
    model = distilled(warm_start=True).fit(X, y, qid=qid)
    before = model.predict(X)

    again = pickle.loads(pickle.dumps(model))

    assert_array_equal(again.predict(X), before)
    X_new, y_new, qid_new = queries(20, seed=1)
    again.fit(X_new, y_new, qid=qid_new)
    assert np.corrcoef(again.predict(X), before)[0, 1] > 0.8
    assert clone(model).get_params()["xgb__n_estimators"] == 20


@pytest.mark.parametrize("effort", ["low", "default", "high"])
def test_the_default_teachers_rank(effort):
    teachers = dict(default_teachers(effort, task="ranking"))

    assert {"xgb", "mlp_listwise"} <= set(teachers)
    assert type(teachers["xgb"]) is TableRanker
    assert ("rf" in teachers) == ("mlp_pairwise" in teachers) == (effort != "low")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qid": None}, "qid is missing: pass qid="),
        ({"qid": np.zeros(79)}, r"qid has shape \(79,\) and y has \(80,\)"),
        ({"qid": np.arange(80)}, "each has one row, so there is nothing to rank"),
        ({"qid": np.array([None, *range(79)])}, "qid has a missing value, first in row 0"),
        ({"y": np.full(80, -1.0)}, "y has the relevance -1 in row 0: it must not be negative"),
        ({"y": np.ones(80)}, "nothing to learn. Check which columns are the relevance"),
        ({"y": np.array(["good"] * 80)}, "y must hold numbers, got 'good'"),
        ({"y": np.full(80, np.nan)}, "y contains NaN, infinity or None"),
        ({"groups": np.arange(80)}, "groups divides query"),
        ({"teacher_scores": np.ones(3)}, "teacher_scores must be 80 finite numbers"),
        ({"qid_val": np.ones(3)}, "got qid_val only"),
        ({"X_val": np.ones((3, 4)), "y_val": np.ones(3)}, "qid_val is missing"),
    ],
)
def test_queries_and_labels_that_say_nothing_are_refused(change, message):
    X, y, qid = queries(10)

    with pytest.raises(ValueError, match=message):
        distilled().fit(**{"X": X, "y": y, "qid": qid} | change)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "ndcg"}, "The 'loss' parameter of DistilledRanker must be a str among"),
        ({"cv": "oob"}, "The 'cv' parameter of DistilledRanker"),
        ({"cv": list(KFold(2).split(np.ones(80)))}, "cv splits a group"),
        ({"teachers": LinearSVC()}, "must be a ranker with qid or group in its fit, a regressor"),
        ({"teachers": "xgb"}, "teachers"),
        ({"weights": [1.0]}, "there are 2 teachers"),
        ({"student": NeuralNet(nn.Linear, nn.MSELoss)}, "student must be a TensorNet"),
        (
            {"teachers": TableRanker(XGBRanker(early_stopping_rounds=5))},
            "set early_stopping_rounds=None",
        ),
        ({"teachers": TableRanker(DecisionTreeRegressor())}, "wrap a regressor in TableRegressor"),
        (
            {"teachers": NetRanker(NeuralNet(nn.Linear, nn.MSELoss))},
            "net must be a TensorNet or a StudentNet",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(params, message):
    X, y, qid = queries(10)

    with pytest.raises(ValueError, match=message):
        distilled(**params).fit(X, y, qid=qid)


def test_a_file_holds_the_same_ranker(tmp_path):
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    X, y, qid = queries()
    model = distilled(loss="listmle").fit(X, y, qid=qid)

    model.save(tmp_path / "student.safetensors")
    again = load(tmp_path / "student.safetensors")

    assert type(again) is DistilledRanker
    assert again.loss == "listmle"
    assert_array_equal(again.predict(X), model.predict(X))
    assert again.report_ == model.report_


def test_onnx_has_the_same_scores():
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    X, y, qid = queries()
    model = distilled().fit(X, y, qid=qid)

    scores = OnnxStudent(model.to_onnx(dtype="float64")).predict(X)

    assert_allclose(scores, model.predict(X), rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_c_has_the_same_scores(tmp_path):
    X, y, qid = queries()
    model = distilled().fit(X, y, qid=qid)

    model.to_c(tmp_path / "student.c")
    _, scores = compiled(tmp_path / "student.c", 1, tmp_path)(X)

    assert_allclose(scores[:, 0], model.predict(X), rtol=1e-4, atol=1e-5)


def test_compare_asks_for_the_queries_of_rankers():
    X, y, qid = queries()
    model = distilled(augmenter=None).fit(X, y, qid=qid)

    with pytest.raises(ValueError, match=r"'student', a DistilledRanker, is a ranker.*pass qid"):
        compare({"student": model}, X, y)
