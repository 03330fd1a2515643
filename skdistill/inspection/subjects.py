"""The models of a report on one student: its teachers, their pool, its net on labels, itself."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if

from skdistill.inspection.pipelines import AfterSteps, is_ranker, split_pipeline, transformed
from skdistill.tasks.pooling import pool
from skdistill.tasks.regression_pool import pool_values

ALONE = "same "  # followed by "net on labels" or the like
STUDENT, POOL, TEACHER = "student", "pooled teachers", "teacher "  # followed by its name


def models_of(estimator, *, teachers=None, models=None, train=None):
    """Return what is known of a student: fitted models by name, the student last.

    Parameters
    ----------
    estimator : estimator
        A fitted student, a pipeline that ends with one, or a search over either.
    teachers : estimator, list of (str, estimator) or dict, default=None
        Fitted. None: those that the student has kept.
    models : dict of str to estimator, default=None
        More fitted models.
    train : tuple of (X, y, qid), default=None
        Rows to train the student's net on, without teachers; qid is None if it is no ranker.

    Returns
    -------
    models : dict of str to estimator
        "teacher NAME" of each teacher, "pooled teachers", `models`, "same net on labels" and
        "student", as far as they are known.
    """
    steps, student = split_pipeline(estimator)
    pooled, single = teachers_of(estimator, teachers)
    found = {f"{TEACHER}{name}": each for name, each in single.items()}
    if pooled is not None:
        found[POOL] = pooled
    more = _named(models)
    own = {*found, POOL, STUDENT, *([] if train is None else [name_on_labels(student)])}
    taken = [name for name in more if name in own]
    if taken:
        raise ValueError(
            f"models names {taken}, which the report itself uses: rename them, or pass the "
            "teachers as teachers."
        )
    found |= more
    if train is not None:
        found |= on_labels(steps, student, *train)
    return {**found, STUDENT: estimator}


def _named(models):
    if models is None:
        return {}
    if not isinstance(models, Mapping):
        raise ValueError(f"models must be a dict {{name: fitted model}}, got {models!r:.80}.")
    return dict(models)


def teachers_of(estimator, teachers=None):
    """Return the pooled teachers, and each of them by name, as far as they are known.

    Parameters
    ----------
    estimator : estimator
        A fitted student, a pipeline that ends with one, or a search over either.
    teachers : estimator, list of (str, estimator) or dict, default=None
        Fitted on the same columns as `estimator`. None: those that the student has kept.

    Returns
    -------
    pooled : estimator or None
        None too for given teachers of a ranker.
    single : dict of str to estimator
    """
    steps, student = split_pipeline(estimator)
    if teachers is None:
        pooled = getattr(student, "teacher_", None)
        if pooled is None:
            return None, {}
        single = {each.name: AfterSteps.of(steps, each) for each in pooled.teachers_}
        return AfterSteps.of(steps, pooled), single
    if hasattr(teachers, "teachers_"):
        return teachers, {each.name: each for each in teachers.teachers_}
    if _predicts(teachers):
        return teachers, {}
    try:
        named = list(teachers.items() if isinstance(teachers, Mapping) else teachers)
        single = dict(named)
    except (TypeError, ValueError):
        named, single = [], {}
    if not single or not all(map(_predicts, single.values())):
        raise ValueError(
            "teachers must be a fitted ensemble, or a list of (name, fitted teacher), got "
            f"{teachers!r:.80}."
        )
    if len(single) < len(named):
        raise ValueError(
            f"two of the teachers have one name, of {list(single)}: give each its own."
        )
    # Scores of rankers have scales of their own.
    return None if is_ranker(student) else GivenTeachers(single, student), single


def _predicts(model):
    return hasattr(model, "predict") or hasattr(model, "predict_proba")


class GivenTeachers:
    """Fitted teachers, pooled with the weights of a student, but not sharpened.

    Parameters
    ----------
    teachers : dict of str to estimator
        Fitted, all classifiers or all regressors.
    student : estimator
        Its `teacher_weights_` are used if they name these teachers; equal weights otherwise.
        Its `combination` is used, if it has one.
    """

    def __init__(self, teachers, student):
        self.teachers = list(teachers.values())
        weights = getattr(student, "teacher_weights_", {})
        is_known = set(weights) == set(teachers)
        weights = np.array([weights[name] if is_known else 1.0 for name in teachers])
        self.weights = weights / weights.sum()
        self.combination = getattr(student, "combination", "mean")

    @property
    def classes_(self):
        """The sorted labels."""
        first, *others = (np.unique(each.classes_) for each in self.teachers)
        for other in others:
            if first.tolist() != other.tolist():
                raise ValueError(
                    f"the teachers were fitted on different classes: {first.tolist()} and "
                    f"{other.tolist()}. Fit all of them on the same labels."
                )
        return first

    @available_if(lambda self: all(hasattr(each, "predict_proba") for each in self.teachers))
    def predict_proba(self, X):
        """Return pooled probabilities, the columns in the order of `classes_`."""
        probas = [each.predict_proba(X)[:, np.argsort(each.classes_)] for each in self.teachers]
        return pool(probas, self.weights, self.combination)

    @available_if(lambda self: not any(hasattr(each, "classes_") for each in self.teachers))
    def predict(self, X):
        """Return the pooled numbers of regressors."""
        values = np.stack([np.asarray(each.predict(X), dtype=float) for each in self.teachers])
        as_columns = values.reshape(*values.shape[:2], -1)
        return pool_values(as_columns, self.weights, self.combination).reshape(values.shape[1:])


def on_labels(steps, student, X, y, qid=None):
    """Train the net of a student without teachers, and return it by its name.

    Parameters
    ----------
    steps : list of transformers
        Fitted, in front of the student.
    student : DistilledClassifier or DistilledRegressor
        Fitted.
    X : table of shape (n_samples, ...)
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
    qid : array-like of shape (n_samples,), default=None
        For a ranker.

    Returns
    -------
    models : dict of str to estimator
    """
    if not hasattr(student, "_on_labels"):
        raise ValueError(
            f"X_train is for the net of a distilled student, but the estimator is a "
            f"{type(student).__name__}: pass a fitted net in models."
        )
    of_rows = {} if qid is None else {"qid": qid}
    if getattr(student, "class_weight", None) is not None:
        of_rows["sample_weight"] = compute_sample_weight(student.class_weight, y)
    net = student._on_labels().fit(transformed(steps, X), y, **of_rows)
    return {name_on_labels(student): AfterSteps.of(steps, net)}


def name_on_labels(student):
    """Return what a report calls the student's net without teachers."""
    kind = "net" if hasattr(getattr(student, "student_", None), "weights") else "model"
    if is_ranker(student):
        return f"{ALONE}{kind} on relevance"
    return f"{ALONE}{kind} on {'labels' if hasattr(student, 'classes_') else 'targets'}"
