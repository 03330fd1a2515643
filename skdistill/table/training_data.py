"""The arguments of `fit`, checked once: rows, targets, weights, groups, further rows."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from skdistill.table.containers import is_alike, is_frame, kind_of
from skdistill.table.encoder import TableEncoder
from skdistill.table.validation import check_groups, check_table, check_targets
from skdistill.warn import warn_user

# Fewer values say nothing about how often categories repeat.
MIN_VALUES_TO_REPEAT = 20


@dataclass
class ValidationRows:
    """Rows on which teachers and student are validated, and nothing is trained.

    Parameters
    ----------
    X : table of shape (n_validation, n_features)
    y : ndarray of shape (n_validation,)
        Targets as the task encodes them.
    sample_weight : ndarray of shape (n_validation,) or None
    """

    X: Any
    y: np.ndarray
    sample_weight: np.ndarray | None


@dataclass
class TrainingData:
    """Labeled and unlabeled rows of one `fit`.

    Parameters
    ----------
    X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features) or (n_samples, ...)
        Checked by `check_table`.
    y : ndarray of shape (n_samples,)
        Targets as `task` encodes them, such as class indices.
    task : Task
    sample_weight : ndarray of shape (n_samples,), default=None
    groups : ndarray of shape (n_samples,), default=None
        No row is labeled by a teacher that was trained on its group.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
    columns : dict
        Attributes of a fitted estimator that describe the columns, such as ``n_features_in_``.
    unlabeled : list of tables of shape (n_unlabeled, n_features)
        More rows, which the teachers label.
    held_out : ndarray of bool of shape (n_samples,), default=None
        Mask of the validation rows, on which nothing is trained. None: no rows.
    validation : ValidationRows, default=None
        Validation rows besides X, instead of rows that are held out.
    n_to_ask : int, default=0
        Number of unlabeled rows that are still to come, see `Inquire`.
    """

    X: Any
    y: np.ndarray
    task: Any
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    categorical_features: Any = "from_dtype"
    columns: dict = field(default_factory=dict)
    unlabeled: list = field(default_factory=list)
    held_out: Any = None
    validation: Any = None
    n_to_ask: int = 0

    def __post_init__(self):
        if self.held_out is None:
            self.held_out = np.zeros(len(self.y), dtype=bool)

    @classmethod
    def check(
        cls,
        estimator,
        task,
        X,
        y,
        sample_weight=None,
        *,
        X_unlabeled=None,
        groups=None,
        validation=(None, None, None),
    ):
        """Check the arguments of an estimator's `fit`.

        Parameters
        ----------
        estimator : estimator
            Has `categorical_features`, and gets ``n_features_in_`` and the like.
        task : type
            A subclass of Task.
        X, y, sample_weight, X_unlabeled, groups
            As in `DistilledClassifier.fit`.
        validation : tuple of (X_val, y_val, sample_weight_val)
            As in `DistilledClassifier.fit`.

        Returns
        -------
        data : TrainingData

        Raises
        ------
        ValueError
            If an argument is invalid or does not match the others.
        """
        task, X, y, sample_weight = task.check(estimator, X, y, sample_weight)
        groups = check_groups(groups, len(y))
        columns = {name: value for name, value in vars(estimator).items() if name.endswith("_in_")}
        data = cls(X, y, task, sample_weight, groups, estimator.categorical_features, columns)
        if X_unlabeled is not None:
            data.unlabeled = [data._check_alike(estimator, X_unlabeled, "X_unlabeled")]
        data.validation = data._check_validation(estimator, *validation)
        return data

    def resume(self, attributes):
        """Encode the targets as they were for an estimator with these fitted attributes."""
        task = self.task.resumed(attributes)
        self.y = task.recoded(self.y, self.task)
        if self.validation is not None:
            self.validation.y = task.recoded(self.validation.y, self.task)
        self.task = task

    def set_columns(self, estimator):
        """Set ``n_features_in_`` and the like on an estimator that will predict such rows."""
        for name, value in self.columns.items():
            setattr(estimator, name, value)

    def __len__(self):
        return len(self.y)

    @property
    def tables_to_label(self):
        """Tables besides X that the teachers label; the validation rows are the last."""
        return [*self.unlabeled, *([] if self.validation is None else [self.validation.X])]

    @property
    def n_unlabeled(self):
        """Number of rows without a label."""
        return sum(table.shape[0] for table in self.unlabeled)

    @property
    def counts(self):
        """Mask of the rows with a weight above zero, ndarray of shape (n_samples,)."""
        if self.sample_weight is None:
            return np.ones(len(self), dtype=bool)
        return self.sample_weight > 0

    @property
    def training_rows(self):
        """Mask of the rows that count and are not held out, ndarray of shape (n_samples,)."""
        return self.counts & ~self.held_out

    @cached_property
    def encoder(self):
        """Encoder fitted on X."""
        return TableEncoder(self.categorical_features).fit_checked(self.X)

    def warn_of_rare_categories(self):
        """Warn of columns whose categories hardly repeat, such as ids and free text."""
        encoder = self.encoder
        if not encoder.categories_:
            return
        n_present = (~np.isnan(encoder.encode(self.X))).sum(0)
        hardly_repeat = encoder.n_categories_ > n_present / 2
        for j in np.flatnonzero(hardly_repeat & (n_present >= MIN_VALUES_TO_REPEAT)):
            name = self.X.columns[j] if is_frame(self.X) else int(j)
            one = encoder.categories_[encoder.is_categorical_[:j].sum()][0]
            warn_user(
                f"Column {name!r} has {encoder.n_categories_[j]} categories in {n_present[j]} "
                f"rows, such as {one!r:.60}, and most later values will be unseen: drop it if it "
                "is an id, convert it if it holds numbers or dates as strings, and turn text into "
                "numbers by TfidfVectorizer."
            )

    def _check_alike(self, estimator, table, name):
        """Check that further rows have the columns of X."""
        if not is_alike(table, self.X):
            raise ValueError(
                f"{name} is a {kind_of(table)}, but X is a {kind_of(self.X)}: give both as the "
                "same type."
            )
        try:
            table = check_table(estimator, table, reset=False)
            self.encoder.encode(table)  # checks the content of a frame's columns
        except ValueError as error:
            raise ValueError(f"{name} must be rows like those of X: {error}") from error
        return table

    def _check_validation(self, estimator, X_val, y_val, sample_weight_val):
        """Check the validation rows; None if there are none."""
        given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        names = [name for name, value in given.items() if value is not None]
        if not names:
            return None
        if X_val is None or y_val is None:
            raise ValueError(f"got {' and '.join(names)} only: pass X_val and y_val together.")
        X_val = self._check_alike(estimator, X_val, "X_val")
        try:
            multi_output = self.task.multi_output
            y_val, weight = check_targets(
                X_val, y_val, sample_weight_val, multi_output=multi_output
            )
            y_val, weight = self.task.encode(y_val, weight)
            if weight is not None and not weight.any():
                raise ValueError("all of them have weight zero.")
        except ValueError as error:
            raise ValueError(f"the rows of X_val are not like those of X: {error}") from error
        return ValidationRows(X_val, y_val, weight)
