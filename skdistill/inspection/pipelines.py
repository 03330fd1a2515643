"""Fitted models at the end of pipelines and in searches: what they are, and what they weigh."""

import io
from contextlib import suppress
from copy import copy
from inspect import signature

import joblib
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if


def split_pipeline(estimator):
    """Return the steps in front of a student, a list of transformers, and the student."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if isinstance(estimator, Pipeline):
        transformers = [
            each for _, each in estimator.steps[:-1] if each not in (None, "passthrough")
        ]
        return transformers, estimator.steps[-1][1]
    return [], estimator


def is_ranker(model):
    """Tell whether the `fit` of a model takes queries, or that of the model at its end."""
    model = split_pipeline(model)[1]
    while isinstance(model, FrozenEstimator):
        model = model.estimator
    return hasattr(model, "fit") and "qid" in signature(model.fit).parameters


class AfterSteps:
    """A fitted model behind the fitted transformers of a pipeline."""

    def __init__(self, steps, model):
        self.steps, self.model = steps, model

    @classmethod
    def of(cls, steps, model):
        """Return the model itself where there are no transformers."""
        return cls(steps, model) if steps else model

    def __getattr__(self, name):
        if name in ("classes_", "quantiles_"):
            return getattr(self.model, name)
        raise AttributeError(name)

    @available_if(lambda self: hasattr(self.model, "predict_proba"))
    def predict_proba(self, X):
        """Return the probabilities of transformed rows."""
        return self.model.predict_proba(transformed(self.steps, X))

    def predict(self, X, **how):
        """Return the predictions of transformed rows."""
        return self.model.predict(transformed(self.steps, X), **how)


def transformed(steps, X):
    """Return rows as fitted transformers leave them."""
    for step in steps:
        X = step.transform(X)
    return X


def size_in_bytes(model):
    """Return the size of the joblib file of a model, in bytes, that of a student without teachers.

    These are the fitted ones that it was given or has kept. Pooled teachers count once: those
    that were fitted, and not those that were given. A search for a student counts as the
    best that it has found.
    """
    if hasattr(model, "teachers_"):  # a pool, of which what it was given has no part
        model = _without_teachers(model)
    elif hasattr(split_pipeline(model)[1], "student_"):
        model = _without_teachers(getattr(model, "best_estimator_", model))
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.tell()


def _without_teachers(model):
    """Return a copy of a student, or of a pipeline that ends with one."""
    model = copy(model)
    if isinstance(model, Pipeline):
        name, student = model.steps[-1]
        model.steps = [*model.steps[:-1], (name, _without_teachers(student))]
        return model
    if isinstance(model, FrozenEstimator):
        model.estimator = _without_teachers(model.estimator)
        return model
    for name in ("teacher_", "teachers"):
        with suppress(AttributeError):
            delattr(model, name)
    return model
