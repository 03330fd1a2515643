"""What MLflow keeps of a student: the model, and by autologging how it was trained."""

import json
import logging

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import model_selection
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import DistilledRanker
from tests.small import (
    numeric_rows,
    quick_classifier,
    quick_regressor,
    quick_student,
    small_default_classifier,
)

TRUSTED = ["skdistill.classifier.DistilledClassifier"]
pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    """MLflow with a data base of its own."""
    mlflow = pytest.importorskip("mlflow", reason="needs MLflow: pip install 'skdistill[mlflow]'")
    folder = tmp_path_factory.mktemp("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/runs.db")
    mlflow.create_experiment("students", artifact_location=folder.as_uri())
    yield mlflow
    mlflow.set_tracking_uri(None)


@pytest.fixture
def autologging(mlflow, request):
    """MLflow that logs each fit; an experiment of its own for each test."""
    folder = mlflow.get_experiment_by_name("students").artifact_location
    experiment = mlflow.create_experiment(request.node.name, artifact_location=folder)
    mlflow.set_experiment(experiment_id=experiment)
    mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
    yield mlflow
    mlflow.sklearn.autolog(disable=True, silent=True)


def trees(**params):
    tree = DecisionTreeClassifier(random_state=0)
    return quick_classifier([("tree", tree), ("my stump!", DecisionTreeClassifier())], **params)


def runs(mlflow):
    return mlflow.search_runs(output_format="list")


def fitted_defaults():
    X, y = numeric_rows()
    return small_default_classifier().fit(X, y).set_params(teachers=None, student=None), X


@pytest.mark.integration("MLflow", "log_model, by skops and cloudpickle", package="mlflow")
@pytest.mark.parametrize(
    "settings",
    [{"skops_trusted_types": TRUSTED}, {"serialization_format": "cloudpickle"}],
    ids=["skops", "cloudpickle"],
)
def test_a_logged_model_comes_back(mlflow, settings):
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    clf, X = fitted_defaults()
    mlflow.set_experiment("students")

    how = {"pyfunc_predict_fn": "predict_proba", "pip_requirements": ["skdistill"]}
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(clf, name="student", **settings, **how)

    expected = clf.predict_proba(X)
    assert_array_equal(mlflow.sklearn.load_model(info.model_uri).predict_proba(X), expected)
    assert_array_equal(mlflow.pyfunc.load_model(info.model_uri).predict(X), expected)


@pytest.mark.integration("MLflow", "autolog: one run for a fit", package="mlflow")
def test_a_fit_is_logged_as_one_run(autologging):
    X, y = numeric_rows()
    clf = trees(temperature=2.0).fit(X, y)

    [run] = runs(autologging)
    assert run.info.status == "FINISHED"
    assert run.data.tags["estimator_class"] == TRUSTED[0]
    assert run.data.params["temperature"] == "2.0"
    assert run.data.params["tree__random_state"] == "0"
    metrics = run.data.metrics
    assert metrics["teachers_log_loss"] == clf.teacher_scores_["pool"]
    assert metrics["teacher_log_loss.my stump_"] == clf.teacher_scores_["my stump!"]
    assert metrics["student_log_loss"] == clf.report_["student"]
    assert metrics["training_score"] == clf.score(X, y)
    assert "distillation.json" in artifacts(autologging, run)


@pytest.mark.parametrize(
    ("loss", "measure"), [("squared_error", "rmse"), ("absolute_error", "mae")]
)
def test_a_regressors_losses_are_logged_by_their_name(autologging, loss, measure):
    X, y = numeric_rows()
    reg = quick_regressor(loss=loss).fit(X, y + X[:, 0])

    [run] = runs(autologging)
    metrics = run.data.metrics
    assert run.data.tags["estimator_class"] == "skdistill.regressor.DistilledRegressor"
    assert metrics[f"teachers_{measure}"] == reg.teacher_scores_["pool"]
    assert metrics[f"teacher_{measure}.tree"] == reg.teacher_scores_["tree"]
    assert metrics["training_score"] == reg.score(X, y + X[:, 0])
    assert not {name for name in metrics if "log_loss" in name or name == "temperature"}


def test_a_regressor_is_logged_as_a_model(autologging):
    X, y = numeric_rows()
    autologging.sklearn.autolog(log_datasets=False, silent=True)
    reg = quick_regressor().fit(X, y + X[:, 0])

    [model] = autologging.search_logged_models(output_format="list")
    loaded = autologging.sklearn.load_model(model.model_uri)
    assert_array_equal(loaded.predict(X), reg.predict(X))


def test_a_ranker_is_scored_within_its_queries(autologging):
    X, y = numeric_rows()
    tree, qid = DecisionTreeRegressor(max_depth=3, random_state=0), np.arange(len(y)) // 6
    ranker = DistilledRanker(tree, quick_student(), cv=2, alpha=0.5, augmenter=None, random_state=0)
    ranker.fit(X, y, qid=qid)

    [run] = runs(autologging)
    metrics = run.data.metrics
    assert metrics["training_score"] == ranker.score(X, y, qid=qid)
    assert ranker.teacher_scores_["pool"] in metrics.values()


def artifacts(mlflow, run):
    """The contents of a run's files by their names."""
    client = mlflow.MlflowClient()
    paths = [file.path for file in client.list_artifacts(run.info.run_id)]
    uri = run.info.artifact_uri
    return {path: mlflow.artifacts.load_text(f"{uri}/{path}") for path in paths}


def test_the_report_is_logged_as_a_file(autologging):
    X, y = numeric_rows()
    clf = trees().fit(X, y)

    logged = json.loads(artifacts(autologging, runs(autologging)[0])["distillation.json"])
    assert logged["report"] == clf.report_
    assert logged["teacher_weights"] == clf.teacher_weights_
    assert len(logged["history"]) == clf.n_iter_


def test_hundreds_of_parameters_are_logged_in_the_run_that_is_active(autologging):
    X, y = numeric_rows()
    with autologging.start_run() as mine:
        small_default_classifier().fit(X, y)

    [run] = runs(autologging)
    assert run.info.run_id == mine.info.run_id
    assert len(run.data.params) > 200


def test_a_search_logs_itself_and_its_candidates(autologging):
    X, y = numeric_rows()
    model_selection.GridSearchCV(trees(), {"alpha": [0.0, 1.0]}, cv=2).fit(X, y)

    names = sorted(run.data.tags["estimator_name"] for run in runs(autologging))
    assert names == ["DistilledClassifier"] * 2 + ["GridSearchCV"]


def test_fits_of_a_cross_validation_are_not_logged(autologging):
    X, y = numeric_rows()
    model_selection.cross_val_score(trees(), X, y, cv=2)

    assert not runs(autologging)


def test_a_failed_fit_is_logged_as_failed(autologging):
    X, y = numeric_rows()
    with pytest.raises(ValueError, match="alpha"):
        trees(alpha=2.0).fit(X, y)

    assert [run.info.status for run in runs(autologging)] == ["FAILED"]


def test_a_student_is_fitted_although_it_cannot_be_logged(autologging, monkeypatch):
    X, y = numeric_rows()

    def refuse(*args, **kwargs):
        raise OSError("no connection")

    monkeypatch.setattr(autologging, "log_metrics", refuse)
    with pytest.warns(UserWarning, match="could not log DistilledClassifier.*no connection"):
        clf = trees().fit(X, y)

    assert clf.predict(X).shape == y.shape


def test_nothing_is_logged_where_autologging_is_off(autologging):
    X, y = numeric_rows()
    autologging.sklearn.autolog(disable=True, silent=True)
    trees().fit(X, y)

    assert not runs(autologging)


def test_the_model_is_logged_where_models_are(autologging):
    X, y = numeric_rows()
    autologging.sklearn.autolog(log_datasets=False, silent=True)
    clf = trees().fit(X, y)

    [model] = autologging.search_logged_models(output_format="list")
    loaded = autologging.sklearn.load_model(model.model_uri)
    assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
