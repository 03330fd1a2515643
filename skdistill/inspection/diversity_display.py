"""`DiversityDisplay`, which plots how teachers differ, beside their weights and losses."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdistill.inspection.drawing import (
    GRAY,
    axes_or_new,
    density_colors,
    ink_on,
    shortened,
)
from skdistill.inspection.pipelines import split_pipeline

MOST_WRITTEN = 12  # teachers up to which each cell has its number
SHARES = "disagreement", "double_fault"
TITLES = {
    "disagreement": "Disagreement of teachers",
    "error_correlation": "Correlation of teachers' errors",
    "q_statistic": "Q statistic of teachers",
    "double_fault": "Rows that both teachers get wrong",
}


class DiversityDisplay:
    """Plot of how much each pair of teachers differs, with the weights and losses of each.

    Use `from_estimator` to create one.

    Parameters
    ----------
    names : list of str
        Names of the teachers.
    pairs : ndarray of shape (n_teachers, n_teachers)
        A measure of pairs; the diagonal is not drawn.
    weights, losses : dict of str to float
        Weights in the pool and out-of-fold losses, by name.
    measure : str, default="disagreement"
        What `pairs` is.
    loss_name : str, default="loss"
        What `losses` are, such as "log loss".
    is_share : bool, default=False
        Whether the measure is a share of rows, which is written in percent.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        Set by `plot`.

    See Also
    --------
    diversity : The measures, with their definitions.

    Notes
    -----
    Teachers are sorted by weight. Numbers are those of `teacher_diversity_`, `teacher_weights_`
    and `teacher_scores_` of the fitted estimator, of rows that no teacher was fitted on.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    >>> from skdistill import DistilledClassifier, DiversityDisplay, StudentNet
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     [("rf", RandomForestClassifier(10)), ("et", ExtraTreesClassifier(10))],
    ...     StudentNet(max_epochs=3), cv=2, random_state=0,
    ... ).fit(X, y)
    >>> display = DiversityDisplay.from_estimator(clf, measure="error_correlation")
    >>> display.ax_.get_title(loc="left")
    "Correlation of teachers' errors"
    """

    def __init__(
        self,
        names,
        pairs,
        weights,
        losses,
        *,
        measure="disagreement",
        loss_name="loss",
        is_share=False,
    ):
        self.names = names
        self.pairs = pairs
        self.weights = weights
        self.losses = losses
        self.measure = measure
        self.loss_name = loss_name
        self.is_share = is_share

    @classmethod
    def from_estimator(cls, estimator, *, measure="disagreement", ax=None):
        """Plot the teachers of a fitted estimator; they need not be kept.

        Parameters
        ----------
        estimator : DistilledClassifier, DistilledRegressor or DistilledRanker
            Fitted. Or a fitted `TeacherEnsemble`, or that of regressors or rankers; or a pipeline
            that ends with one of these, or a search over either.
        measure : str, default="disagreement"
            A measure of pairs out of `teacher_diversity_`: "disagreement" or
            "error_correlation"; of classifiers also "q_statistic" or "double_fault".
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : DiversityDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If no teachers were fitted, or there is no such measure.
        """
        check_is_fitted(estimator)
        _, estimator = split_pipeline(estimator)
        diversity, weights, losses = (_of_teachers(estimator, name) for name in _ATTRIBUTES)
        if not diversity:
            raise ValueError(
                f"{type(estimator).__name__} has fitted no teachers, whose diversity could be "
                "drawn: fit one with teachers instead of predictions from elsewhere."
            )
        known = [name for name, value in diversity.items() if _is_of_pairs(value)]
        if measure not in diversity or (known and measure not in known):
            raise ValueError(f"measure={measure!r} is none of {known or list(TITLES)}: pass one.")
        names = sorted(weights, key=weights.get, reverse=True)
        pairs = [[diversity[measure].get(a, {}).get(b, np.nan) for b in names] for a in names]
        how = {
            "measure": measure,
            "loss_name": getattr(estimator, "_score_name", "loss"),
            # Of classifiers alone: otherwise it is relative to the errors.
            "is_share": measure in SHARES and set(SHARES) <= set(diversity),
        }
        display = cls(names, np.array(pairs), weights, losses, **how)
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the matrix of pairs, with weights and losses on its right.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : DiversityDisplay
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n = len(self.names)
        size = min(9.5, 3.6 + 0.42 * n)
        self.ax_ = ax = axes_or_new(ax, (size + 2.2, size))
        self.figure_ = ax.figure
        is_diagonal = np.eye(n, dtype=bool)
        pairs = np.ma.masked_invalid(np.where(is_diagonal, np.nan, self.pairs))
        drawn = ax.imshow(pairs, cmap=density_colors(ax), aspect="auto", **_limits(pairs))
        font = 8.5 if n <= MOST_WRITTEN else 7
        names = [shortened(name, 22) for name in self.names]
        ax.set_xticks(range(n), names, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(n), names)
        ax.tick_params(labelsize=font, length=0)
        ax.spines[:].set_visible(False)
        ax.set_title(TITLES.get(self.measure, self.measure), loc="left")
        if n <= MOST_WRITTEN:
            self._write(ax, pairs, drawn)
        elif pairs.count():
            self.figure_.colorbar(drawn, ax=ax, location="bottom", shrink=0.6, aspect=40)
        self._write_columns(ax, font)
        return self

    def _write(self, ax, pairs, drawn):
        """Write the number of each pair into its cell."""
        write = "{:.1%}" if self.is_share else "{:.2f}"
        for (i, j), value in np.ndenumerate(pairs.filled(np.nan)):
            if np.isfinite(value):
                color = ink_on(drawn.cmap(drawn.norm(value)))
                ax.text(
                    j, i, write.format(value), ha="center", va="center", fontsize=8, color=color
                )

    def _write_columns(self, ax, font):
        """Write weights and losses on the right of the matrix, one row for each teacher."""
        columns = {"weight": "{:.2f}", self.loss_name: "{:.4g}"}
        for k, (header, write) in enumerate(columns.items()):
            values = self.losses if k else self.weights
            offset = (58 + 58 * k, 0)
            place = {"textcoords": "offset points", "ha": "right", "fontsize": font}
            ax.annotate(
                header, (1, 1), (offset[0], 3), xycoords="axes fraction", va="bottom", color=GRAY,
                **place,
            )  # fmt: skip
            for i, name in enumerate(self.names):
                if name in values:
                    ax.annotate(
                        write.format(values[name]), (1, i), offset,
                        xycoords=("axes fraction", "data"), va="center", **place,
                    )  # fmt: skip


_ATTRIBUTES = "diversity_", "weights_", "scores_"


def _of_teachers(estimator, name):
    """Return an attribute of a distilled estimator's teachers, or of an ensemble of teachers."""
    return getattr(estimator, f"teacher_{name}", None) or getattr(estimator, name, None) or {}


def _limits(pairs):
    """Return the ends of the scale: nearly equal measures look alike."""
    if not pairs.count():
        return {"vmin": 0, "vmax": 1}
    low, high = float(pairs.min()), float(pairs.max())
    middle, half = (low + high) / 2, max((high - low) / 2, 0.02)
    return {"vmin": middle - half, "vmax": middle + half}


def _is_of_pairs(value):
    """Tell whether a measure is of pairs: a dict of dicts."""
    return any(isinstance(each, dict) for each in value.values())
