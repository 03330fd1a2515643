"""`history_` is a list of plain dicts, one for each epoch, whoever was trained."""

import json
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from skorch import NeuralNet
from torch import nn

import skdistill
from skdistill import (
    DistilledRanker,
    NetClassifier,
    NetRanker,
    NetRegressor,
    StudentMLP,
    TableRegressor,
    TensorNet,
)
from tests.small import (
    Linear,
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
    rows_and_targets,
)

X, Y = numeric_rows(120)
QID = np.repeat(np.arange(12), 10)
KEYS = {"epoch": int, "train_loss": float, "valid_loss": float, "lr": float}


def few_epochs(**params):
    return TensorNet(StudentMLP, max_epochs=3, **params)


def plain_net(**params):
    params = {"criterion": nn.CrossEntropyLoss, "max_epochs": 3, "lr": 0.1, "verbose": 0} | params
    return NeuralNet(Linear, **params)


def loaded(tmp_path):
    path = tmp_path / "student.safetensors"
    quick_classifier().fit(X, Y).save(path)
    return skdistill.load(path)


def warm_started(tmp_path):
    return quick_classifier(warm_start=True).fit(X, Y).fit(X, Y)


def ranker(tmp_path):
    teacher = TableRegressor(DecisionTreeRegressor(max_depth=3, random_state=0))
    model = DistilledRanker(teacher, quick_student(), cv=2, augmenter=None, random_state=0)
    return model.fit(X, Y, qid=QID)


def teacher_among_folds(tmp_path):
    net = NetClassifier(few_epochs(), side_by_side=True, random_state=0)
    clf = quick_classifier([("net", net)], keep_teachers=True).fit(X, Y)
    return clf.teacher_.named_teachers_["net"].estimator


TRAINED = {
    "classifier": lambda _: quick_classifier().fit(X, Y),
    "classifier of trees": lambda _: quick_classifier(student=DecisionTreeClassifier()).fit(X, Y),
    "plain skorch": lambda _: quick_classifier(student=plain_net()).fit(X, Y),
    "regressor": lambda _: quick_regressor().fit(*rows_and_targets()),
    "ranker": ranker,
    "warm-started": warm_started,
    "loaded": loaded,
    "net classifier": lambda _: NetClassifier(few_epochs(), random_state=0).fit(X, Y),
    "net regressor": lambda _: NetRegressor(few_epochs()).fit(*rows_and_targets()),
    "net ranker": lambda _: NetRanker(few_epochs()).fit(X, Y, qid=QID),
    "teacher of plain skorch": lambda _: NetClassifier(plain_net()).fit(X, Y),
    "teacher of an ensemble": teacher_among_folds,
}


@pytest.mark.parametrize("fit", TRAINED.values(), ids=TRAINED)
def test_it_is_a_list_of_plain_dicts_that_json_holds(fit, tmp_path):
    history = fit(tmp_path).history_

    assert type(history) is list
    assert json.loads(json.dumps(history, allow_nan=False)) == history
    assert [record["epoch"] for record in history] == [*range(1, len(history) + 1)]
    for record in history:
        assert type(record) is dict
        assert "train_loss" in record
        assert all(type(value) is KEYS[key] for key, value in record.items())


def test_the_learning_rate_is_that_of_the_epoch():
    clf = quick_classifier(student=quick_student(lr=0.1, max_epochs=4)).fit(X, Y)

    annealed = [0.05 * (1 + math.cos(math.pi * epoch / 4)) for epoch in range(4)]
    assert_allclose([record["lr"] for record in clf.history_], annealed)


def test_folds_trained_side_by_side_have_the_rates_of_a_single_net():
    nets = [NetClassifier(few_epochs(), side_by_side=on, random_state=0) for on in (True, False)]
    rates = []
    for net in nets:
        clf = quick_classifier([("net", net)], keep_teachers=True).fit(X, Y)
        fitted = clf.teacher_.named_teachers_["net"].estimator
        rates.append([record["lr"] for record in fitted.history_])

    assert_allclose(*rates)


def test_without_validation_rows_there_is_no_validation_loss():
    clf = quick_classifier(validation_fraction=None).fit(X, Y)

    assert not any("valid_loss" in record for record in clf.history_)


def test_after_more_training_it_is_that_of_the_last_fit():
    clf = quick_classifier(student=quick_student(max_epochs=5), warm_start=True).fit(X, Y)

    clf.set_params(student__max_epochs=2).fit(X, Y)

    assert [record["epoch"] for record in clf.history_] == [1, 2]
