"""What the ensembles of teachers share: cross-fitting, pooling, and teachers fitted on all rows."""

import os
from collections.abc import Mapping
from numbers import Integral

import numpy as np
from joblib import Memory
from scipy.sparse import issparse
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from skdistill.jobs.memory import open_memory
from skdistill.jobs.processes import check_alike
from skdistill.jobs.seeds import repeatable_rng
from skdistill.sklearn_private import HasMethods, StrOptions
from skdistill.soft_targets.composition import TeachersMixin
from skdistill.soft_targets.cross_fitting import cross_fit, naming_teacher
from skdistill.soft_targets.targets import SoftTargets
from skdistill.table.containers import as_at_fit
from skdistill.table.splits import make_folds
from skdistill.table.training_data import TrainingData
from skdistill.table.validation import check_table
from skdistill.tasks.pooling import weights_by_name, weights_of
from skdistill.warn import warn_user

N_FOLDS = 5


class BaseTeacherEnsemble(TeachersMixin):
    """An ensemble of cross-fitted teachers with pooled predictions.

    A subclass names its task by `_task`, and turns pooled soft targets into predictions.
    """

    _task: type
    can_label = True
    _parameter_constraints: dict = {
        "teachers": [None, list, tuple, HasMethods(["fit", "get_params"])],
        "weights": [None, StrOptions({"auto"}), "array-like", Mapping],
        "cv": ["cv_object", StrOptions({"oob", "in_sample"})],
        "categorical_features": [None, StrOptions({"from_dtype"}), "array-like"],
        "memory": [None, str, os.PathLike, Memory],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

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
        """Fit the weights out of fold, and the teachers on all rows.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            For the pool, and for the teachers that accept weights. Only ratios matter.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are in the same fold, so they never label each other.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter, the data or a teacher's predictions are invalid, or if `cv` splits
            groups.
        """
        return self._fit(X, y, sample_weight, groups)

    def _fit(self, X, y, sample_weight, groups):
        self._forget()
        self._validate_params()
        check_alike(self)
        data = TrainingData.check(self, self._task, X, y, sample_weight, groups=groups)
        data.task.check_learnable(data.y, data.sample_weight)
        memory = open_memory(self.memory, self.random_state)
        self.fit_soft_targets(data, refit=True, keep=True, memory=memory)
        return self

    def fit_soft_targets(
        self, data, *, refit=False, keep=False, keep_folds=False, memory=None, clock=None
    ):
        """Cross-fit the teachers and pool their soft targets.

        Parameters
        ----------
        data : TrainingData
            Its validation rows are used neither for the folds' teachers nor for the weights.
        refit : bool, default=False
            Fit the teachers on all rows as well, including validation rows.
        keep : bool, default=False
            Keep the refitted teachers as `teachers_`.
        keep_folds : bool, default=False
            Keep the teachers of all folds, as the `labelers` of the soft targets.
        memory : Memory, default=None
            Opened by `open_memory`.
        clock : Clock, default=None
            Gets the seconds of each teacher.

        Returns
        -------
        soft_targets : SoftTargets
            Arrays of shape (n_samples, n_outputs), without those of `data.validation`, by which
            teachers and pool are scored.
        """
        task = data.task
        rng = repeatable_rng(self.random_state, memory)
        teachers = self._seeded_teachers(task, rng)
        names = [name for name, _ in teachers]
        weights = weights_by_name(self.weights, names)
        task.check_weights(weights, len(teachers))  # before hours of fitting
        by_teacher, self.teachers_ = cross_fit(
            teachers,
            data,
            splits=self._splits(data, rng),
            out_of_bag=self._is("oob"),
            refit=refit,
            keep=keep,
            keep_folds=keep_folds,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            memory=memory,
            clock=clock,
        )
        weights = weights_of(by_teacher.names, weights, names)
        names = by_teacher.names
        teachers = [each for each in teachers if each[0] in names]
        self._fit_pool(by_teacher.labeled, teachers, weights, data)
        rows, of_rows = data, by_teacher.labeled
        if data.validation is not None:
            rows, of_rows = data.validation, by_teacher.pop_last()
        soft_targets = by_teacher.map(self._pool)
        data.set_columns(self)
        self._is_sparse = issparse(data.X)
        scored = {**dict(zip(names, of_rows)), "pool": self._pool(of_rows)}
        self.scores_ = {
            name: task.score(rows.y, each, rows.sample_weight) for name, each in scored.items()
        }
        self.diversity_ = task.diversity(
            by_teacher.labeled, data.y, names, weights, self.combination, data.sample_weight
        )
        return soft_targets

    def label(self, X, labelers):
        """Return the pooled soft targets of unlabeled rows that are drawn after `fit_soft_targets`.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Checked, and of the type of the X in `fit`.
        labelers : list of Labeler
            Those of the soft targets.

        Returns
        -------
        soft_targets : SoftTargets
            With one table of unlabeled rows, and no labeled ones.
        """
        by_teacher = []
        for each in labelers:
            with naming_teacher(each.name, "the rows that the student asks about", X):
                by_teacher.append(each.label(X))
        names = [each.name for each in labelers]
        return SoftTargets.stack(by_teacher, names).map(self._pool)

    def _fit_pool(self, soft_targets, teachers, weights, data):
        """Fit the weights and the calibration of the pool, without the validation rows."""
        is_used = ~data.held_out
        # In-sample predictions are over-confident already.
        may_be_in_sample = any(isinstance(each, FrozenEstimator) for _, each in teachers)
        may_be_in_sample |= self._is("in_sample")
        fitted, self._calibration = data.task.fit_pool(
            soft_targets[:, is_used],
            data.y[is_used],
            weights,
            self.combination,
            sharpen=isinstance(weights, str) and len(teachers) > 1 and not may_be_in_sample,
            sample_weight=None if data.sample_weight is None else data.sample_weight[is_used],
        )
        self._fitted_task = data.task
        self.weights_ = {name: weight for (name, _), weight in zip(teachers, fitted.tolist())}

    def _pool(self, soft_targets):
        weights = np.array(list(self.weights_.values()))
        return self._fitted_task.pool(soft_targets, weights, self.combination, self._calibration)

    def _splits(self, data, rng):
        """Return the folds, or None for in-sample soft targets."""
        if self._is("in_sample"):
            warn_user(
                "cv='in_sample' labels each row with teachers that were fitted on it. They pass "
                "their overconfidence, and label noise in the case of forests, on to the student. "
                "Use cv=5 unless the teachers cannot overfit."
            )
            return None
        if self._is("oob") and data.groups is not None:
            raise ValueError(
                "cv='oob' splits groups, because it draws bags row by row: pass an int, or a "
                "splitter that respects groups, such as GroupKFold."
            )
        # With 'oob' too, teachers without out-of-bag predictions need folds.
        cv = N_FOLDS if self.cv is None or self._is("oob") else self.cv
        return make_folds(cv, data, rng)

    def _teacher_names(self):
        return self.weights_

    def _is(self, cv):
        return isinstance(self.cv, str) and self.cv == cv

    @property
    def named_teachers_(self):
        """The fitted teachers by name."""
        return Bunch(**{teacher.name: teacher for teacher in self.teachers_})

    def _pooled(self, X):
        """Return the pooled soft targets of any table, ndarray of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        X = as_at_fit(check_table(self, X, reset=False), self._is_sparse)
        soft_targets = []
        for teacher in self.teachers_:
            with naming_teacher(teacher.name, "the rows to predict", X):
                soft_targets.append(teacher.soft_targets(X))
        return self._pool(np.stack(soft_targets))

    def __sklearn_is_fitted__(self):
        return hasattr(self, "scores_")
