"""`TeacherEnsemble`, the teachers as one classifier."""

import os
from collections.abc import Mapping
from numbers import Integral

import numpy as np
from joblib import Memory
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from skdistill.jobs.memory import open_memory
from skdistill.jobs.seeds import repeatable_rng
from skdistill.sklearn_private import HasMethods, StrOptions
from skdistill.soft_targets.composition import TeachersMixin
from skdistill.soft_targets.cross_fitting import cross_fit, naming_teacher
from skdistill.table.containers import as_at_fit
from skdistill.table.splits import make_folds
from skdistill.table.training_data import TrainingData
from skdistill.table.validation import check_table
from skdistill.tasks.classification import Classification
from skdistill.tasks.pooling import COMBINATIONS, weights_by_name, weights_of
from skdistill.warn import warn_user

N_FOLDS = 5


class TeacherEnsemble(ClassifierMixin, TeachersMixin):
    """An ensemble of cross-fitted classifiers with pooled predictions.

    `DistilledClassifier` distills such an ensemble into a student.

    Parameters
    ----------
    teachers : list of (str, classifier), classifier, or None, default=None
        As in `VotingClassifier`; "drop" instead of a classifier removes it. None uses
        `default_teachers`. They are fitted on the labels of y; XGBoost and skorch's nets, alone
        or within another teacher, on class indices.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        "auto" minimizes the out-of-fold log loss, then sharpens the pooled mean, which is
        under-confident where teachers disagree. None weights all teachers equally. A dict
        gives each teacher's weight by its name.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        How the teachers are pooled, see `pool`.
    cv : int, splitter, iterable, "oob", "in_sample" or None, default=5
        Folds of the cross-fitting. None is 5. "oob" fits teachers with out-of-bag predictions
        once, and the others on five folds. "in_sample" labels each row with teachers that were
        fitted on it, and warns.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        Which columns are categories, for the default teachers. Other teachers get the table
        unchanged.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder for the predictions of each teacher on each fold, see `DistilledClassifier`.
    n_jobs : int, default=None
        Number of fits at once, over teachers and folds.
    random_state : int, RandomState or None, default=None
        Seed of the folds, and of teachers without a seed of their own.
    verbose : int, default=0
        1 shows the progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X has string column names.
    teachers_ : list of FittedTeacher
        The teachers fitted on all rows. Each has `name`, `estimator`, `classes_` and
        `predict_proba`.
    named_teachers_ : Bunch
        The fitted teachers by name, as ``named_teachers_["rf"]`` or ``named_teachers_.rf``.
    weights_ : dict of str to float
        Weight of each teacher in the pool, by name.
    sharpness_ : float
        Exponent of the pooled probabilities, which is 1/T of temperature scaling. It is 1 unless
        `weights` is "auto", there are several teachers and none is frozen, `combination` is
        "mean" or "geometric", and `cv` is not "in_sample".
    scores_ : dict of str to float
        Out-of-fold log loss of each teacher, and of the "pool".
    diversity_ : dict
        Out-of-fold diversity of the teachers, as `skdistill.diversity` measures it.

    See Also
    --------
    DistilledClassifier : Trains such an ensemble, and a small net that predicts like it.
    default_teachers : The default teachers.
    pool : Combines predictions of teachers.
    diversity : Measures how teachers differ.

    Notes
    -----
    Let p_t be the out-of-fold probabilities of teacher t, which was not fitted on the row. With
    ``weights="auto"`` and ``combination="mean"``, the weights minimize the log loss of the pool
    p = Σ w_t p_t, subject to w_t ≥ 0 and Σ w_t = 1. A mean is under-confident where the teachers
    disagree [1]_. So the pool is raised to the power s (`sharpness_`) with the lowest log loss
    and normalized: p ∝ pˢ.

    References
    ----------
    .. [1] Ranjan and Gneiting, "Combining probability forecasts", 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import TeacherEnsemble
    >>> X, y = load_iris(return_X_y=True)
    >>> ensemble = TeacherEnsemble(
    ...     [("rf", RandomForestClassifier(20)), ("lr", LogisticRegression(max_iter=500))],
    ...     random_state=0,
    ... ).fit(X, y)
    >>> sorted(ensemble.weights_)
    ['lr', 'rf']
    >>> ensemble.predict_proba(X).shape
    (150, 3)
    """

    can_label = True
    _task = Classification
    _parameter_constraints = {
        "teachers": [None, list, tuple, HasMethods(["fit", "get_params"])],
        "weights": [None, StrOptions({"auto"}), "array-like", Mapping],
        "combination": [StrOptions(set(COMBINATIONS))],
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
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            For the pool, and for the teachers that accept weights. Only ratios matter.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are in the same fold, so they never label each other.

        Returns
        -------
        self : TeacherEnsemble

        Raises
        ------
        ValueError
            If a parameter, the data or a teacher's predictions are invalid, or if `cv` splits
            groups.
        """
        self._forget()
        self._validate_params()
        data = TrainingData.check(self, self._task, X, y, sample_weight, groups=groups)
        memory = open_memory(self.memory, self.random_state)
        self.fit_soft_targets(data, refit=True, keep=True, memory=memory)
        return self

    def fit_soft_targets(self, data, *, refit=False, keep=False, memory=None, clock=None):
        """Cross-fit the teachers and pool their soft targets.

        Parameters
        ----------
        data : TrainingData
            Its validation rows are used neither for the folds' teachers nor for the weights.
        refit : bool, default=False
            Fit the teachers on all rows as well, including validation rows.
        keep : bool, default=False
            Keep the refitted teachers as `teachers_`.
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
        if self.combination not in task.combinations:
            raise ValueError(
                f"combination must be one of {task.combinations}, got {self.combination!r}."
            )
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

    def _fit_pool(self, soft_targets, teachers, weights, data):
        """Fit the weights and the sharpness of the pool, without the validation rows."""
        is_used = ~data.held_out
        # In-sample predictions are over-confident already.
        may_be_in_sample = any(isinstance(each, FrozenEstimator) for _, each in teachers)
        may_be_in_sample |= self._is("in_sample")
        fitted, self.sharpness_ = data.task.fit_pool(
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
        return self._fitted_task.pool(soft_targets, weights, self.combination, self.sharpness_)

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
    def classes_(self):
        """The sorted labels."""
        return self._fitted_task.classes

    @property
    def named_teachers_(self):
        """The fitted teachers by name."""
        return Bunch(**{teacher.name: teacher for teacher in self.teachers_})

    def predict_proba(self, X):
        """Predict pooled class probabilities.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow `classes_`.
        """
        check_is_fitted(self)
        X = as_at_fit(check_table(self, X, reset=False), self._is_sparse)
        soft_targets = []
        for teacher in self.teachers_:
            with naming_teacher(teacher.name, "the rows to predict", X):
                soft_targets.append(teacher.soft_targets(X))
        return self._pool(np.stack(soft_targets))

    def predict(self, X):
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(1)]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "scores_")
