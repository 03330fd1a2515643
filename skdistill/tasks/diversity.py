"""How the teachers differ, and what each adds to the pool."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import log_loss

from skdistill.tasks.pooling import pool, pool_weights

PAIRWISE = ("disagreement", "q_statistic", "double_fault", "error_correlation")


@dataclass
class Diversity:
    """How teachers differ, to be printed or kept as dicts.

    Parameters
    ----------
    names : list of str
        Of the teachers, in the order of all that follows.
    log_loss, marginal_gain : ndarray of shape (n_teachers,)
    disagreement, q_statistic, double_fault, error_correlation : ndarray
        Of shape (n_teachers, n_teachers), symmetric.
    """

    names: list
    log_loss: np.ndarray
    marginal_gain: np.ndarray
    disagreement: np.ndarray
    q_statistic: np.ndarray
    double_fault: np.ndarray
    error_correlation: np.ndarray

    def to_dict(self):
        """Plain dicts and floats by name, as ``d["marginal_gain"]["rf"]``.

        The measures of pairs are dicts of dicts, ``d["disagreement"]["rf"]["xgb"]``, without
        a teacher's own.
        """
        of_each = {
            measure: dict(zip(self.names, getattr(self, measure).tolist()))
            for measure in ("log_loss", "marginal_gain")
        }
        of_pairs = {measure: self._by_names(getattr(self, measure)) for measure in PAIRWISE}
        return of_each | of_pairs

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
    """Measure how teachers differ, and which of them the pool could do without.

    Parameters
    ----------
    soft_targets : ndarray of shape (n_teachers, n_samples, n_classes)
        Each teacher's probabilities of rows it was not fitted on.
    y : ndarray of shape (n_samples,), int
        Class indices, as columns of `soft_targets`.
    names : list of str, default=None
        The teachers' names; None: "teacher 0", "teacher 1" and so on.
    weights : "auto", None, or array-like of shape (n_teachers,), default="auto"
        How the teachers are weighted in the pool, as in `DistilledClassifier`.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        How they are pooled, see `skdistill.pool`.
    sample_weight : ndarray of shape (n_samples,), default=None
        By which rows count.

    Returns
    -------
    diversity : Diversity
        It prints as a table, and ``to_dict()`` makes plain data of it. Of each teacher:

        - ``log_loss``: its own.
        - ``marginal_gain``: the pool's log loss without it minus that with it, of the pool as it
          is, not sharpened. Above zero it helps; near zero it is idle. Weights "auto" are
          fitted anew without it, given ones keep their proportions. Of a single teacher: its
          gain over the classes' shares.

        Of each pair, where a, b, c, d are the shares of rows that both, only the one, only the
        other and neither name rightly:

        - ``disagreement``: b + c. On the class itself they may also differ where both are wrong.
        - ``q_statistic``: (ad - bc) / (ad + bc); 1 for errors on the same rows, 0 for
          independent ones, -1 for errors that exclude each other.
        - ``double_fault``: d.
        - ``error_correlation``: (ad - bc) / sqrt((a+b)(c+d)(a+c)(b+d)).

        Where one of a pair is always right or always wrong, Q and the correlation are zero
        divided by zero, and given as 0: its errors tell nothing about those of the other.

    Raises
    ------
    ValueError
        If shapes, names or labels do not fit each other.

    References
    ----------
    Kuncheva and Whitaker, "Measures of diversity in classifier ensembles and their
    relationship with the ensemble accuracy", 2003, Machine Learning 51.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import diversity
    >>> sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
    >>> unsure = np.array([[0.6, 0.4], [0.4, 0.6], [0.4, 0.6]])
    >>> found = diversity([sure, unsure], [0, 0, 1], ["sure", "unsure"])
    >>> round(found.to_dict()["disagreement"]["sure"]["unsure"], 3)
    0.333
    """
    soft_targets, y = np.asarray(soft_targets), np.asarray(y)
    names = _check(soft_targets, y, names)
    if not (weights is None or isinstance(weights, str)):
        weights = pool_weights(weights, soft_targets, y)
    row_weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
    row_weight = row_weight / row_weight.sum()

    def loss(proba):
        return log_loss(y, proba, labels=range(proba.shape[1]), sample_weight=row_weight)

    def pool_loss(teachers):
        if not teachers.size:
            shares = np.bincount(y, row_weight, soft_targets.shape[2])
            return loss(np.tile(shares, (len(y), 1)))
        of_these = soft_targets[teachers]
        theirs = pool_weights(
            _weights_of(weights, teachers),
            of_these,
            y,
            combination=combination,
            sample_weight=row_weight,
        )
        return loss(pool(of_these, theirs, combination))

    everyone = np.arange(len(soft_targets))
    of_all = pool_loss(everyone)
    return Diversity(
        names,
        log_loss=np.array([loss(proba) for proba in soft_targets]),
        marginal_gain=np.array([pool_loss(np.delete(everyone, t)) - of_all for t in everyone]),
        **_pairwise(soft_targets.argmax(2) == y, row_weight),
    )


def _pairwise(right, row_weight):
    """The measures of all pairs, from who is right where.

    Parameters
    ----------
    right : ndarray of bool of shape (n_teachers, n_samples)
    row_weight : ndarray of shape (n_samples,)
        Of sum one.
    """
    right, wrong = right.astype(float), (~right).astype(float)
    both, neither = (right * row_weight) @ right.T, (wrong * row_weight) @ wrong.T
    only_one = (right * row_weight) @ wrong.T
    only_other = only_one.T
    same, different = both * neither, only_one * only_other
    accuracy, error = np.diag(both), np.diag(neither)
    spread = np.sqrt(accuracy * error)
    return {
        "disagreement": only_one + only_other,
        "q_statistic": _or_zero(same - different, same + different),
        "double_fault": neither,
        "error_correlation": _or_zero(same - different, np.outer(spread, spread)),
    }


def _or_zero(numerator, denominator):
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _weights_of(weights, teachers):
    """The parameter `weights` for some of the teachers."""
    if weights is None or isinstance(weights, str):
        return weights
    theirs = weights[teachers]
    return theirs if theirs.any() else None


def _check(soft_targets, y, names):
    """Refuse what does not fit, and return the names."""
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
            f"names must be {len(soft_targets)} different ones, one for each teacher, got {names}."
        )
    return list(names)
