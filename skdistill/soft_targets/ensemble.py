"""The teachers as one classifier."""

import numpy as np
from scipy.sparse import issparse
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.utils.validation import check_is_fitted

from skdistill.jobs.memory import open_memory, repeatable_rng
from skdistill.soft_targets.composition import HasTeachers
from skdistill.soft_targets.cross_fitting import cross_fit, warn_in_sample
from skdistill.soft_targets.precomputed import check_groups
from skdistill.table.containers import as_at_fit
from skdistill.table.splits import folds
from skdistill.table.validation import check_table, check_training_rows
from skdistill.tasks.diversity import diversity
from skdistill.tasks.pooling import (
    COMBINATIONS,
    pool,
    pool_sharpness,
    pool_weights,
    sharpen,
)


class TeacherEnsemble(HasTeachers):
    """Cross-fitted, pooled classifiers: what a student is distilled from.

    Parameters
    ----------
    teachers : list of (str, classifier), classifier, or None, default=None
        As in `VotingClassifier`, "drop" included; None for `default_teachers`.
    weights : "auto", None, or array-like of shape (n_teachers,), default="auto"
        "auto": those with the lowest out-of-fold log loss, and the mean, arithmetic or
        geometric, is then sharpened as that asks for; None: equal.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        See `pool`.
    cv : int, splitter, iterable, "oob" or None, default=5
        Folds of the cross-fitting; "oob" for one fit of each teacher that has out-of-bag
        answers, and 5 folds for the others; None for in-sample targets.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        For the default teachers; others get the table as it is.
    memory : None, str, path-like or joblib.Memory, default=None
        Where what a teacher learnt on a fold is kept, see `DistilledClassifier`.
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
    sharpness_ : float
        The power that the pool is raised to; 1 where weights are given, there is one teacher or
        a frozen one, `combination` is no mean or `cv` is None.
    scores_ : dict of str to float
        Out-of-fold log loss by teacher, and of their "pool".
    diversity_ : dict
        How they differ and what each adds, out of fold: what `skdistill.diversity` measures,
        as plain data.
    """

    def __init__(
        self,
        teachers=None,
        weights="auto",
        *,
        combination="mean",
        cv=5,
        categorical_features="from_dtype",
        memory=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.teachers = teachers
        self.weights = weights
        self.combination = combination
        self.cv = cv
        self.categorical_features = categorical_features
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, sample_weight=None, *, groups=None):
        """Fit every teacher on all rows, and the weights on folds that keep groups together."""
        X, y, classes, sample_weight = check_training_rows(self, X, y, sample_weight)
        groups = check_groups(groups, len(y))
        memory = open_memory(self.memory, self.random_state)
        self.fit_soft_targets(
            X, y, classes, sample_weight, groups=groups, refit=True, keep=True, memory=memory
        )
        return self

    def fit_soft_targets(
        self,
        X,
        y,
        classes,
        sample_weight=None,
        *,
        groups=None,
        held_out=None,
        unlabeled=(),
        refit=False,
        keep=False,
        memory=None,
    ):
        """Cross-fit the teachers and pool what they say of each row.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,), int
            Class indices.
        classes : ndarray of shape (n_classes,)
        sample_weight : ndarray of shape (n_samples,), default=None
        groups : ndarray of shape (n_samples,), default=None
            Rows of one group are not to label each other.
        held_out : ndarray of bool of shape (n_samples,), default=None
            Rows that neither a fold's teachers nor the weights are fitted on.
        unlabeled : sequence of tables of shape (n_unlabeled, n_features), default=()
        refit : bool, default=False
            Whether to fit the teachers on all rows too, those held out among them.
        keep : bool, default=False
            Whether these are wanted afterwards, as `teachers_`.
        memory : Memory, default=None
            Open, as `open_memory` returns it.

        Returns
        -------
        soft_targets : ndarray of shape (n_samples, n_classes)
            From teachers that never saw the row.
        of_folds : list of ndarray of shape (n_unlabeled, n_classes)
            For each table of unlabelled rows, from all folds' teachers on average.
        of_all : list of ndarray of shape (n_unlabeled, n_classes)
            With `refit` from teachers fitted on all rows; else the same.
        """
        if self.combination not in COMBINATIONS:
            raise ValueError(
                f"combination must be one of {COMBINATIONS}, got {self.combination!r}."
            )
        rng = repeatable_rng(self.random_state, memory)
        teachers = self._named_teachers(rng)
        X = check_table(self, X, reset=True)  # on its own it will be asked to predict
        n_classes = len(classes)
        # Bad weights are told before the hours of fitting, not after.
        is_auto = isinstance(self.weights, str) and self.weights == "auto"
        pool_weights(None if is_auto else self.weights, [None] * len(teachers), y)
        splits = self._splits(X, y, rng, groups)
        each, by_folds, by_all, self.teachers_ = cross_fit(
            teachers,
            X,
            y,
            classes,
            splits=splits,
            sample_weight=sample_weight,
            held_out=held_out,
            unlabeled=unlabeled,
            out_of_bag=self._is_out_of_bag(),
            refit=refit,
            keep=keep,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            memory=memory,
        )
        known = np.ones(len(y), dtype=bool) if held_out is None else ~held_out
        weight = None if sample_weight is None else sample_weight[known]
        self._fit_pool(teachers, each[:, known], y[known], weight)
        pooled = self._pooled(each)
        names = [name for name, _ in teachers]
        self.classes_, self.sparse_ = classes, issparse(X)
        self.scores_ = {
            name: log_loss(y, p, labels=range(n_classes), sample_weight=sample_weight)
            for name, p in [*zip(names, each), ("pool", pooled)]
        }
        self.diversity_ = diversity(
            each, y, names, self.weights, combination=self.combination, sample_weight=sample_weight
        ).to_dict()
        return pooled, *([self._pooled(each) for each in tables] for tables in (by_folds, by_all))

    def _splits(self, X, y, rng, groups):
        """The folds; None where each teacher is to label the rows it was fitted on."""
        if self.cv is None:
            warn_in_sample()
            return None
        if self._is_out_of_bag() and groups is not None:
            raise ValueError(
                "cv='oob' tears groups apart, as bags are drawn row by row: give an int, or a "
                "splitter that heeds groups, such as GroupKFold."
            )
        # Teachers without bags need folds all the same.
        return folds(5 if self._is_out_of_bag() else self.cv, X, y, rng, groups)

    def _fit_pool(self, teachers, each, y, sample_weight):
        """Find the weights and the sharpness of the pool on rows that may tell them."""
        weights = pool_weights(
            self.weights, each, y, combination=self.combination, sample_weight=sample_weight
        )
        self.weights_ = {name: weight for (name, _), weight in zip(teachers, weights.tolist())}
        self.sharpness_ = 1.0
        if self._is_sharpened(teachers):
            self.sharpness_ = pool_sharpness(self._pooled(each), y, sample_weight=sample_weight)

    def _is_sharpened(self, teachers):
        """A mean of several, by rows that they do not know, unless the user gave weights."""
        is_mean = len(teachers) > 1 and self.combination in ("mean", "geometric")
        may_know = self.cv is None or any(isinstance(t, FrozenEstimator) for _, t in teachers)
        return is_mean and isinstance(self.weights, str) and not may_know

    def _pooled(self, each):
        pooled = pool(each, np.array(list(self.weights_.values())), self.combination)
        return sharpen(pooled, self.sharpness_)

    def _is_out_of_bag(self):
        return isinstance(self.cv, str) and self.cv == "oob"

    def predict_proba(self, X):
        """Pooled class probabilities, ndarray of shape (n_samples, n_classes)."""
        check_is_fitted(self)
        X = as_at_fit(check_table(self, X, reset=False), self.sparse_)
        each = np.stack([teacher.predict_proba(X) for teacher in self.teachers_])
        return self._pooled(each)

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(1)]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "scores_")
