"""Diversity of teachers: how they differ, and what each adds to the pool."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import log_loss

from skdistill.tasks.pooling import pool, pool_weights, weights_by_name

PAIRWISE = ("disagreement", "q_statistic", "double_fault", "error_correlation")


@dataclass
class Diversity:
    """Result of `diversity`: arrays that print as a table.

    Parameters
    ----------
    names : list of str
        Names of the teachers, in the order of the arrays.
    log_loss, marginal_gain : ndarray of shape (n_teachers,)
        Measures of single teachers.
    disagreement, q_statistic, double_fault, error_correlation : ndarray
        Measures of pairs: symmetric matrices of shape (n_teachers, n_teachers).
    """

    names: list
    log_loss: np.ndarray
    marginal_gain: np.ndarray
    disagreement: np.ndarray
    q_statistic: np.ndarray
    double_fault: np.ndarray
    error_correlation: np.ndarray

    def to_dict(self):
        """Return the measures as plain dicts of floats, by name.

        Returns
        -------
        measures : dict
            Measures of single teachers are dicts, as ``d["marginal_gain"]["rf"]``. Measures of
            pairs are dicts of dicts, as ``d["disagreement"]["rf"]["xgb"]``, without the pair of a
            teacher with itself.
        """
        single = {
            measure: dict(zip(self.names, getattr(self, measure).tolist()))
            for measure in ("log_loss", "marginal_gain")
        }
        pairs = {measure: self._by_names(getattr(self, measure)) for measure in PAIRWISE}
        return single | pairs

    def _by_names(self, matrix):
        return {
            one: {other: value for other, value in zip(self.names, row) if other != one}
            for one, row in zip(self.names, matrix.tolist())
        }

    def __str__(self):
        width = max(map(len, self.names))
        lines = [f"{'':{width}}  log loss  marginal gain"]
        lines += [
            f"{name:{width}}  {loss:8.4f}  {gain:+13.4f}"
            for name, loss, gain in zip(self.names, self.log_loss, self.marginal_gain)
        ]
        if len(self.names) > 1:
            lines += ["", *self._lines_of_pairs()]
        return "\n".join(lines)

    def _lines_of_pairs(self):
        pairs = list(zip(*np.triu_indices(len(self.names), 1)))
        labels = [f"{self.names[i]}, {self.names[j]}" for i, j in pairs]
        width = max(map(len, labels))
        yield f"{'':{width}}  disagreement       Q  double fault  error correlation"
        for label, pair in zip(labels, pairs):
            yield (
                f"{label:{width}}  {self.disagreement[pair]:12.2%}  {self.q_statistic[pair]:6.3f}  "
                f"{self.double_fault[pair]:12.2%}  {self.error_correlation[pair]:17.3f}"
            )


def diversity(
    soft_targets, y, names=None, weights="auto", *, combination="mean", sample_weight=None
):
    """Measure how teachers differ, and what each adds to the pool.

    Parameters
    ----------
    soft_targets : array-like of shape (n_teachers, n_samples, n_classes)
        Probabilities of each teacher for rows that it was not fitted on.
    y : array-like of shape (n_samples,), int
        Class indices: columns of `soft_targets`.
    names : list of str, default=None
        Names of the teachers. None: "teacher 0", "teacher 1" and so on.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        Weights of the teachers in the pool. "auto" minimizes the log loss of the pool. None
        weights all teachers equally.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        How the teachers are pooled, as in `pool`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows. None: equal weights.

    Returns
    -------
    diversity : Diversity
        Prints as a table; ``to_dict()`` returns plain data. Its attributes are arrays:

        - ``log_loss``, ``marginal_gain`` of shape (n_teachers,)
        - ``disagreement``, ``q_statistic``, ``double_fault``, ``error_correlation`` of shape
          (n_teachers, n_teachers)

    Raises
    ------
    ValueError
        If shapes, names or labels do not match each other.

    See Also
    --------
    pool : Combines the probabilities of the teachers.
    TeacherEnsemble : Has these measures as `diversity_` after a fit.

    Notes
    -----
    The ``marginal_gain`` of a teacher is the log loss of the pool without it minus the log loss
    of the pool with it, both before sharpening. It is positive for a teacher that helps and
    close to zero for a redundant one. Without the teacher, "auto" weights are fitted again and
    given weights keep their proportions. A single teacher is compared with the class
    frequencies.

    For each pair, let a, b, c and d be the shares of rows that both teachers, only the first,
    only the second, and neither of them classify correctly:

    - ``disagreement``: b + c. Rows on which both are wrong do not count, even if they predict
      different classes.
    - ``q_statistic``: (ad - bc) / (ad + bc). It is 1 for errors on the same rows, 0 for
      independent errors and -1 for errors that never coincide.
    - ``double_fault``: d.
    - ``error_correlation``: (ad - bc) / sqrt((a+b)(c+d)(a+c)(b+d)).

    If a teacher is always right or always wrong, the last formula and that of Q are zero
    divided by zero. Both are then reported as 0, because its errors carry no information about
    those of the other.

    References
    ----------
    Kuncheva and Whitaker, "Measures of diversity in classifier ensembles and their
    relationship with the ensemble accuracy", 2003, Machine Learning 51.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import diversity
    >>> rf = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
    >>> lr = np.array([[0.6, 0.4], [0.4, 0.6], [0.4, 0.6]])
    >>> result = diversity([rf, lr], [0, 0, 1], names=["rf", "lr"])
    >>> round(result.to_dict()["disagreement"]["rf"]["lr"], 3)
    0.333
    """
    soft_targets, y = np.asarray(soft_targets), np.asarray(y)
    names = _check_arguments(soft_targets, y, names)
    weights = weights_by_name(weights, names)
    if not (weights is None or isinstance(weights, str)):
        weights = pool_weights(weights, soft_targets, y)
    row_weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
    row_weight = row_weight / row_weight.sum()

    def loss(proba):
        return log_loss(y, proba, labels=range(proba.shape[1]), sample_weight=row_weight)

    def pool_loss(teachers):
        if not teachers.size:
            frequencies = np.bincount(y, row_weight, soft_targets.shape[2])
            return loss(np.tile(frequencies, (len(y), 1)))
        fitted_weights = pool_weights(
            _subset_weights(weights, teachers),
            soft_targets[teachers],
            y,
            combination=combination,
            sample_weight=row_weight,
        )
        return loss(pool(soft_targets[teachers], fitted_weights, combination))

    indices = np.arange(len(soft_targets))
    full_loss = pool_loss(indices)
    return Diversity(
        names,
        log_loss=np.array([loss(proba) for proba in soft_targets]),
        marginal_gain=np.array([pool_loss(np.delete(indices, t)) - full_loss for t in indices]),
        **_pairwise_measures(soft_targets.argmax(2) == y, row_weight),
    )


def _pairwise_measures(is_correct, row_weight):
    """Return the measures of all pairs.

    Parameters
    ----------
    is_correct : ndarray of bool of shape (n_teachers, n_samples)
        The rows that each teacher classifies correctly.
    row_weight : ndarray of shape (n_samples,)
        Sums to one.

    Returns
    -------
    measures : dict of str to ndarray of shape (n_teachers, n_teachers)
    """
    right, wrong = is_correct.astype(float), (~is_correct).astype(float)
    both, neither = (right * row_weight) @ right.T, (wrong * row_weight) @ wrong.T
    only_first = (right * row_weight) @ wrong.T
    only_second = only_first.T
    same, different = both * neither, only_first * only_second
    accuracy, error = np.diag(both), np.diag(neither)
    std = np.sqrt(accuracy * error)
    return {
        "disagreement": only_first + only_second,
        "q_statistic": _divide_or_zero(same - different, same + different),
        "double_fault": neither,
        "error_correlation": _divide_or_zero(same - different, np.outer(std, std)),
    }


def _divide_or_zero(numerator, denominator):
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _subset_weights(weights, teachers):
    """Return the parameter `weights` for some of the teachers."""
    if weights is None or isinstance(weights, str):
        return weights
    subset = weights[teachers]
    return subset if subset.any() else None


def _check_arguments(soft_targets, y, names):
    """Check that shapes, labels and names match; return the names."""
    if soft_targets.ndim != 3 or not len(soft_targets) or y.shape != soft_targets.shape[1:2]:
        raise ValueError(
            f"soft_targets has shape {soft_targets.shape} and y {y.shape}, expected (n_teachers, "
            "n_samples, n_classes) and (n_samples,)."
        )
    n_classes = soft_targets.shape[2]
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= n_classes:
        raise ValueError(
            f"y must hold class indices from 0 to {n_classes - 1}, the columns of soft_targets, "
            f"got {np.unique(y)[:5].tolist()}: encode labels by np.searchsorted(classes_, y)."
        )
    if names is None:
        names = [f"teacher {t}" for t in range(len(soft_targets))]
    if len(names) != len(soft_targets) or len(set(names)) != len(names):
        raise ValueError(
            f"names must be {len(soft_targets)} distinct names, one for each teacher, got {names}."
        )
    return list(names)
