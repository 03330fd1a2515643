"""The task of regression: numbers, standardized for the student."""

from functools import partial

import numpy as np
from sklearn.base import is_regressor

from skdistill.sklearn_private import num_samples
from skdistill.table.target import LOSSES, SMALLEST_MEAN, Target
from skdistill.table.validation import check_rows
from skdistill.tasks.regression_checks import (
    as_columns,
    as_numbers,
    check_quantile,
    check_quantiles,
    check_range,
    in_every_bag,
)
from skdistill.tasks.regression_diversity import regression_diversity
from skdistill.tasks.regression_pool import Residuals, pool_values, value_weights
from skdistill.tasks.sample_weights import fit_with_weights
from skdistill.tasks.student_estimators import check_weights_reach, fit_outputs
from skdistill.tasks.task import Task

# A student is not trained on where the target moved by more than so many of its scales.
FARTHEST = 10
MOST_COLUMNS_OF_WIDE_NETS = 40
# Losses of a target in its own unit; the square root of the squared error has it too.
IN_UNIT_OF_TARGET = ("squared_error", "absolute_error", "quantile", "poisson")
SCORES = {
    "squared_error": "RMSE",
    "absolute_error": "MAE",
    "huber": "Huber loss",
    "quantile": "pinball loss",
    "poisson": "Poisson deviance",
    "gamma": "gamma deviance",
}


class Regression(Task):
    """Regression: standardized numbers as y and as soft targets.

    Parameters
    ----------
    target : Target
    loss : str, default="squared_error"
        As in `DistilledRegressor`.
    quantile : float, default=None
        With ``loss="quantile"``.
    quantiles : tuple of float, default=()
        Quantiles that the student predicts besides: its last outputs.
    """

    kind = "regressor"
    multi_output = True

    def __init__(self, target, loss="squared_error", quantile=None, quantiles=()):
        self.target = target
        self.loss = loss
        self.quantile = quantile
        self.quantiles = tuple(quantiles)
        self.score_name = SCORES[loss]
        self.n_outputs = self.n_targets + len(self.quantiles)
        self.attributes = {
            "n_outputs_": self.n_targets,
            "target_center_": target.center,
            "target_scale_": target.scale,
            "link_": target.link,
            "quantiles_": list(self.quantiles),
        }
        settings = {"loss": loss, "quantiles": self.quantiles}
        if quantile is not None:
            settings["quantile"] = quantile
        self.criterion_parameters = settings

    @property
    def n_targets(self):
        return len(self.target.center)

    @classmethod
    def check(cls, estimator, X, y, sample_weight=None):
        """Check the arguments of a regressor's `fit`.

        Parameters
        ----------
        estimator : regressor
            As in `check_table`; it may have a `loss`, a `quantile` and `quantiles`.
        X : DataFrame, sparse matrix or array-like of shape (n_samples, ...)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        task : Regression
        X : DataFrame, CSR matrix or ndarray of shape (n_samples, n_features) or (n_samples, ...)
        y : ndarray of shape (n_samples, n_targets), float64
            Standardized.
        sample_weight : ndarray of shape (n_samples,) or None

        Raises
        ------
        ValueError
            If a target is missing, infinite, no number or not of the kind that `loss` takes, if
            all of an output are equal, or if the lengths differ.
        """
        X, y, sample_weight = check_rows(estimator, X, y, sample_weight, multi_output=True)
        loss, quantile = getattr(estimator, "loss", "squared_error"), None
        quantiles = check_quantiles(getattr(estimator, "quantiles", None))
        if loss not in LOSSES:
            raise ValueError(f"loss must be one of {LOSSES}, got {loss!r}.")
        if loss == "quantile":
            quantile = check_quantile(estimator.quantile)
        y = as_numbers(y)
        check_range(y, loss)
        if quantiles and y.shape[1] > 1:
            raise ValueError(
                f"quantiles={quantiles} are of a single target, but y has {y.shape[1]} columns: "
                "fit one estimator for each, or set quantiles=None."
            )
        task = cls.of(y, loss, quantile, quantiles, sample_weight)
        return task, X, task.target.scaled(y), sample_weight

    @classmethod
    def of(cls, y, loss, quantile=None, quantiles=(), sample_weight=None):
        """Return the task of targets in their own unit, of shape (n_samples, n_targets)."""
        return cls(Target.of(y, loss, sample_weight), loss, quantile, quantiles)

    def check_learnable(self, y, sample_weight=None):
        counts = np.ones(len(y), dtype=bool) if sample_weight is None else sample_weight > 0
        is_constant = np.ptp(y[counts], axis=0) == 0
        if is_constant.any():
            k = int(is_constant.argmax())
            column = f" in column {k}" if self.n_targets > 1 else ""
            raise ValueError(
                f"y is constant{column}: all n_samples={counts.sum()} rows that count have the "
                f"target {self.target.unscaled(y[counts][:1])[0, k]:g}, so there is nothing to "
                "learn. Check which column is the target."
            )

    def in_unit_of_y(self, y):
        """Return encoded targets as estimators take them; a single one as (n_samples,).

        To twelve digits of their scale, so that zeros and counts are what they were.
        """
        y = self.target.unscaled(y)
        for k, scale in enumerate(self.target.scale):
            decimals = 12 - int(np.floor(np.log10(scale)))
            if abs(decimals) < 300:  # beyond, a power of ten is no number
                y[:, k] = y[:, k].round(decimals) + 0.0  # no zero is negative
        return y[:, 0] if self.n_targets == 1 else y

    def encode(self, y, sample_weight=None):
        y = as_numbers(y)
        if y.shape[1] != self.n_targets:
            raise ValueError(f"y_val has {y.shape[1]} columns, but y has {self.n_targets}.")
        check_range(y, self.loss, "y_val")
        return self.target.scaled(y), sample_weight

    def resumed(self, attributes):
        names = ("target_center_", "target_scale_", "link_")
        target = Target(*(attributes.get(name) for name in names))
        if target.link != self.target.link or len(target.center) != self.n_targets:
            return self
        ratio = self.target.scale / target.scale
        shift = abs(self.target.center - target.center) / target.scale
        if (shift > FARTHEST).any() or (ratio > FARTHEST).any() or (ratio < 1 / FARTHEST).any():
            raise ValueError(
                "warm_start goes on with a student of targets of center and scale "
                f"{target.center} and {target.scale}, but those of y are {self.target.center} and "
                f"{self.target.scale}: give y in the unit that it had, or set warm_start=False."
            )
        return Regression(target, self.loss, self.quantile, self.quantiles)

    def recoded(self, y, task):
        return self.target.scaled(task.target.unscaled(y))

    def as_soft_targets(self, y):
        return y if not self.quantiles else np.tile(y, (1, self.n_outputs))

    def without_target(self, n_samples):
        return np.full((n_samples, self.n_targets), np.nan)

    def has_target(self, y):
        return ~np.isnan(y[:, 0])

    def check_teacher(self, name, teacher):
        if not is_regressor(teacher):
            raise ValueError(f"Teacher {name!r} must be a regressor, got {teacher!r}.")
        if hasattr(teacher, "check_parameters"):  # a NetRegressor
            try:
                teacher.check_parameters()
            except ValueError as error:
                raise ValueError(f"Teacher {name!r}: {error}") from error

    def fit_teacher(self, estimator, X, y, sample_weight=None):
        fit_with_weights(estimator, X, self.in_unit_of_y(y), sample_weight)
        return np.arange(self.n_targets)

    def predict_teacher(self, estimator, columns, X):
        return self.place_columns(estimator.predict(X), columns, num_samples(X))

    def predict_out_of_bag(self, estimator, columns, n_samples):
        predictions = as_columns(estimator.oob_prediction_)
        # A row in every bag is 0 in a forest, and NaN in a BaggingRegressor.
        if hasattr(estimator, "estimators_samples_"):
            predictions = np.where(in_every_bag(estimator, n_samples), np.nan, predictions)
        return self.target.scaled(predictions)

    def place_columns(self, predictions, columns, n_samples):
        predictions = as_columns(np.asarray(predictions, dtype=np.float64))
        expected = (n_samples, self.n_targets)
        if predictions.shape != expected:
            raise ValueError(
                f"predict returned shape {predictions.shape}, expected {expected}: one row for "
                "each row of X, and one column for each of y."
            )
        finite = np.isfinite(predictions).all(1)
        if not finite.all():
            raise ValueError(
                f"predict returned NaN or infinity for {(~finite).sum()} of {n_samples} rows, "
                f"first in row {int(finite.argmin())} of them."
            )
        return self._in_range(self.target.scaled(predictions))

    def _in_range(self, means):
        """Return means that have a logarithm where the student needs one."""
        return np.maximum(means, SMALLEST_MEAN) if self.target.link == "log" else means

    def check_soft_targets(self, soft_targets, n_samples):
        """Check the argument `teacher_prediction`.

        Parameters
        ----------
        soft_targets : array-like of shape (n_samples,) or (n_samples, n_targets)
        n_samples : int

        Returns
        -------
        soft_targets : ndarray of shape (n_samples, n_targets)
        """
        try:
            predictions = as_columns(np.asarray(soft_targets, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ValueError(f"teacher_prediction must hold numbers: {error}") from error
        expected = (n_samples, self.n_targets)
        if predictions.shape != expected:
            raise ValueError(
                f"teacher_prediction has shape {predictions.shape}, expected {expected}: one row "
                "for each row of X, and one column for each of y."
            )
        finite = np.isfinite(predictions).all(axis=1)
        if not finite.all():
            raise ValueError(
                f"teacher_prediction has NaN or infinity, first in row {int(finite.argmin())}."
            )
        return self._in_range(self.target.scaled(predictions))

    def completed(self, soft_targets, y, sample_weight=None):
        predictions, weights = soft_targets[None], np.ones(1)
        residuals = self._fit_residuals(predictions, y, weights, "mean", sample_weight)
        return self.pool(predictions, weights, "mean", residuals)

    def check_weights(self, weights, n_teachers):
        if not isinstance(weights, str) or weights != "auto":
            value_weights(weights, [None] * n_teachers, None)

    def fit_pool(self, soft_targets, y, weights, combination, *, sharpen, sample_weight=None):
        """Fit the weights, and the residuals from which the quantiles come."""
        weights = self._weights(weights, soft_targets, y, sample_weight)
        return weights, self._fit_residuals(soft_targets, y, weights, combination, sample_weight)

    def _weights(self, weights, soft_targets, y, sample_weight):
        of_loss = None
        if self.loss != "squared_error":
            of_loss = partial(self._loss_and_gradient, y=y, sample_weight=sample_weight)
        return value_weights(weights, soft_targets, y, sample_weight, loss_and_gradient=of_loss)

    def _loss_and_gradient(self, means, y, sample_weight):
        """Return the mean loss of pooled means, and its gradient."""
        import torch

        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        weight = torch.as_tensor(weight / weight.sum())
        means = torch.tensor(means, requires_grad=True)
        outputs = means.clamp_min(SMALLEST_MEAN).log() if self.target.link == "log" else means
        loss = weight @ self.label_losses(outputs, torch.as_tensor(y))
        loss.backward()
        return loss.item(), means.grad.numpy()

    def _fit_residuals(self, soft_targets, y, weights, combination, sample_weight):
        """Fit one `Residuals` for each target and the quantiles that are predicted of it."""
        own = (self.quantile,) if self.loss == "quantile" else ()
        if not (own or self.quantiles):
            return []
        pooled = pool_values(soft_targets, weights, combination)
        spread = soft_targets.std(0)
        levels = [own + self.quantiles, *[own] * (self.n_targets - 1)]
        return [
            Residuals.fit(of_target, pooled[:, k], spread[:, k], y[:, k], sample_weight)
            for k, of_target in enumerate(levels)
        ]

    def pool(self, soft_targets, weights, combination, calibration):
        """Pool predictions; with quantiles, they move by those of the residuals.

        Teachers that predict a mean so become teachers of a quantile, and those of the quantile
        stay as they are.
        """
        pooled, spread = pool_values(soft_targets, weights, combination), soft_targets.std(0)
        found = [each.predict(pooled[:, k], spread[:, k]) for k, each in enumerate(calibration)]
        if not found:
            return pooled
        if self.loss == "quantile":
            pooled = np.column_stack([each[:, 0] for each in found])
        return np.hstack([pooled, found[0][:, found[0].shape[1] - len(self.quantiles) :]])

    def score(self, y, soft_targets, sample_weight=None):
        import torch

        means = soft_targets[:, : self.n_targets]
        outputs = np.log(means) if self.target.link == "log" else means
        losses = self.label_losses(torch.as_tensor(outputs), torch.as_tensor(y)).numpy()
        return self.as_score(float(np.average(losses, weights=sample_weight)))

    def as_score(self, loss):
        """Return a mean loss in the unit of y if there is one: the root of squared errors."""
        if self.loss == "squared_error":
            loss = np.sqrt(loss)
        has_unit = self.n_targets == 1 and self.loss in IN_UNIT_OF_TARGET
        return float(loss * self.target.scale[0]) if has_unit else float(loss)

    def diversity(self, soft_targets, y, names, weights, combination, sample_weight=None):
        return regression_diversity(
            soft_targets, y, names, weights, combination, sample_weight,
            loss=self.score, find_weights=self._weights,
        )  # fmt: skip

    def unexplained_variance(self, y, soft_targets, sample_weight=None):
        means = soft_targets[:, : self.n_targets]
        return super().unexplained_variance(y, means, sample_weight)

    @property
    def criterion(self):
        from skdistill.nets.regression_losses import RegressionLoss  # imports torch

        return RegressionLoss

    @staticmethod
    def hidden_sizes(n_columns):
        # Wider nets are closer to the pool; those of many columns would exceed 600 kB.
        return (512, 256) if n_columns <= MOST_COLUMNS_OF_WIDE_NETS else None

    def why_not_ask(self, *, by_uncertainty):
        if by_uncertainty:
            return (
                "needs probabilities, and the student of a regressor predicts none: use "
                "by='disagreement'."
            )
        return None

    def divergences(self, outputs, soft_targets):
        """Return the loss of each row against its soft targets, without those of quantiles."""
        import torch

        from skdistill.nets.regression_losses import DISTANCES

        pairs = (torch.as_tensor(each[:, : self.n_targets]) for each in (outputs, soft_targets))
        return DISTANCES[self.loss](*pairs).mean(1).numpy()

    def label_losses(self, outputs, y):
        from skdistill.nets.regression_losses import label_losses  # imports torch

        settings = {} if self.quantile is None else {"quantile": self.quantile}
        return label_losses(outputs, y, loss=self.loss, **settings)

    def check_student(self, student, *, has_weights):
        kind = type(student).__name__
        if not is_regressor(student):
            raise ValueError(f"student must be a net or a regressor, got a {kind}.")
        if self.quantiles:
            raise ValueError(
                f"quantiles are outputs of a net, but student is a {kind}: leave student at None, "
                "or set quantiles=None."
            )
        check_weights_reach(student, has_weights)

    def fit_student(self, student, X, soft_targets, y, alpha, sample_weight=None):
        """Fit a regressor to the mixture of soft targets and targets, in the unit of y.

        It minimizes its own loss.
        """
        share = np.where(self.has_target(y), alpha, 1.0)[:, None]
        mixture = share * soft_targets + (1 - share) * np.nan_to_num(y)
        mixture = self.in_unit_of_y(mixture).reshape(mixture.shape)
        return fit_outputs(student, X, mixture, sample_weight), self.target
