"""The teachers as one classifier."""

import warnings
from collections.abc import Mapping

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from skdistill.jobs.memory import open_memory
from skdistill.jobs.seeds import repeatable_rng
from skdistill.soft_targets.composition import TeachersMixin
from skdistill.soft_targets.cross_fitting import cross_fit
from skdistill.table.containers import as_at_fit
from skdistill.table.splits import make_folds
from skdistill.table.training_data import TrainingData
from skdistill.table.validation import check_table
from skdistill.tasks.classification import Classification

N_FOLDS = 5


class TeacherEnsemble(ClassifierMixin, TeachersMixin):
    """Cross-fitted, pooled classifiers: what a student is distilled from.

    Parameters
    ----------
    teachers : list of (str, classifier), classifier, or None, default=None
        As in `VotingClassifier`, "drop" included; None for `default_teachers`.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        "auto" minimises the out-of-fold log loss, then sharpens the pooled mean, which is
        under-confident where teachers disagree. None weights all teachers equally. A dict
        gives each teacher's weight by its name.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        See `pool`.
    cv : int, splitter, iterable, "oob", "in_sample" or None, default=5
        Folds of the cross-fitting; None for five. "oob" fits each teacher that has out-of-bag
        predictions once, and the others on five folds. "in_sample" labels each row with
        teachers that were fitted on it, and warns.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        For the default teachers; others get the table as it is.
    memory : None, str, path-like or joblib.Memory, default=None
        Where the predictions of each teacher on each fold are kept, see `DistilledClassifier`.
    n_jobs : int, default=None
        Teachers × folds fitted at once.
    random_state : int, RandomState or None, default=None
    verbose : int, default=0

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    teachers_ : list of FittedTeacher
        Fitted on all rows; each has a `name`, `classes_` and `predict_proba`.
    named_teachers_ : Bunch
        The same by name, as ``named_teachers_["rf"]`` or ``named_teachers_.rf``.
    weights_ : dict of str to float
        By teacher.
    sharpness_ : float
        The power that the pooled probabilities are raised to, which is 1/T of temperature
        scaling; 1 where weights are given, there is one teacher or a frozen one, `combination`
        is no mean or `cv` is "in_sample".
    scores_ : dict of str to float
        Out-of-fold log loss by teacher, and of their "pool".
    diversity_ : dict
        How the teachers differ and what each adds, out of fold: what `skdistill.diversity`
        measures, as plain data.

    See Also
    --------
    DistilledClassifier : Trains such an ensemble, and a small net that predicts like it.
    diversity : How teachers differ.

    Notes
    -----
    The teachers' weights w minimise the log loss of the pool Σ w_t p_t on soft targets that no
    teacher has seen the label of. Then the pool is raised to the power s, p ∝ pˢ, of the lowest
    log loss.

    References
    ----------
    Ranjan and Gneiting, "Combining probability forecasts", 2010.

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
        """Fit the weights on folds, and every teacher on all rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
        groups : array-like of shape (n_samples,), default=None
            Rows of one group never label each other.

        Returns
        -------
        self : TeacherEnsemble
        """
        data = TrainingData.check(self, Classification, X, y, sample_weight, groups=groups)
        memory = open_memory(self.memory, self.random_state)
        self.fit_soft_targets(data, refit=True, keep=True, memory=memory)
        return self

    def fit_soft_targets(self, data, *, refit=False, keep=False, memory=None):
        """Cross-fit the teachers and pool their soft targets.

        Parameters
        ----------
        data : TrainingData
            Neither a fold's teachers nor the weights are fitted on its validation rows.
        refit : bool
            Whether to fit the teachers on all rows too, validation rows among them.
        keep : bool
            Whether these are wanted afterwards, as `teachers_`.
        memory : Memory, default=None
            Open, as `open_memory` returns it.

        Returns
        -------
        soft_targets : SoftTargets
            Arrays of shape (n_samples, n_outputs).
        """
        task = data.task
        if self.combination not in task.combinations:
            raise ValueError(
                f"combination must be one of {task.combinations}, got {self.combination!r}."
            )
        rng = repeatable_rng(self.random_state, memory)
        teachers = self._seeded_teachers(task, rng)
        names = [name for name, _ in teachers]
        weights = _weights_by_name(self.weights, names)
        task.check_weights(weights, len(teachers))  # before the hours of fitting, not after
        of_each, self.teachers_ = cross_fit(
            teachers,
            data,
            splits=self._splits(data, rng),
            out_of_bag=self._is("oob"),
            refit=refit,
            keep=keep,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            memory=memory,
        )
        self._fit_pool(of_each.labeled, teachers, weights, data)
        soft_targets = of_each.map(self._pool)
        for name, value in data.columns.items():  # it may be asked to predict on its own
            setattr(self, name, value)
        self.sparse_ = issparse(data.X)
        scored = {**dict(zip(names, of_each.labeled)), "pool": soft_targets.labeled}
        self.scores_ = {
            name: task.score(data.y, each, data.sample_weight) for name, each in scored.items()
        }
        self.diversity_ = task.diversity(
            of_each.labeled, data.y, names, weights, self.combination, data.sample_weight
        )
        return soft_targets

    def _fit_pool(self, soft_targets, teachers, weights, data):
        """Fit the pool on the rows that no teacher, and not the student, is validated by."""
        rows = ~data.held_out
        # A pool of soft targets that teachers may have seen the labels of is too sure already.
        may_have_seen = any(isinstance(each, FrozenEstimator) for _, each in teachers)
        may_have_seen |= self._is("in_sample")
        found, self.sharpness_ = data.task.fit_pool(
            soft_targets[:, rows],
            data.y[rows],
            weights,
            self.combination,
            sharpen=isinstance(weights, str) and len(teachers) > 1 and not may_have_seen,
            sample_weight=None if data.sample_weight is None else data.sample_weight[rows],
        )
        self.task_ = data.task
        self.weights_ = {name: weight for (name, _), weight in zip(teachers, found.tolist())}

    def _pool(self, soft_targets):
        weights = np.array(list(self.weights_.values()))
        return self.task_.pool(soft_targets, weights, self.combination, self.sharpness_)

    def _splits(self, data, rng):
        """Return the folds; None where each teacher labels the rows it was fitted on."""
        if self._is("in_sample"):
            warnings.warn(
                "cv='in_sample' labels each row with teachers that were fitted on it: their "
                "overconfidence, and with forests the label noise, goes into the student. Use "
                "cv=5 unless the teachers cannot overfit.",
                UserWarning,
                stacklevel=5,
            )
            return None
        if self._is("oob") and data.groups is not None:
            raise ValueError(
                "cv='oob' tears groups apart, as bags are drawn row by row: give an int, or a "
                "splitter that heeds groups, such as GroupKFold."
            )
        # Teachers without out-of-bag predictions need folds all the same.
        cv = N_FOLDS if self.cv is None or self._is("oob") else self.cv
        return make_folds(cv, data, rng)

    def _teacher_names(self):
        return self.weights_

    def _is(self, cv):
        return isinstance(self.cv, str) and self.cv == cv

    @property
    def classes_(self):
        """The sorted labels."""
        return self.task_.classes

    @property
    def named_teachers_(self):
        """The fitted teachers by name."""
        return Bunch(**{teacher.name: teacher for teacher in self.teachers_})

    def predict_proba(self, X):
        """Return the pooled class probabilities, ndarray of shape (n_samples, n_classes)."""
        check_is_fitted(self)
        X = as_at_fit(check_table(self, X, reset=False), self.sparse_)
        return self._pool(np.stack([teacher.soft_targets(X) for teacher in self.teachers_]))

    def predict(self, X):
        """Return the most probable class of each row, ndarray of shape (n_samples,)."""
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(1)]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "scores_")


def _weights_by_name(weights, names):
    """Return the parameter `weights`, a dict by name as an array in the teachers' order."""
    if not isinstance(weights, Mapping):
        return weights
    if set(weights) != set(names):
        raise ValueError(
            f"weights names the teachers {sorted(map(str, weights))}, but there are {names}: give "
            "one weight for each."
        )
    return np.array([weights[name] for name in names])
