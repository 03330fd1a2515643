"""What is measured of each model: one class of rows for classifiers, one for regressors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import signature
from typing import ClassVar

import numpy as np
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.utils.validation import column_or_1d

from skdistill.inspection.metrics import (
    agreement,
    brier_score,
    equal_count_reliability,
    expected_calibration_error,
)

COSTS: dict[str, Callable] = {
    "size, kB": "{0.kilobytes:,.0f}".format,
    "one row, us": "{0.microseconds:,.0f}".format,
}


class Row:
    """Base class of the measures of one model.

    Attributes
    ----------
    columns : dict of str to callable
        Headers of the printed table, and what writes the cell of a row. A column whose cells are
        all empty is not shown.
    loss_name : str
        What `loss` is called in sentences and pictures.
    least_loss : float
        Smaller losses count as equal.
    name : str
    kilobytes : float
        Of the uncompressed joblib file.
    microseconds : float
        Time to predict one row.
    """

    columns: ClassVar[dict[str, Callable]]
    loss_name: ClassVar[str]
    least_loss: ClassVar[float]
    reliability: tuple
    name: str
    kilobytes: float
    microseconds: float

    @property
    def loss(self):
        """The measure by which models are compared, lower is better."""
        raise NotImplementedError

    @classmethod
    def measure(cls, models, X, y, reference):
        """Return a dict of measures, without costs, of each model by its name."""
        raise NotImplementedError

    def to_dict(self):
        """Return what JSON can hold of the row."""
        return {key: value for key, value in vars(self).items() if key != "reliability"}


@dataclass
class ClassifierRow(Row):
    """Measures of one classifier."""

    name: str
    accuracy: float
    log_loss: float
    calibration_error: float
    brier_score: float  # mean squared distance of the probabilities to the one-hot label
    agreement: float  # share of rows with the same predicted class as the reference
    kilobytes: float
    microseconds: float
    reliability: tuple = field(repr=False)  # see equal_count_reliability

    loss_name = "log loss"
    least_loss = 1e-4  # the table shows four digits
    columns = {
        "log loss": "{0.log_loss:.4f}".format,
        "accuracy": "{0.accuracy:.2%}".format,
        "calib. error": "{0.calibration_error:.4f}".format,
        "agreement": "{0.agreement:.2%}".format,
        **COSTS,
    }

    @property
    def loss(self):
        return self.log_loss

    @classmethod
    def measure(cls, models, X, y, reference):
        if np.ndim(y) != 1 and np.shape(y)[1:] != (1,):
            raise ValueError(
                f"y must hold one label for each row of X, got shape {np.shape(y)}: the order is "
                "compare(models, X, y)."
            )
        y = column_or_1d(np.asarray(y), warn=True)
        classes = _check_classes(models, y)
        index = {label: k for k, label in enumerate(classes)}
        y = np.array([index[label] for label in y.tolist()])
        probas = {name: _in_order(model, X, classes) for name, model in models.items()}
        return {
            name: {
                "accuracy": float(np.mean(proba.argmax(1) == y)),
                "log_loss": float(log_loss(y, proba, labels=range(len(classes)))),
                "calibration_error": expected_calibration_error(y, proba),
                "brier_score": brier_score(y, proba),
                "agreement": agreement(proba, probas[reference]),
                "reliability": equal_count_reliability(y, proba),
            }
            for name, proba in probas.items()
        }


@dataclass
class RegressorRow(Row):
    """Measures of one regressor. Those of several targets are means over the targets."""

    name: str
    rmse: float
    mae: float
    r2: float
    agreement: float  # R² of the predictions, where those of the reference are the target
    coverage: float | None  # share of targets between the outer quantiles
    nominal_coverage: float | None  # what that share should be
    kilobytes: float
    microseconds: float

    loss_name = "RMSE"
    least_loss = 1e-300  # its unit may be of any size
    columns = {
        "RMSE": lambda row: four_digits(row.rmse),
        "MAE": lambda row: four_digits(row.mae),
        "R2": "{0.r2:.4f}".format,
        "agreement, R2": "{0.agreement:.4f}".format,
        "coverage": lambda row: row._coverage_cell(),
        **COSTS,
    }
    reliability = (), (), ()  # of classifiers alone

    @property
    def loss(self):
        return self.rmse

    @classmethod
    def measure(cls, models, X, y, reference):
        y = _as_targets(y)
        predictions = {name: _predictions(name, model, X, y) for name, model in models.items()}
        return {
            name: {
                "rmse": float(root_mean_squared_error(y, prediction)),
                "mae": float(mean_absolute_error(y, prediction)),
                "r2": float(r2_score(y, prediction)),
                "agreement": float(r2_score(predictions[reference], prediction)),
                **_coverage(models[name], X, y),
            }
            for name, prediction in predictions.items()
        }

    def _coverage_cell(self):
        if self.coverage is None:
            return ""
        return f"{self.coverage:.1%} of {self.nominal_coverage:.0%}"


def four_digits(value):
    """Format a number in the unit of the target, without an exponent if it is not tiny."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.4g}"


def row_class(models):
    """Return the class of rows that fits models, which are all of one kind.

    Parameters
    ----------
    models : dict of str to estimator

    Returns
    -------
    cls : type
        A subclass of `Row`.

    Raises
    ------
    ValueError
        If there are classifiers and regressors, or a classifier without probabilities.
    """
    kinds = {name: _kind(name, model) for name, model in models.items()}
    first, kind = next(iter(kinds.items()))
    for name, other in kinds.items():
        if other is not kind:
            words = {ClassifierRow: "a classifier", RegressorRow: "a regressor"}
            raise ValueError(
                f"{first!r} is {words[kind]}, but {name!r} {words[other]}: they have no measure in "
                "common. Compare the classifiers in one report and the regressors in another."
            )
    return kind


def _kind(name, model):
    if "qid" in signature(getattr(model, "fit", _kind)).parameters:
        raise ValueError(
            f"model {name!r}, a {type(model).__name__}, is a ranker, and compare knows no queries: "
            "compare rankers by their score(X, y, qid=qid)."
        )
    if hasattr(model, "predict_proba"):
        return ClassifierRow
    if hasattr(model, "predict") and not hasattr(model, "classes_"):
        return RegressorRow
    raise ValueError(
        f"model {name!r}, a {type(model).__name__}, has no predict_proba, and is no fitted "
        "regressor: classifiers are compared by their probabilities. Wrap it in "
        "CalibratedClassifierCV, or leave it out."
    )


def _check_classes(models, y):
    """Return the sorted classes that all models share, and that y is of."""
    classes_of = {name: np.unique(model.classes_).tolist() for name, model in models.items()}
    first, classes = next(iter(classes_of.items()))
    for name, others in classes_of.items():
        if others != classes:
            raise ValueError(
                f"the models were fitted on different classes: {first!r} on {classes}, {name!r} "
                f"on {others}. Fit all of them on the same labels."
            )
    strange = [label for label in dict.fromkeys(y.tolist()) if label not in classes]
    if strange:
        raise ValueError(
            f"y has labels that the models were not fitted on: {strange[:5]}. Leave these rows "
            "out, or fit the models on rows with these labels too."
        )
    return classes


def _in_order(model, X, classes):
    """Return a model's probabilities, with the columns in the order of the classes."""
    own = np.asarray(model.classes_).tolist()
    proba = np.asarray(model.predict_proba(X))
    return proba if own == classes else proba[:, [own.index(label) for label in classes]]


def _as_targets(y):
    """Return targets as floats of shape (n_samples, n_targets)."""
    y = np.asarray(y)
    try:
        y = y.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the models are regressors, but y holds {y.ravel().tolist()[0]!r:.60}, which is no "
            "number: pass their targets, or compare classifiers."
        ) from error
    if y.ndim not in (1, 2) or not np.isfinite(y).all():
        raise ValueError(
            f"y must hold finite numbers, in one column for each target, got shape {y.shape} with "
            f"{(~np.isfinite(y)).sum()} missing or infinite ones: the order is "
            "compare(models, X, y)."
        )
    return y[:, None] if y.ndim == 1 else y


def _predictions(name, model, X, y):
    """Return a model's predictions, in the shape of the targets."""
    predictions = np.asarray(model.predict(X), dtype=np.float64)
    predictions = predictions[:, None] if predictions.ndim == 1 else predictions
    if predictions.shape != y.shape or not np.isfinite(predictions).all():
        raise ValueError(
            f"{name!r} predicts shape {predictions.shape}, expected finite numbers of shape "
            f"{y.shape}, one column for each of y: compare models that were fitted on such targets."
        )
    return predictions


def _coverage(model, X, y):
    """Return the share of targets between the outer quantiles, and what it should be."""
    quantiles = getattr(model, "quantiles_", None) or []
    if len(quantiles) < 2:
        return {"coverage": None, "nominal_coverage": None}
    predicted = model.predict(X, quantiles=True)
    is_covered = (predicted[:, 0] <= y[:, 0]) & (y[:, 0] <= predicted[:, -1])
    return {
        "coverage": float(is_covered.mean()),
        "nominal_coverage": float(quantiles[-1] - quantiles[0]),
    }
