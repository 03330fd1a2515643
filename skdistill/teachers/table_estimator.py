"""What the table estimators share: an estimator behind a table encoder."""

from typing import Any

from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdistill.table.containers import as_at_fit
from skdistill.table.encoder import TableEncoder
from skdistill.table.scaling import clip_for_trees
from skdistill.table.validation import check_table
from skdistill.tasks.inner_parameters import InnerParameters
from skdistill.teachers.boosting import (
    fit_boosted_folds,
    fit_options,
    for_table,
    refuses,
    rows_for,
    stops_early,
    with_rounds_found,
)


class BaseTableEstimator(InnerParameters, MetaEstimatorMixin, BaseEstimator):
    """An estimator behind a `TableEncoder`, for tables with numbers and categories.

    A subclass names its inner estimator by `_inner`, which is also its parameter, and its task by
    `_task`.
    """

    _task: Any
    categorical_features: Any
    side_by_side: bool

    @property
    def inner(self):
        """The inner estimator, as it was given."""
        return getattr(self, self._inner)

    @property
    def inner_(self):
        """The fitted inner estimator."""
        return getattr(self, f"{self._inner}_")

    def _dummy(self):
        """Return an unfitted estimator for tables that the inner one refuses."""
        raise NotImplementedError

    def _fit_inner(self, estimator, X, y, sample_weight, task, options):
        """Fit an estimator on encoded rows, and keep it and what predicting needs of the task."""
        raise NotImplementedError

    def _keep_boosted(self, estimator, task):
        """Keep XGBoost that was fitted on what `_boosting_targets` returns."""
        raise NotImplementedError

    def _boosting_targets(self, y, task):
        """Return encoded targets as XGBoost takes them."""
        raise NotImplementedError

    def fit(self, X, y, sample_weight=None):
        """Fit the encoder, then the estimator.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Passed to the inner estimator if it accepts weights.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If the data is invalid.
        """
        return self._fit(X, y, sample_weight)

    def _fit(self, X, y, sample_weight):
        task, X, y, sample_weight = self._task.check(self, X, y, sample_weight)
        self.sparse_ = issparse(X)
        self.encoder_ = TableEncoder(self.categorical_features).fit(X)
        X = clip_for_trees(self.encoder_.encode(X))
        estimator = for_table(clone(self.inner), self.encoder_, is_sparse=self.sparse_)
        if refuses(estimator, X):
            estimator = self._dummy()
        if stops_early(estimator):
            targets, strata = self._boosting_targets(y, task), task.strata(y)
            estimator = with_rounds_found(estimator, X, targets, sample_weight, strata)
        rows, options = rows_for(estimator, X), fit_options(estimator, self.encoder_)
        self._fit_inner(estimator, rows, y, sample_weight, task, options)
        return self

    def can_fit_folds(self, X):
        """Tell whether folds share their rounds: those of XGBoost with early stopping can.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        can_fit : bool
        """
        return self.side_by_side and stops_early(self.inner)

    def fit_folds(self, data, splits, names):
        """Fit a clone on the training rows of each split.

        The number of rounds is found once, by the mean loss of the splits' test rows.

        Parameters
        ----------
        data : TrainingData
            Its y are as its task encodes them.
        splits : list of (train, test)
            Test rows may be empty.
        names : list of str
            Names of the splits.

        Returns
        -------
        fitted : list of estimator
        """
        encoder = TableEncoder(self.categorical_features).fit(data.X)
        X = clip_for_trees(encoder.encode(data.X))
        estimator = for_table(clone(self.inner), encoder, is_sparse=issparse(X))
        targets = self._boosting_targets(data.y, data.task)
        boosted = fit_boosted_folds(estimator, X, targets, data.sample_weight, splits)
        fitted = []
        for each in boosted:
            one = clone(self)
            data.set_columns(one)
            one.encoder_, one.sparse_ = encoder, issparse(data.X)
            one._keep_boosted(each, data.task)
            fitted.append(one)
        return fitted

    def _encode(self, X):
        check_is_fitted(self)
        matrix = clip_for_trees(self.encoder_.encode(check_table(self, X, reset=False)))
        return rows_for(self.inner_, as_at_fit(matrix, self.sparse_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.inner).input_tags
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        tags.input_tags.three_d_array = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
