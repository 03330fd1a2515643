"""Teachers that need no fitting: black boxes, and classifiers that are fitted already."""

import warnings
from functools import partial

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill.jobs.runner import naming, recall_or_make
from skdistill.soft_targets.fitted_teacher import FittedTeacher
from skdistill.tasks.probabilities import as_probabilities
from skdistill.teachers.callable_teacher import CallableTeacher


def is_ready(teacher):
    """Whether a teacher needs no fitting, so that it need not be asked fold by fold."""
    return isinstance(teacher, (FrozenEstimator, CallableTeacher))


def check_what_is_ready_within(teacher, labels):
    """Refuse a teacher that holds a classifier which calls its columns other than 0, 1, 2…

    Parameters
    ----------
    teacher : classifier
        To be fitted on indices of the labels.
    labels : list
        Sorted.
    """
    indices = list(range(len(labels)))
    for within in getattr(teacher, "get_params", dict)().values():
        if not (is_ready(within) and is_classifier(within)):
            continue
        classes = np.asarray(within.classes_).tolist()
        if not classes == indices == labels:
            raise ValueError(
                f"it holds a {type(within).__name__} of the classes {classes[:5]}, but is to be "
                f"fitted on indices of {labels[:5]}: fit the whole teacher and freeze that, or use "
                "labels 0, 1, 2…"
            )


class ReadyTeacher(FittedTeacher):
    """A teacher that needs no fitting: asked once for a row, whatever the folds.

    Where there is something to be fitted to its answers, which is cheap, the folds do it.
    """

    def __init__(self, name, estimator, classes):
        super().__init__(name, estimator, classes)
        if isinstance(estimator, CallableTeacher):
            self.black_box = estimator
            estimator.check_labels(classes)
        else:
            check_is_fitted(estimator)
            self.black_box = CallableTeacher(estimator.predict_proba, estimator.classes_)
            self._check_frozen_classes()
        own = self.black_box.classes_
        self._known = np.array([label in classes for label in own])
        self.columns = np.searchsorted(classes, own[self._known])

    def ask(self, X):
        """What it says of rows, before it is scaled: what costs."""
        return self.black_box.ask(X)

    def fit_answers(self, answers, y, sample_weight=None):
        """Fit what has to be fitted to its answers."""
        own = np.searchsorted(self.black_box.classes_, self.classes_)
        self.black_box.fit_answers(answers, own[y], sample_weight)
        return self

    def label(self, answers):
        """Probabilities from answers, ndarray of shape (n_samples, n_classes)."""
        given = as_probabilities(self.black_box.to_proba(answers), len(self._known))
        known = given[:, self._known]
        left = known.sum(1, keepdims=True)
        if not (left > 0).all():
            raise ValueError(
                f"it gives no chance to any class of y for {(left <= 0).sum()} rows, first row "
                f"{int((left <= 0).argmax())}: y has {self.classes_.tolist()[:5]}, and it is sure "
                f"of {self.black_box.classes_[~self._known].tolist()[:5]}."
            )
        return self.in_place(known / left)

    def predict_proba(self, X):
        """Probabilities of shape (n_samples, n_classes), float64; rows sum to one."""
        return self.label(self.ask(X))

    def _check_frozen_classes(self):
        own = np.asarray(self.estimator.classes_).tolist()
        unknown = set(own) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"it was fitted on classes that y does not have: {sorted(unknown)[:5]}, and y "
                f"has {self.classes_.tolist()[:5]}."
            )
        if len(own) < 2:
            raise ValueError(f"it knows one class only, {own}, and has nothing to teach.")


def ask_ready(teachers, rows, recipes, memory, verbose):
    """Ask the teachers that need no fitting, each once for a row, whatever the folds.

    In this process and in turn: a client or a model on a GPU can seldom be pickled.

    Returns
    -------
    asked : dict of int to list of ndarray
        Answers for X and for each table of unlabelled rows, by teacher.
    """
    X, _, classes, _, unlabeled = rows
    tables = [("all rows", X)]
    tables += [(f"unlabelled rows {k}", table) for k, table in enumerate(unlabeled, 1)]
    ready = [t for t, (_, teacher) in enumerate(teachers) if is_ready(teacher)]
    tasks = [(t, where, table) for t in ready for where, table in tables]
    pieces = {
        f"{teachers[t][0]}, {where}": partial(_ask, teachers[t], where, table, classes)
        for t, where, table in tasks
    }
    keys = [recipes[t] and memory.key(recipes[t], memory.table(X)) for t, _, X in tasks]
    answers = recall_or_make(pieces, keys, memory, 1, verbose)
    return {t: [a for (u, _, _), a in zip(tasks, answers) if u == t] for t in ready}


def _ask(named, where, X, classes):
    name, teacher = named
    with naming(name, where, X):
        return ReadyTeacher(name, clone(teacher), classes).ask(X)


def label_answers(named, answers, splits, counted, rows):
    """As `cross_fit` of one teacher, from what it has answered.

    Returns
    -------
    soft_targets : ndarray of shape (n_samples, n_classes)
    of_folds, of_all : list of ndarray of shape (n_unlabeled, n_classes)
    fitted : ReadyTeacher
    """
    name, teacher = named
    X, y, classes, sample_weight, _ = rows
    soft_targets = np.empty((len(y), len(classes)))
    of_folds = [0.0] * len(answers[1:])
    with naming(name, "all rows", X):
        ready = ReadyTeacher(name, clone(teacher), classes)
        for train, test in [*splits, (counted, [])]:
            weight = None if sample_weight is None else sample_weight[train]
            ready.fit_answers(answers[0][train], y[train], weight)
            soft_targets[test] = ready.label(answers[0][test])
            labelled = [ready.label(answer) for answer in answers[1:]]
            if len(test):
                of_folds = [total + proba / len(splits) for total, proba in zip(of_folds, labelled)]
    return soft_targets, of_folds, labelled, ready


def warn_of_frozen(teachers):
    """Say, once for each, that a fitted classifier may label the rows it was fitted on."""
    for name, teacher in teachers:
        if isinstance(teacher, FrozenEstimator):
            warnings.warn(
                f"Teacher {name!r} is frozen and labels the rows of X: if it was fitted on them, "
                "it repeats their labels, and the rows that judge the student are not new to it. "
                "Pass it unfitted, or rows that it has not seen; for those, silence this with "
                "warnings.filterwarnings('ignore', 'Teacher .* is frozen').",
                UserWarning,
                stacklevel=5,
            )
