"""Teachers that need no fitting: black boxes, and classifiers that are fitted already."""

import warnings

import numpy as np
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from skdistill.soft_targets.fitted_teacher import FittedTeacher
from skdistill.soft_targets.targets import SoftTargets
from skdistill.tasks.probabilities import as_probabilities
from skdistill.teachers.callable_teacher import CallableTeacher


def is_prefit(teacher):
    """Tell whether a teacher needs no fitting, so that it need not be asked fold by fold."""
    return isinstance(teacher, (FrozenEstimator, CallableTeacher))


def check_prefit_within(teacher, task, y):
    """Refuse a teacher that holds a fitted classifier of other columns than 0, 1, 2…

    Parameters
    ----------
    teacher : classifier
        To be fitted on indices of the labels.
    task : Task
    y : ndarray of shape (n_samples,), int
        Class indices.
    """
    labels = None
    for within in getattr(teacher, "get_params", dict)().values():
        if not (is_prefit(within) and is_classifier(within)):
            continue
        labels = task.classes[np.unique(y)].tolist() if labels is None else labels
        classes = np.asarray(within.classes_).tolist()
        if not classes == list(range(len(labels))) == labels:
            raise ValueError(
                f"it holds a {type(within).__name__} of the classes {classes[:5]}, but is to be "
                f"fitted on indices of {labels[:5]}: fit the whole teacher and freeze that, or use "
                "labels 0, 1, 2…"
            )


class PrefitTeacher(FittedTeacher):
    """A teacher that needs no fitting: asked once for each row, whatever the folds.

    What is fitted to its answers, the scale of scores, is cheap: the folds do that.
    """

    def __init__(self, name, estimator, task):
        super().__init__(name, estimator, task)
        if isinstance(estimator, CallableTeacher):
            self.black_box = estimator
            estimator.check_labels(self.classes_)
        else:
            check_is_fitted(estimator)
            self.black_box = CallableTeacher(estimator.predict_proba, estimator.classes_)
            self._check_frozen_classes()
        own = self.black_box.classes_
        self._known = np.array([label in self.classes_ for label in own])
        self.columns = np.searchsorted(self.classes_, own[self._known])

    def ask(self, X):
        """Return its answers, before they are scaled: this is what costs."""
        return self.black_box.ask(X)

    def scale_and_label(self, answers, splits, data):
        """Make soft targets of answers.

        Parameters
        ----------
        answers : list of ndarray
            Of X, and of each table of unlabeled rows.
        splits : list of (train, test)
        data : TrainingData

        Returns
        -------
        soft_targets : SoftTargets
            `refitted` is what the scale fitted on all rows makes of them.
        """
        labeled = np.empty((len(data), data.task.n_outputs))
        means = [0.0] * len(data.unlabeled)
        everything = np.flatnonzero(data.counts)
        for train, test in [*splits, (everything, everything[:0])]:
            weight = None if data.sample_weight is None else data.sample_weight[train]
            self._scale(answers[0][train], data.y[train], weight)
            labeled[test] = self._label(answers[0][test])
            unlabeled = [self._label(answer) for answer in answers[1:]]
            if len(test):
                means = [mean + one / len(splits) for mean, one in zip(means, unlabeled)]
        return SoftTargets(labeled, means, unlabeled)

    def soft_targets(self, X):
        """Return the soft targets of rows, ndarray of shape (n_samples, n_classes)."""
        return self._label(self.ask(X))

    def _scale(self, answers, y, sample_weight):
        own = np.searchsorted(self.black_box.classes_, self.classes_)
        self.black_box.fit_answers(answers, own[y], sample_weight)

    def _label(self, answers):
        proba = as_probabilities(self.black_box.to_proba(answers), len(self._known))
        known = proba[:, self._known]
        total = known.sum(1, keepdims=True)
        if not (total > 0).all():
            raise ValueError(
                f"it gives no chance to any class of y for {(total <= 0).sum()} rows, first row "
                f"{int((total <= 0).argmax())}: y has {self.classes_.tolist()[:5]}, and it is sure "
                f"of {self.black_box.classes_[~self._known].tolist()[:5]}."
            )
        return self.task.in_place(known / total, self.columns)

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
