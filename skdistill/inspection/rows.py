"""What is measured of each model: a class of rows each for classifiers, regressors and rankers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, root_mean_squared_error

from skdistill.inspection.metrics import (
    agreement,
    brier_score,
    equal_count_reliability,
    expected_calibration_error,
    kl_divergence,
    macro_auc,
    mean_tau,
)
from skdistill.inspection.pipelines import is_ranker
from skdistill.inspection.predictions import (
    predicted_probabilities,
    predicted_scores,
    predicted_targets,
)
from skdistill.tasks.ranking_scores import mean_ndcg


def cell(measure, spec):
    """Return what writes a measure of a row; one that is not known is an empty cell."""

    def write(row):
        value = getattr(row, measure)
        return "" if value is None else format(value, spec)

    return write


COSTS: dict[str, Callable] = {
    "size, kB": cell("kilobytes", ",.0f"),
    "one row, us": cell("microseconds", ",.0f"),
}


class Row:
    """Base class of the measures of one model. One that is not known is None.

    Attributes
    ----------
    columns : dict of str to callable
        Headers of the printed table, and what writes the cell of a row. A column whose cells are
        all empty is not shown.
    details : dict of str to callable
        The same of all measures, for tables that have room for them.
    by_rows : tuple of str
        Names of the measures that a part of the rows has too.
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
    details: ClassVar[dict[str, Callable]]
    by_rows: ClassVar[tuple[str, ...]]
    loss_name: ClassVar[str]
    least_loss: ClassVar[float]
    reliability: tuple
    name: str
    kilobytes: Any
    microseconds: Any

    @property
    def loss(self):
        """The measure by which models are compared, lower is better."""
        raise NotImplementedError

    @classmethod
    def predict(cls, models, X, y, qid=None):
        """Return the `Predictions` of models, of rows whose y may be None."""
        raise NotImplementedError

    @classmethod
    def measures(cls, predictions, name, reference):
        """Return a dict of what is known of a model without costs; `reference` may be None."""
        raise NotImplementedError

    def to_dict(self):
        """Return what JSON can hold of the row."""
        return {key: value for key, value in vars(self).items() if key != "reliability"}


@dataclass
class ClassifierRow(Row):
    """Measures of one classifier."""

    name: str
    accuracy: float | None = None
    log_loss: float | None = None
    calibration_error: float | None = None
    brier_score: float | None = None  # mean squared distance to the one-hot label
    agreement: float | None = None  # share of rows with the same predicted class as the reference
    kilobytes: float | None = None
    microseconds: float | None = None
    # See equal_count_reliability.
    reliability: tuple = field(default=((), (), ()), repr=False)
    roc_auc: float | None = None  # one class against the others, mean over classes
    kl_divergence: float | None = None  # mean KL(reference ‖ model)

    loss_name = "log loss"
    least_loss = 1e-4  # the table shows four digits
    columns = {
        "log loss": cell("log_loss", ".4f"),
        "accuracy": cell("accuracy", ".2%"),
        "calib. error": cell("calibration_error", ".4f"),
        "agreement": cell("agreement", ".2%"),
        **COSTS,
    }
    details = {
        "log loss": cell("log_loss", ".4f"),
        "accuracy": cell("accuracy", ".2%"),
        "AUC": cell("roc_auc", ".4f"),
        "Brier score": cell("brier_score", ".4f"),
        "calib. error": cell("calibration_error", ".4f"),
        "agreement": cell("agreement", ".2%"),
        "KL": cell("kl_divergence", ".4f"),
        **COSTS,
    }
    by_rows = ("log_loss", "accuracy", "brier_score", "agreement", "kl_divergence")

    @property
    def loss(self):
        return self.log_loss

    @classmethod
    def predict(cls, models, X, y, qid=None):
        return predicted_probabilities(models, X, y)

    @classmethod
    def measures(cls, predictions, name, reference):
        y, proba = predictions.y, predictions.by_model[name]
        found = {}
        if y is not None:
            found = {
                "accuracy": float(np.mean(proba.argmax(1) == y)),
                "log_loss": float(log_loss(y, proba, labels=range(proba.shape[1]))),
                "calibration_error": expected_calibration_error(y, proba),
                "brier_score": brier_score(y, proba),
                "roc_auc": macro_auc(y, proba),
                "reliability": equal_count_reliability(y, proba),
            }
        if reference is not None:
            other = predictions.by_model[reference]
            found["agreement"] = agreement(proba, other)
            found["kl_divergence"] = float(kl_divergence(other, proba).mean())
        return found


@dataclass
class RegressorRow(Row):
    """Measures of one regressor. Those of several targets are means over the targets."""

    name: str
    rmse: float | None = None
    mae: float | None = None
    r2: float | None = None
    agreement: float | None = None  # R² of the predictions, those of the reference as the target
    coverage: float | None = None  # share of targets between the outer quantiles
    nominal_coverage: float | None = None  # what that share should be
    kilobytes: float | None = None
    microseconds: float | None = None

    loss_name = "RMSE"
    least_loss = 1e-300  # its unit may be of any size
    columns = {
        "RMSE": lambda row: four_digits(row.rmse),
        "MAE": lambda row: four_digits(row.mae),
        "R2": cell("r2", ".4f"),
        "agreement, R2": cell("agreement", ".4f"),
        "coverage": lambda row: row._coverage_cell(),
        **COSTS,
    }
    details = columns
    by_rows = ("rmse", "mae", "r2", "agreement", "coverage")
    reliability = (), (), ()  # of classifiers alone

    @property
    def loss(self):
        return self.rmse

    @classmethod
    def predict(cls, models, X, y, qid=None):
        return predicted_targets(models, X, y)

    @classmethod
    def measures(cls, predictions, name, reference):
        y, predicted, found = predictions.y, predictions.by_model[name], {}
        if y is not None:
            found = {
                "rmse": float(root_mean_squared_error(y, predicted)),
                "mae": float(mean_absolute_error(y, predicted)),
                "r2": _r2(y, predicted),
            }
            if name in predictions.bounds:
                low, high, nominal = predictions.bounds[name]
                is_covered = (low <= y[:, 0]) & (y[:, 0] <= high)
                found |= {"coverage": float(is_covered.mean()), "nominal_coverage": nominal}
        if reference is not None:
            found["agreement"] = _r2(predictions.by_model[reference], predicted)
        return found

    def _coverage_cell(self):
        if self.coverage is None:
            return ""
        return f"{self.coverage:.1%} of {self.nominal_coverage:.0%}"


@dataclass
class RankerRow(Row):
    """Measures of one ranker, which are means over the queries."""

    name: str
    ndcg: float | None = None  # NDCG@10, where the relevance is the gain
    agreement: float | None = None  # Kendall's tau with the reference
    kilobytes: float | None = None
    microseconds: float | None = None

    loss_name = "1 - NDCG@10"
    least_loss = 1e-4
    columns = {
        "NDCG@10": cell("ndcg", ".4f"),
        "agreement, tau": cell("agreement", ".4f"),
        **COSTS,
    }
    details = columns
    by_rows = ("ndcg", "agreement")
    reliability = (), (), ()  # of classifiers alone

    @property
    def loss(self):
        return None if self.ndcg is None else 1 - self.ndcg

    @classmethod
    def predict(cls, models, X, y, qid=None):
        return predicted_scores(models, X, y, qid)

    @classmethod
    def measures(cls, predictions, name, reference):
        y, scores, queries = predictions.y, predictions.by_model[name][:, 0], predictions.queries
        found = {}
        if y is not None:
            found["ndcg"] = _known(mean_ndcg(y, scores, queries))
        if reference is not None:
            other = predictions.by_model[reference][:, 0]
            found["agreement"] = _known(mean_tau(scores, other, queries))
        return found


def _known(value):
    """Return None for NaN, which is what no query has."""
    return None if np.isnan(value) else value


def _r2(y, predicted):
    """Return R², which targets that are all alike, but for rounding, do not have."""
    is_alike = np.ptp(y, axis=0) <= 1e-12 * np.abs(y).max(axis=0)
    return None if is_alike.any() else float(r2_score(y, predicted))


def four_digits(value):
    """Format a number in the unit of the target, without an exponent if it is not tiny."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.4g}"


def row_class(models, *, has_queries=False):
    """Return the class of rows that fits models, which are all of one kind.

    Parameters
    ----------
    models : dict of str to estimator
    has_queries : bool, default=False
        Whether the rows belong to queries, so that models rank them.

    Returns
    -------
    cls : type
        A subclass of `Row`.

    Raises
    ------
    ValueError
        If there are classifiers and regressors, a classifier without probabilities, or a ranker
        without queries.
    """
    if has_queries:
        _check_scores(models)
        return RankerRow
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


def _check_scores(models):
    for name, model in models.items():
        if hasattr(model, "classes_") or not hasattr(model, "predict"):
            raise ValueError(
                f"model {name!r}, a {type(model).__name__}, predicts no scores, by which rows of a "
                "query are ranked: leave it out, or leave out qid."
            )


def _kind(name, model):
    if is_ranker(model):
        raise ValueError(
            f"model {name!r}, a {type(model).__name__}, is a ranker, whose scores compare only "
            "within a query: pass qid, the query of each row."
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
