"""The teachers as one classifier."""

import numpy as np
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import log_loss
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from skdistill._table import check_table, check_training_rows
from skdistill.teachers.cross_fitting import cross_fit, folds, warn_in_sample
from skdistill.teachers.pooling import COMBINATIONS, pool, pool_weights
from skdistill.teachers.zoo import default_teachers


class HasTeachers(MetaEstimatorMixin, ClassifierMixin, _BaseComposition):
    """What `TeacherEnsemble` and `DistilledClassifier` share: teachers with names."""

    def get_params(self, deep=True):
        """Get the parameters, those of each teacher as ``name__parameter`` if `deep`."""
        return self._get_params("teachers", deep=deep)

    def set_params(self, **params):
        """Set parameters, those of a teacher as ``name__parameter``.

        Naming one of the default teachers makes them explicit.
        """
        if self.teachers is None and "teachers" not in params:
            defaults = self._default_teachers()
            names = {name for name, _ in defaults}
            if any(key.partition("__")[0] in names for key in params):
                self.teachers = defaults
        self._set_params("teachers", **params)
        return self

    def _default_teachers(self):
        return default_teachers(categorical_features=self.categorical_features)

    def _named_teachers(self, rng):
        """The teachers that were not dropped, checked, each with a seed.

        Returns
        -------
        teachers : list of (str, classifier)
        """
        teachers = self.teachers
        if teachers is None:
            teachers = self._default_teachers()
        elif hasattr(teachers, "fit"):
            teachers = [(type(teachers).__name__.lower(), teachers)]
        if not (isinstance(teachers, (list, tuple)) and all(_is_named(item) for item in teachers)):
            raise ValueError(
                "teachers must be a classifier or a list of (name, classifier), as in "
                f"VotingClassifier, got {teachers!r}."
            )
        self._validate_names([name for name, _ in teachers])
        teachers = [(name, teacher) for name, teacher in teachers if not _is_dropped(teacher)]
        if not teachers:
            raise ValueError("teachers has none left: at least one must not be 'drop'.")
        for name, teacher in teachers:
            _check_teacher(name, teacher)
        return [(name, seeded_clone(teacher, rng)) for name, teacher in teachers]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        named = self.teachers if isinstance(self.teachers, (list, tuple)) else []
        teachers = [item[1] for item in named if _is_named(item) and not _is_dropped(item[1])]
        tags.input_tags.allow_nan = all(get_tags(each).input_tags.allow_nan for each in teachers)
        return tags


def _is_named(item):
    return isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str)


def _is_dropped(teacher):
    return isinstance(teacher, str) and teacher == "drop"


def _check_teacher(name, teacher):
    if isinstance(teacher, type) or not hasattr(teacher, "fit"):
        raise ValueError(
            f"Teacher {name!r} must be a classifier instance or 'drop', got {teacher!r}."
        )
    if not is_classifier(teacher):
        raise ValueError(f"Teacher {name!r} must be a classifier, got {teacher!r}.")
    if not hasattr(teacher, "predict_proba"):
        raise ValueError(
            f"Teacher {name!r} ({type(teacher).__name__}) has no predict_proba: choose a "
            "probabilistic setting of it, or wrap it in CalibratedClassifierCV."
        )


def seeded_clone(estimator, rng):
    """Clone, and give a seed to each `random_state` within that has none."""
    estimator = clone(estimator)
    params = estimator.get_params(deep=True)
    unset = [
        key
        for key in sorted(params)
        if (key == "random_state" or key.endswith("__random_state")) and params[key] is None
    ]
    if unset:
        estimator.set_params(**{key: int(rng.randint(np.iinfo(np.int32).max)) for key in unset})
    return estimator


class TeacherEnsemble(HasTeachers):
    """Cross-fitted, pooled classifiers: what a student is distilled from.

    Parameters
    ----------
    teachers : list of (str, classifier), classifier, or None, default=None
        As in `VotingClassifier`, "drop" included; None for `default_teachers`.
    weights : "auto", None, or array-like of shape (n_teachers,), default="auto"
        "auto": those with the lowest out-of-fold log loss; None: equal.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        See `pool`.
    cv : int, splitter, iterable or None, default=5
        Folds of the cross-fitting; None for in-sample targets.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        For the default teachers; others get the table as it is.
    n_jobs : int, default=None
        Teachers × folds fitted at once.
    random_state : int, RandomState or None, default=None
    verbose : int, default=0

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    teachers_ : list of FittedTeacher
        Fitted on all rows.
    weights_ : dict of str to float
        By teacher.
    scores_ : dict of str to float
        Out-of-fold log loss by teacher, and of their "pool".
    """

    def __init__(
        self,
        teachers=None,
        weights="auto",
        *,
        combination="mean",
        cv=5,
        categorical_features="from_dtype",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.teachers = teachers
        self.weights = weights
        self.combination = combination
        self.cv = cv
        self.categorical_features = categorical_features
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None):
        """Fit every teacher on all rows, and the weights on folds."""
        X, y, classes, sample_weight = check_training_rows(self, X, y, sample_weight)
        self.fit_soft_targets(X, y, classes, sample_weight)
        return self

    def fit_soft_targets(self, X, y, classes, sample_weight=None, *, refit=True):
        """Cross-fit the teachers and pool what they say of each row.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,), int
            Class indices.
        classes : ndarray of shape (n_classes,)
        sample_weight : ndarray of shape (n_samples,), default=None
        refit : bool, default=True
            Whether the teachers are wanted afterwards, fitted on all rows.

        Returns
        -------
        soft_targets : ndarray of shape (n_samples, n_classes)
            From teachers that never saw the row.
        """
        if self.combination not in COMBINATIONS:
            raise ValueError(
                f"combination must be one of {COMBINATIONS}, got {self.combination!r}."
            )
        rng = check_random_state(self.random_state)
        teachers = self._named_teachers(rng)
        X = check_table(self, X, reset=True)  # on its own it will be asked to predict
        n_classes = len(classes)
        # Bad weights are told before the hours of fitting, not after.
        pool_weights(
            None if isinstance(self.weights, str) else self.weights, [None] * len(teachers), y
        )
        if self.cv is None:
            warn_in_sample()
        each, self.teachers_ = cross_fit(
            teachers,
            X,
            y,
            classes,
            splits=None if self.cv is None else folds(self.cv, X, y, rng),
            sample_weight=sample_weight,
            refit=refit,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        weights = pool_weights(
            self.weights, each, y, combination=self.combination, sample_weight=sample_weight
        )
        pooled = pool(each, weights, self.combination)
        names = [name for name, _ in teachers]
        self.classes_ = classes
        self.weights_ = dict(zip(names, weights.tolist()))
        self.scores_ = {
            name: log_loss(y, p, labels=range(n_classes), sample_weight=sample_weight)
            for name, p in [*zip(names, each), ("pool", pooled)]
        }
        return pooled

    def predict_proba(self, X):
        """Pooled class probabilities, ndarray of shape (n_samples, n_classes)."""
        check_is_fitted(self)
        X = check_table(self, X, reset=False)
        each = np.stack([teacher.predict_proba(X) for teacher in self.teachers_])
        return pool(each, np.array(list(self.weights_.values())), self.combination)

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(1)]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "scores_")
