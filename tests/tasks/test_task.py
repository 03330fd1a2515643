"""The interface of a task suffices for another one: least squares, with a mean as pool."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import RegressorMixin, is_regressor
from sklearn.datasets import make_friedman1
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor
from torch import nn

from skdistill import DistilledClassifier
from skdistill.base import BaseDistilled
from skdistill.table.validation import check_rows
from skdistill.tasks.task import Task
from tests.small import quick_student


class SquaredError(nn.Module):
    """Squared distance to the teachers and to y, which is NaN where there is none."""

    def __init__(self, temperature=1.0, alpha=0.5):
        super().__init__()
        self.alpha = alpha

    def forward(self, outputs, targets):
        soft_targets, y, weight = targets[:, :1], targets[:, 1:2], targets[:, 2:]
        to_y = torch.nan_to_num(outputs - y).square()
        if not self.training:
            return (weight * to_y).mean()
        alpha = torch.where(y.isnan(), 1.0, self.alpha)
        to_teachers = (outputs - soft_targets).square()
        return (weight * (alpha * to_teachers + (1 - alpha) * to_y)).mean()


class LeastSquares(Task):
    """Numbers with mean zero and variance one, as soft targets of one column."""

    combinations = ("mean",)
    n_outputs = 1
    no_target = np.nan
    criterion = SquaredError

    def __init__(self, mean, scale):
        self.mean, self.scale = mean, scale
        self.attributes = {"mean_": mean, "scale_": scale}

    @classmethod
    def check(cls, estimator, X, y, sample_weight=None):
        X, y, sample_weight = check_rows(estimator, X, y, sample_weight)
        return cls(y.mean(), y.std()), X, (y - y.mean()) / y.std(), sample_weight

    def encode(self, y, sample_weight=None):
        return (y - self.mean) / self.scale, sample_weight

    def as_soft_targets(self, y):
        return y[:, None]

    def has_target(self, y):
        return ~np.isnan(y)

    def check_teacher(self, name, teacher):
        if not is_regressor(teacher):
            raise ValueError(f"Teacher {name!r} must be a regressor, got {teacher!r}.")

    def fit_teacher(self, estimator, X, y, sample_weight=None):
        estimator.fit(X, y, sample_weight)
        return np.array([0])

    def predict_teacher(self, estimator, columns, X):
        return self.place_columns(estimator.predict(X), columns, len(X))

    def predict_out_of_bag(self, estimator, columns, n_samples):
        return self.place_columns(estimator.oob_prediction_, columns, n_samples)

    def place_columns(self, predictions, columns, n_samples):
        return np.reshape(predictions, (n_samples, 1))

    def check_soft_targets(self, soft_targets, n_samples):
        return (np.reshape(soft_targets, (n_samples, 1)) - self.mean) / self.scale

    def check_weights(self, weights, n_teachers):
        pass

    def fit_pool(self, soft_targets, y, weights, combination, *, sharpen, sample_weight=None):
        errors = np.square(soft_targets[:, :, 0] - y).mean(1)
        return (1 / errors) / (1 / errors).sum(), 1.0

    def pool(self, soft_targets, weights, combination, sharpness):
        return np.einsum("t,tnk->nk", weights, soft_targets)

    def score(self, y, soft_targets, sample_weight=None):
        return float(np.average(np.square(soft_targets[:, 0] - y), weights=sample_weight))

    def diversity(self, soft_targets, y, names, weights, combination, sample_weight=None):
        return {"log_loss": dict(zip(names, np.square(soft_targets[:, :, 0] - y).mean(1)))}

    def row_losses(self, outputs, y):
        return np.square(outputs.numpy()[:, 0] - y)

    def check_student(self, student, *, has_weights):
        if not is_regressor(student):
            raise ValueError(f"student must be a regressor, got {student!r}.")

    def fit_student(self, student, X, soft_targets, y, alpha, sample_weight=None):
        alpha = np.where(self.has_target(y), alpha, 1.0)
        mixture = alpha * soft_targets[:, 0] + (1 - alpha) * np.nan_to_num(y)
        return student.fit(X, mixture, sample_weight), "identity"


class LeastSquaresStudent(RegressorMixin, BaseDistilled):
    """What a file of its own would hold for the task: predictions from the student's outputs."""

    _task = LeastSquares
    _parameter_constraints = {}
    __init__ = DistilledClassifier.__init__

    def predict(self, X):
        return self.mean_ + self.scale_ * self._outputs(X)[:, 0]


TEACHERS = [("tree", DecisionTreeRegressor(max_depth=6)), ("linear", LinearRegression())]


def friedman(n_samples, seed=0):
    return make_friedman1(n_samples, noise=0.5, random_state=seed)


def distilled(teachers=TEACHERS, **params):
    student = quick_student(max_epochs=12, module__hidden_sizes=(32,))
    return LeastSquaresStudent(teachers, student, **{"random_state": 0, "cv": 3} | params)


def test_a_combination_that_another_task_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"combination must be one of \('mean',\), got 'median'"):
        distilled(combination="median").fit(*friedman(60))


def test_another_task_distills_with_everything_that_is_automatic():
    X, y = friedman(1600)

    model = distilled(keep_teachers=True, temperature="auto").fit(X, y)

    X_new, y_new = friedman(500, seed=1)
    assert model.score(X_new, y_new) > 0.8
    assert 0 < model.candidates_[0]["alpha"] < 0.5  # the teachers explain most of the variance
    assert len(model.candidates_) > 1
    assert model.teacher_weights_["linear"] != model.teacher_weights_["tree"]
    assert not hasattr(model, "classes_")


def test_its_synthetic_and_unlabeled_rows_follow_the_teachers_alone():
    X, y = friedman(300)

    one, other = (
        distilled(alpha=alpha, augmenter=None).fit(X, y, X_unlabeled=friedman(900, seed=2)[0])
        for alpha in (0.0, 1.0)
    )

    assert np.corrcoef(one.predict(X), other.predict(X))[0, 1] > 0.8
    assert (one.predict(X) != other.predict(X)).any()


def test_its_student_is_plain_arrays_that_can_be_pickled():
    X, y = friedman(200)
    model = distilled().fit(X, y)

    again = pickle.loads(pickle.dumps(model))

    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_its_soft_targets_can_be_out_of_bag_or_computed_elsewhere():
    X, y = friedman(300)
    forest = RandomForestRegressor(40, random_state=0)

    of_bags = distilled([("forest", forest)], cv="oob").fit(X, y)
    elsewhere = distilled().fit(X, y, teacher_proba=forest.fit(X, y).predict(X))

    assert of_bags.score(X, y) > 0.5
    assert elsewhere.score(X, y) > 0.5


def test_its_validation_rows_are_on_the_scale_of_the_task():
    X, y = friedman(300)

    model = distilled().fit(X, y, X_val=X, y_val=y)

    standardized = (model.predict(X) - y) / y.std()
    np.testing.assert_allclose(np.square(standardized).mean(), model.report_["student"], atol=0.02)


def test_its_student_can_be_a_regressor():
    X, y = friedman(300)

    model = distilled(augmenter=None).set_params(student=RandomForestRegressor(40)).fit(X, y)

    assert model.score(X, y) > 0.8
    with pytest.raises(ValueError, match="student must be a regressor"):
        distilled().set_params(student=LogisticRegression()).fit(X, y)


def test_its_memory_groups_and_weights_work(tmp_path):
    X, y = friedman(300)
    groups, weight = np.arange(300) // 5, np.linspace(0, 1, 300)

    one, other = (
        distilled(memory=tmp_path).fit(X, y, sample_weight=weight, groups=groups) for _ in range(2)
    )

    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_a_teacher_of_another_task_is_refused_by_name():
    X, y = friedman(60)
    clf = DistilledClassifier(TEACHERS)

    with pytest.raises(ValueError, match="Teacher 'tree' must be a classifier"):
        clf.fit(X, (y > y.mean()).astype(int))
