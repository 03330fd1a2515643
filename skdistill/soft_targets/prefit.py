"""Prefit teachers: black boxes, and estimators that were fitted before."""

from functools import partial

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill.soft_targets.fitted_teacher import FittedTeacher
from skdistill.soft_targets.targets import SoftTargets
from skdistill.tasks.fitting import classifiers_on_labels
from skdistill.tasks.probabilities import as_probabilities
from skdistill.teachers.callable_teacher import CallableTeacher
from skdistill.warn import warn_user

# The loss of a teacher on rows that it was fitted on, relative to that on other rows.
CLEARLY_LOWER = 0.8


def is_prefit(teacher):
    """Tell whether a teacher needs no fitting, so that it predicts each row only once."""
    return isinstance(teacher, (FrozenEstimator, CallableTeacher))


def check_prefit_within(teacher, task):
    """Check the classes of prefit classifiers within a teacher.

    Parameters
    ----------
    teacher : classifier
    task : Classification

    Raises
    ------
    ValueError
        If one predicts classes that y does not have, or other columns than its neighbors in a
        vote.
    """
    for part in classifiers_on_labels(teacher):
        if is_prefit(part):
            own, labels = _classes_of(part), task.classes.tolist()
            if not set(own) <= set(labels):
                raise _other_classes(part, own, labels)
        elif isinstance(part, VotingClassifier):
            for each in [each for _, each in part.estimators if is_prefit(each)]:
                own, labels = _classes_of(each), task.classes.tolist()
                # A vote adds columns up, whatever they stand for.
                if own not in (labels, list(range(len(labels)))):
                    raise _other_classes(each, own, labels)


def _classes_of(prefit):
    check_is_fitted(prefit)
    return np.asarray(prefit.classes_).tolist()


def _other_classes(prefit, own, labels):
    return ValueError(
        f"it holds a {type(prefit).__name__} of the classes {own[:5]}, but y has the labels "
        f"{labels[:5]}: fit and freeze it on these."
    )


def prefit_teacher(name, estimator, task):
    """Return the `PrefitTeacher` of a prefit estimator."""
    kind = PrefitClassifier if task.kind == "classifier" else PrefitTeacher
    return kind(name, estimator, task)


class PrefitTeacher(FittedTeacher):
    """A prefit teacher, which predicts each row once for all folds."""

    def __init__(self, name, estimator, task):
        super().__init__(name, estimator, task)
        if not isinstance(estimator, CallableTeacher):
            check_is_fitted(estimator)
            estimator = self._as_black_box()
        self.black_box = estimator
        self.columns = np.arange(task.n_targets)

    def _as_black_box(self):
        predict = partial(self.task.raw_predictions, self.estimator)
        return CallableTeacher(predict, output="value")

    def raw_predictions(self, X):
        """Return the predictions before scaling; this is the expensive part."""
        return self.black_box.raw_predictions(X)

    def scale_and_label(self, raw, splits, data):
        """Convert raw predictions to soft targets.

        Parameters
        ----------
        raw : list of ndarray
            Raw predictions for X, and for each table of unlabeled rows.
        splits : list of (train, test)
        data : TrainingData

        Returns
        -------
        soft_targets : SoftTargets
            `refitted` uses the scaling that is fitted on all rows.
        """
        labeled = np.empty((len(data), data.task.n_targets))
        means = [0.0] * len(data.tables_to_label)
        all_rows = np.flatnonzero(data.counts)
        for train, test in [*splits, (all_rows, all_rows[:0])]:
            weight = None if data.sample_weight is None else data.sample_weight[train]
            self._fit_scaling(raw[0][train], data.y[train], weight)
            labeled[test] = self._label(raw[0][test])
            unlabeled = [self._label(each) for each in raw[1:]]
            if len(test):
                means = [mean + one / len(splits) for mean, one in zip(means, unlabeled)]
        return SoftTargets(labeled, means, unlabeled)

    def soft_targets(self, X):
        """Return the soft targets of rows, ndarray of shape (n_samples, n_targets)."""
        return self._label(self.raw_predictions(X))

    def _fit_scaling(self, raw, y, sample_weight):
        """Predicted targets need none."""

    def _label(self, raw):
        return self.task.place_columns(raw, self.columns, len(raw))


class PrefitClassifier(PrefitTeacher):
    """A prefit classifier.

    Only the scaling of scores is fitted, which is cheap, on each fold's training rows.
    """

    def __init__(self, name, estimator, task):
        super().__init__(name, estimator, task)
        if self.black_box is estimator:
            estimator.check_labels(self.classes_)
        else:
            self._check_frozen_classes()
        own = self.black_box.classes_
        self._known = np.array([label in self.classes_ for label in own])
        self.columns = np.searchsorted(self.classes_, own[self._known])

    def _as_black_box(self):
        return CallableTeacher(self.estimator.predict_proba, self.estimator.classes_)

    def _fit_scaling(self, raw, y, sample_weight):
        own = np.searchsorted(self.black_box.classes_, self.classes_)
        self.black_box.fit_scaling(raw, own[y], sample_weight)

    def _label(self, raw):
        proba = as_probabilities(self.black_box.to_proba(raw), (len(raw), len(self._known)))
        known = proba[:, self._known]
        total = known.sum(1, keepdims=True)
        if not (total > 0).all():
            raise ValueError(
                f"it gives all classes of y probability 0 for {(total <= 0).sum()} rows, first in "
                f"row {int((total <= 0).argmax())}. y has the classes "
                f"{self.classes_.tolist()[:5]}, but there it predicts only "
                f"{self.black_box.classes_[~self._known].tolist()[:5]}: drop such rows, or pass a "
                "teacher of the classes of y."
            )
        return self.task.place_columns(known / total, self.columns, len(raw))

    def _check_frozen_classes(self):
        own = np.asarray(self.estimator.classes_).tolist()
        unknown = set(own) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"it was fitted on classes that y does not have: {sorted(unknown)[:5]}. y has "
                f"{self.classes_.tolist()[:5]}: pass a teacher that was fitted on these."
            )
        if len(own) < 2:
            raise ValueError(
                f"it was fitted on one class only, {own}: pass a teacher of two or more classes."
            )


def warn_of_frozen(teachers):
    """Warn that a frozen estimator may label the rows it was fitted on.

    With validation rows, `warn_of_repeated_labels` can tell.
    """
    for name, teacher in teachers:
        if isinstance(teacher, FrozenEstimator):
            warn_user(
                f"Teacher {name!r} is frozen and labels the rows of X. If it was fitted on them, "
                "it repeats their labels, and it has seen the validation rows of the student. "
                "Pass it unfitted, or rows that it has not seen. In the latter case, silence this "
                "warning by warnings.filterwarnings('ignore', 'Teacher .* is frozen'). To be told "
                "how much is lost, pass X_val and y_val that it has not seen."
            )


def warn_of_repeated_labels(name, soft_targets, data):
    """Warn of a frozen estimator whose loss is clearly lower on X than on validation rows.

    Parameters
    ----------
    name : str
    soft_targets : SoftTargets
        The last table is that of the validation rows.
    data : TrainingData
    """
    own, rows = data.counts, data.validation
    weight = None if data.sample_weight is None else data.sample_weight[own]
    seen = data.task.score(data.y[own], soft_targets.labeled[own], weight)
    unseen = data.task.score(rows.y, soft_targets.unlabeled[-1], rows.sample_weight)
    loss = data.task.score_name
    if seen < CLEARLY_LOWER * unseen:
        warn_user(
            f"Teacher {name!r} is frozen, and its {loss} is {seen:.3g} on X but {unseen:.3g} on "
            "X_val: it was fitted on X, and repeats its labels to the student. Pass it unfitted, "
            "or rows that it has not seen."
        )
