"""`DistilledRegressor`: what its users do with it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_friedman1
from sklearn.ensemble import (
    BaggingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBRegressor

from skdistill import (
    CallableTeacher,
    DistilledRegressor,
    NetRegressor,
    StudentMLP,
    StudentNet,
    TableRegressor,
    TensorNet,
    default_teachers,
)
from skdistill.table.target import LOSSES
from tests.small import quick_student

TEACHERS = [("tree", DecisionTreeRegressor(max_depth=6)), ("linear", LinearRegression())]


def friedman(n_samples=300, seed=0):
    return make_friedman1(n_samples, noise=0.5, random_state=seed)


def distilled(teachers=TEACHERS, **params):
    student = quick_student(max_epochs=12, module__hidden_sizes=(32,))
    return DistilledRegressor(teachers, student, **{"random_state": 0, "cv": 3} | params)


def test_the_student_predicts_like_its_teachers_on_new_rows():
    X, y = friedman(1600)
    X_new, y_new = friedman(500, seed=1)

    model = distilled(keep_teachers=True).fit(X, y)

    assert model.score(X_new, y_new) > 0.8
    assert np.corrcoef(model.predict(X_new), model.teacher_.predict(X_new))[0, 1] > 0.9
    assert 0 < model.alpha_ < 0.5  # the teachers explain most of the variance
    assert len(model.candidates_) > 1
    assert model.teacher_weights_["linear"] != model.teacher_weights_["tree"]
    assert not hasattr(model, "classes_")
    assert not hasattr(model, "temperature_")


@pytest.mark.parametrize(
    "teacher",
    [
        VotingRegressor(TEACHERS),
        StackingRegressor(TEACHERS, Ridge(), cv=2),
        make_pipeline(StandardScaler(), KNeighborsRegressor()),
        XGBRegressor(n_estimators=20),
        TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
        GridSearchCV(DecisionTreeRegressor(), {"max_depth": [2, 4]}, cv=2),
        TableRegressor(HistGradientBoostingRegressor(max_iter=20)),
        NetRegressor(TensorNet(StudentMLP, max_epochs=5, module__hidden_sizes=(16,))),
    ],
    ids=lambda teacher: type(teacher).__name__,
)
def test_any_regressor_teaches(teacher):
    X, y = friedman()
    y = y - y.min()  # for the logarithm

    model = distilled(teacher).fit(X, y, sample_weight=np.linspace(0.5, 1, len(y)))

    assert model.score(X, y) > 0.3


@pytest.mark.parametrize("forest", [RandomForestRegressor(50), BaggingRegressor(n_estimators=50)])
def test_bags_label_the_rows_that_they_left_out(forest):
    X, y = friedman()

    model = distilled([("forest", forest)], cv="oob").fit(X, y)

    assert model.score(X, y) > 0.5
    assert 1 < model.teacher_scores_["forest"] < y.std()


def test_a_fitted_regressor_and_a_black_box_teach_without_being_fitted():
    X, y = friedman()
    forest = RandomForestRegressor(20, random_state=0).fit(*friedman(seed=2))
    calls = []

    def answer(X):
        calls.append(len(X))
        return forest.predict(X)

    black_box = CallableTeacher(answer, output="value")
    models = [
        distilled([("one", each)], augmenter=None).fit(X, y, X_val=X[:50], y_val=y[:50])
        for each in (FrozenEstimator(forest), black_box)
    ]

    assert_allclose(models[0].predict(X), models[1].predict(X))
    assert calls == [300, 50]  # each row once, for all folds


def test_predictions_of_ones_own_teach():
    X, y = friedman()
    predictions = RandomForestRegressor(50, random_state=0).fit(*friedman(seed=2)).predict(X)

    model = distilled(alpha=1.0).fit(X, y, teacher_prediction=predictions)

    assert np.corrcoef(model.predict(X), predictions)[0, 1] > 0.9
    assert model.teacher_weights_ == {}


def test_several_targets_have_a_column_each():
    X, y = friedman()
    Y = np.column_stack([y, 1e4 * X[:, 0], -y])

    model = distilled(keep_teachers=True).fit(X, Y)

    assert model.predict(X).shape == model.teacher_.predict(X).shape == (300, 3)
    assert model.n_outputs_ == 3
    assert model.score(X, Y) > 0.5


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_fits_the_default_teachers_and_the_student(loss):
    X, y = friedman(200)

    model = DistilledRegressor(
        loss=loss, quantile=0.7, effort="low", cv=2, random_state=0,
        student=StudentNet(max_epochs=8, module__hidden_sizes=(32,)),
    ).fit(X, y - y.min() + 1)  # fmt: skip

    assert model.score(X, y - y.min() + 1) > 0.5
    assert set(model.teacher_scores_) == {"xgb", "mlp_bins", "pool"}


def test_a_quantile_is_above_its_share_of_the_rows():
    X, y = friedman(1500)

    model = distilled(
        [("boosted", HistGradientBoostingRegressor(loss="quantile", quantile=0.9))],
        loss="quantile",
        quantile=0.9,
    ).fit(X, y)

    X_new, y_new = friedman(1000, seed=1)
    assert 0.75 < (y_new < model.predict(X_new)).mean() < 0.97


def test_teachers_of_the_mean_teach_a_quantile():
    X, y = friedman(1500)

    model = distilled([("forest", RandomForestRegressor(30))], loss="quantile", quantile=0.9)
    model.fit(X, y)

    X_new, y_new = friedman(1000, seed=1)
    assert 0.8 < (y_new < model.predict(X_new)).mean() < 0.99


def test_quantiles_of_counts_are_not_negative():
    X, y = friedman(600)
    counts = np.random.RandomState(0).poisson(np.exp(y / 10) / 4)

    model = distilled(loss="poisson", quantiles=(0.01, 0.9)).fit(X, counts)

    assert model.predict(X, quantiles=True).min() >= 0


def test_counts_are_predicted_as_positive_means():
    X, y = friedman(600)
    counts = np.random.RandomState(0).poisson(np.exp(y / 10))

    model = distilled([("tree", DecisionTreeRegressor(max_depth=4))], loss="poisson")
    model.fit(X, counts)

    assert (model.predict(100 * X) > 0).all()  # also far from the rows of fit
    assert model.predict(X).mean() == pytest.approx(counts.mean(), rel=0.1)


def test_predicted_quantiles_do_not_cross_and_have_their_share_of_the_rows_below():
    X, y = friedman(1500)

    model = distilled(
        [("forest", RandomForestRegressor(30))], quantiles=[0.95, 0.05, 0.5], cv="oob"
    ).fit(X, y)

    X_new, y_new = friedman(1000, seed=1)
    found = model.predict(X_new, quantiles=True)
    assert model.quantiles_ == [0.05, 0.5, 0.95]
    assert (np.diff(found, axis=1) >= 0).all()
    assert 0.85 < ((found[:, 0] <= y_new) & (y_new <= found[:, 2])).mean() < 0.99
    assert model.predict(X_new).shape == (1000,)


def test_quantiles_come_with_predictions_of_ones_own():
    X, y = friedman()

    model = distilled(quantiles=(0.1, 0.9)).fit(X, y, teacher_prediction=y + 0.1)

    assert model.predict(X, quantiles=True).shape == (300, 2)


def test_quantiles_that_were_not_trained_are_refused():
    model = distilled().fit(*friedman(60))

    with pytest.raises(ValueError, match="this student predicts no quantiles: set some before"):
        model.predict(friedman(3)[0], quantiles=True)


def test_synthetic_and_unlabeled_rows_follow_the_teachers_alone():
    X, y = friedman()

    one, other = (
        distilled(alpha=alpha, augmenter=None).fit(X, y, X_unlabeled=friedman(900, seed=2)[0])
        for alpha in (0.0, 1.0)
    )

    assert np.corrcoef(one.predict(X), other.predict(X))[0, 1] > 0.8
    assert (one.predict(X) != other.predict(X)).any()


def test_scores_are_in_the_unit_of_the_target():
    X, y = friedman()

    one, other = (distilled().fit(X, unit * y, X_val=X, y_val=unit * y) for unit in (1, 1000))

    assert_allclose(1000 * one.report_["student"], other.report_["student"], rtol=0.2)
    errors = other.predict(X) - 1000 * y
    assert_allclose(np.sqrt(np.square(errors).mean()), other.report_["student"], rtol=0.05)
    assert_allclose(1000 * one.teacher_scores_["linear"], other.teacher_scores_["linear"])


@pytest.mark.parametrize("shift", [0, 1e9])
def test_a_target_far_from_zero_is_learned_as_well(shift):
    X, y = friedman()

    model = distilled().fit(X, y + shift)

    assert model.score(X, y + shift) > 0.6


def test_huge_and_tiny_targets_are_learned():
    X, y = friedman()

    for unit in (1e-200, 1e150):
        assert distilled(quantiles=(0.5,)).fit(X, unit * y).score(X, unit * y) > 0.6


def test_memory_groups_and_weights_work(tmp_path):
    X, y = friedman()
    groups, weight = np.arange(300) // 5, np.linspace(0, 1, 300)

    one, other = (
        distilled(memory=tmp_path).fit(X, y, sample_weight=weight, groups=groups) for _ in range(2)
    )
    given = distilled(cv=GroupKFold(3)).fit(X, y, groups=groups)

    assert_array_equal(one.predict(X), other.predict(X))
    assert given.score(X, y) > 0.5


def test_categories_missing_values_and_sparse_rows_are_taken():
    X, y = friedman()
    frame = pd.DataFrame(X[:, :3], columns=list("abc"))
    frame["city"] = pd.Categorical(np.where(X[:, 3] > 0.5, "Rome", "Oslo"))
    frame.loc[::7, "a"] = np.nan
    teachers = [("tree", TableRegressor(DecisionTreeRegressor(max_depth=6)))]

    table = distilled(teachers).fit(frame, y)
    sparse = distilled().fit(csr_matrix(X), y)

    assert table.score(frame, y) > 0.5
    assert sparse.score(csr_matrix(X), y) > 0.2  # without synthetic rows


def test_it_lives_in_pipelines_searches_and_transformations_of_the_target():
    X, y = friedman()
    pipeline = make_pipeline(StandardScaler(), distilled())
    grid = {"distilledregressor__tree__max_depth": [2, 6], "distilledregressor__alpha": [0.5]}

    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    of_logarithms = TransformedTargetRegressor(distilled(), func=np.exp, inverse_func=np.log)

    assert search.best_params_["distilledregressor__tree__max_depth"] == 6
    assert search.best_score_ > 0.5
    assert of_logarithms.fit(X, y / 10).score(X, y / 10) > 0.3


def test_a_copy_predicts_the_same():
    X, y = friedman()
    model = distilled(quantiles=(0.1, 0.9)).fit(X, y)

    again = pickle.loads(pickle.dumps(model))

    assert_array_equal(again.predict(X), model.predict(X))
    assert_array_equal(again.predict(X, quantiles=True), model.predict(X, quantiles=True))
    assert clone(model).get_params()["tree__max_depth"] == 6


def test_the_present_student_is_trained_on_in_the_unit_that_it_has():
    X, y = friedman()
    model = distilled([("forest", RandomForestRegressor(30))], cv="oob", warm_start=True).fit(X, y)
    center, before = model.target_center_, model.predict(X)

    X_new, y_new = friedman(150, seed=1)
    model.fit(X_new, y_new + 5, teacher_prediction=y_new + 5)

    assert_array_equal(model.target_center_, center)
    assert np.corrcoef(model.predict(X), before)[0, 1] > 0.8
    assert model.predict(X_new).mean() == pytest.approx(y_new.mean() + 5, abs=1)


@pytest.mark.parametrize("change", [lambda y: y / 1000, lambda y: y + 1e6, lambda y: 1e6 * y])
def test_a_target_in_another_unit_is_refused_for_the_present_student(change):
    X, y = friedman(100)
    model = distilled(warm_start=True).fit(X, y)
    before = model.predict(X)

    with pytest.raises(ValueError, match="give y in the unit that it had, or set warm_start=False"):
        model.fit(X, change(y))

    assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("effort", ["low", "default", "high"])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_default_teachers_are_regressors_of_the_loss(effort, loss):
    teachers = default_teachers(effort, task="regression", loss=loss, quantile=0.5)

    assert ("rf" in dict(teachers)) == (
        effort != "low" and loss in ("squared_error", "poisson", "gamma")
    )
    for _, teacher in teachers:
        assert type(teacher) in (TableRegressor, NetRegressor)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"loss": "rmse"}, "The 'loss' parameter of DistilledRegressor must be a str among"),
        ({"loss": "quantile"}, "needs a quantile above 0"),
        ({"quantiles": (0, 1)}, "quantiles must be distinct numbers above 0 and below 1"),
        ({"combination": "vote"}, "The 'combination' parameter .* must be a str among"),
        ({"teachers": LogisticRegression()}, "'logisticregression' must be a regressor"),
        ({"teachers": "forest"}, "teachers must be a regressor|The 'teachers' parameter"),
        ({"weights": [1.0]}, "there are 2 teachers"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_trained(params, message):
    with pytest.raises(ValueError, match=message):
        distilled(**params).fit(*friedman(60))


def test_a_net_with_other_outputs_is_refused():
    student = StudentNet(quick_module())

    with pytest.raises(ValueError, match="one output for each of the 1 targets"):
        DistilledRegressor(TEACHERS, student).fit(*friedman(60))


def quick_module():
    from torch import nn

    class TwoOutputs(nn.Module):
        def __init__(self, n_features, n_outputs):
            super().__init__()
            self.out = nn.Linear(n_features, n_outputs + 1)

        def forward(self, X):
            return self.out(X)

    return TwoOutputs


@pytest.mark.parametrize(
    "student", [HistGradientBoostingRegressor(max_iter=50), DecisionTreeRegressor(max_depth=6)]
)
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_a_regressor_of_scikit_learn_can_be_the_student(student, loss):
    X, y = friedman()
    y = y - y.min()

    model = distilled([("forest", RandomForestRegressor(30))], loss=loss, cv="oob")
    model.set_params(student=student).fit(X, y, X_val=X, y_val=y)

    assert model.score(X, y) > 0.5
    assert 0 < model.report_["student"] < y.std()


def test_a_student_of_scikit_learn_learns_the_target_in_its_unit():
    X, y = friedman()

    for student in (
        PoissonRegressor(),
        TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp),
    ):
        model = distilled(TEACHERS[:1]).set_params(student=student).fit(X, y + 10)
        assert model.score(X, y + 10) > 0.3


def test_a_student_of_scikit_learn_predicts_no_quantiles():
    model = distilled(quantiles=(0.1, 0.9)).set_params(student=Ridge())

    with pytest.raises(ValueError, match="quantiles are outputs of a net, but student is a Ridge"):
        model.fit(*friedman(60))


@pytest.mark.parametrize(
    ("n_columns", "given", "expected"),
    [(5, {}, (512, 256)), (41, {}, (256, 256)), (5, {"module__hidden_sizes": (16,)}, (16,))],
)
def test_a_student_is_as_wide_as_was_set_or_as_the_number_of_columns_permits(
    n_columns, given, expected
):
    X, y = np.random.RandomState(0).normal(size=(60, n_columns)), np.arange(60.0)
    student = StudentNet(max_epochs=1, **given)

    reg = DistilledRegressor(LinearRegression(), student, cv=2, random_state=0).fit(X, y)

    assert tuple(bias.size for _, bias in reg.student_.weights[:-1]) == expected
