"""What `mlflow.sklearn.autolog()` logs of a fit: a run of the student, none of its teachers.

Left alone, MLflow knows the estimators of scikit-learn only, and logs each teacher on each fold.
"""

import re
import sys
from contextlib import nullcontext
from functools import wraps

from skdistill.warn import warn_user

LONGEST_VALUE = 6000  # of a parameter in MLflow
PARAMS_AT_ONCE = 100
# Arguments of `fit` without which a ranker has no score.
OF_ROWS = ("qid",)


def autologged(fit):
    """Decorate `fit`, so that MLflow logs it where autologging is on."""

    @wraps(fit)
    def fit_and_log(estimator, X, y, *args, **kwargs):
        # Whoever has switched autologging on has imported it.
        switches = sys.modules.get("mlflow.utils.autologging_utils")
        if switches is None or switches._AUTOLOGGING_GLOBALLY_DISABLED:
            return fit(estimator, X, y, *args, **kwargs)
        is_on = not switches.autologging_is_disabled("sklearn")
        # A search or a pipeline whose fit this is a part of logs itself.
        is_own = is_on and not switches._has_active_training_session()
        with _run() if is_own else nullcontext(), switches.disable_autologging():
            fit(estimator, X, y, *args, **kwargs)
            if is_own:
                of_rows = {name: kwargs[name] for name in OF_ROWS if name in kwargs}
                _log_safely(estimator, X, y, of_rows, switches)
        return estimator

    return fit_and_log


def _run():
    """Return the run that is active, or a new one, which ends with the fit."""
    import mlflow

    active = mlflow.active_run()
    return mlflow.start_run() if active is None else nullcontext()


def _log_safely(estimator, X, y, of_rows, switches):
    """Log a fit, and warn if that fails: the student of a long fit must not be lost."""
    try:
        _log_params(estimator)
        _log_results(estimator, X, y, of_rows)
        if switches.get_autologging_config("sklearn", "log_models", True):
            names = ("serialization_format", "registered_model_name")
            config = {name: switches.get_autologging_config("sklearn", name) for name in names}
            _log_model(estimator, config)
    except Exception as error:
        warn_user(
            f"MLflow could not log {type(estimator).__name__}, which is fitted nevertheless: "
            f"{type(error).__name__}: {error}"
        )


def _log_params(estimator):
    import mlflow

    params = [
        (_as_key(name), str(value)[:LONGEST_VALUE])
        for name, value in estimator.get_params().items()
    ]
    for start in range(0, len(params), PARAMS_AT_ONCE):
        mlflow.log_params(dict(params[start : start + PARAMS_AT_ONCE]))
    tags = {"estimator_name": type(estimator).__name__, "estimator_class": _class_of(estimator)}
    mlflow.set_tags(tags)


def _log_results(estimator, X, y, of_rows):
    import mlflow

    mlflow.log_metrics(metrics_of(estimator) | {"training_score": estimator.score(X, y, **of_rows)})
    report = {
        "report": estimator.report_,
        "teacher_weights": estimator.teacher_weights_,
        "teacher_scores": estimator.teacher_scores_,
        "candidates": estimator.candidates_,
        "history": estimator.history_,
        "fit_times": estimator.fit_times_,
    }
    mlflow.log_dict(report, "distillation.json")


def _log_model(estimator, config):
    import mlflow.sklearn

    trusted = [_class_of(estimator)]
    mlflow.sklearn.log_model(estimator, name="model", skops_trusted_types=trusted, **config)


def _as_key(name):
    """Replace the characters that MLflow refuses in a name."""
    return re.sub(r"[^-/ .\w]", "_", name, flags=re.ASCII)


def _class_of(estimator):
    return f"{type(estimator).__module__}.{type(estimator).__name__}"


def metrics_of(estimator):
    """Return the numbers of a fit by their names in MLflow.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor

    Returns
    -------
    metrics : dict of str to float
        Losses of `report_` and `teacher_scores_`, by what they are: "student_log_loss" or
        "student_rmse"; `alpha_`, a classifier's `temperature_`, and the seconds.
    """
    report, scores = dict(estimator.report_), estimator.teacher_scores_
    measure = estimator._score_name.lower().replace(" ", "_")
    metrics = {"gain_over_labels": report.pop("gain_over_labels", None)}
    metrics |= {f"{name}_{measure}": loss for name, loss in report.items()}
    for name, loss in scores.items():
        if name != "pool":  # the loss of "teachers" in the report
            metrics[_as_key(f"teacher_{measure}.{name}")] = loss
    metrics |= {"alpha": estimator.alpha_, "temperature": getattr(estimator, "temperature_", None)}
    metrics["fit_seconds"] = estimator.fit_times_["total"]
    return {name: float(value) for name, value in metrics.items() if value is not None}
