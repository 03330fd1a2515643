"""`SearchDisplay`, which plots the scores of a search over two parameters."""

from numbers import Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdistill.inspection.drawing import (
    PALE,
    axes_or_new,
    density_colors,
    frame,
    ink_on,
    shortened,
)

MOST_WRITTEN = 100  # cells up to which each has its score
SPARSEST = 0.25  # share of cells with a score below which numbers are drawn as points


class SearchDisplay:
    """Plot of the scores of a search over two parameters, such as `alpha` and `temperature`.

    Use `from_estimator` to create one.

    Parameters
    ----------
    points : list of (x, y, score)
        Two parameters and the mean test score of each candidate; of several candidates with the
        same two, the best is drawn.
    names : tuple of str, default=("alpha", "temperature")
        Names of the two parameters.
    score_name : str, default="mean test score"
        What the score is. The highest is the best.

    Attributes
    ----------
    best_ : tuple
        The two parameters of the best candidate. Set by `plot`.
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        Set by `plot`.

    Notes
    -----
    Cells without a candidate, and those whose fits failed, stay empty. Numbers that hardly two
    candidates share, as `RandomizedSearchCV` draws them, are points instead of cells.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skdistill import DistilledClassifier, SearchDisplay, StudentNet
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(10), StudentNet(max_epochs=2), cv=2, random_state=0
    ... )
    >>> grid = {"alpha": [0.5, 1.0], "temperature": [1, 2]}
    >>> search = GridSearchCV(clf, grid, cv=2).fit(X, y)
    >>> display = SearchDisplay.from_estimator(search)
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('alpha', 'temperature')
    """

    def __init__(self, points, *, names=("alpha", "temperature"), score_name="mean test score"):
        self.points = points
        self.names = names
        self.score_name = score_name

    @classmethod
    def from_estimator(cls, search, *, params=None, metric=None, ax=None):
        """Plot a fitted search.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV or the like
            Fitted, with `cv_results_`.
        params : tuple of two str, default=None
            The parameters to draw, as the search names them. The best over all others is drawn.
            None: those that end with "alpha" and "temperature", or the only two.
        metric : str, default=None
            Of a search with several metrics, the one that is drawn. None: that of `refit`.
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : SearchDisplay

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        ValueError
            If `params` are not two parameters of the search, there is no such metric, or no
            candidate has both parameters and a score.
        """
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        metric = metric or (search.refit if isinstance(search.refit, str) else "score")
        scores = results.get(f"mean_test_{metric}")
        if scores is None:
            known = [key[10:] for key in results if key.startswith("mean_test_")]
            raise ValueError(f"metric={metric!r} is none of those searched by, {known}: pass one.")
        names = _two_names(results["params"], params)
        points = [
            (*(candidate[name] for name in names), float(score))
            for candidate, score in zip(results["params"], scores)
            if all(name in candidate for name in names) and np.isfinite(score)
        ]
        if not points:
            raise ValueError(
                f"no candidate has {names[0]!r}, {names[1]!r} and a finite score: pass two "
                "parameters that were searched over together."
            )
        scoring = search.scoring if isinstance(search.scoring, str) else metric
        score_name = "mean test score" if scoring == "score" else f"mean test {scoring}"
        return cls(points, names=names, score_name=score_name).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the scores, and mark the best.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : SearchDisplay
            The object itself, with `ax_`, `figure_` and `best_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        values = [_sorted([point[axis] for point in self.points]) for axis in (0, 1)]
        table = np.full((len(values[1]), len(values[0])), np.nan)
        for x, y, score in self.points:
            cell = _position(values[1], y), _position(values[0], x)
            table[cell] = np.nanmax([table[cell], score])
        numbers = all(_is_number(each) for each in (*values[0], *values[1]))
        as_points = numbers and np.isfinite(table).mean() < SPARSEST
        width, height = (0 if as_points else 0.62 * len(each) for each in values)
        size = np.clip(3.6 + width, 5.8, 10), np.clip(2.4 + height, 3.8, 9)
        self.ax_ = ax = axes_or_new(ax, size)
        self.figure_ = ax.figure
        row, column = np.unravel_index(np.nanargmax(table), table.shape)
        self.best_ = values[0][column], values[1][row]
        if as_points:
            drawn = self._plot_points(ax)
        else:
            drawn = self._plot_cells(ax, table, values, (row, column))
        self.figure_.colorbar(drawn, ax=ax, label=f"{self.score_name}, higher is better")
        ax.set(xlabel=shortened(self.names[0], 48), ylabel=shortened(self.names[1], 36))
        best = ", ".join(
            f"{name.split('__')[-1]} {_spell(each)}" for name, each in zip(self.names, self.best_)
        )
        ax.set_title(f"Best: {best}: {np.nanmax(table):.4g}", loc="left", fontsize=10)
        return self

    def _plot_cells(self, ax, table, values, best):
        """Draw a heat map, and an edge around the best cell."""
        from matplotlib import rcParams
        from matplotlib.patches import Rectangle

        drawn = ax.imshow(
            np.ma.masked_invalid(table), cmap=density_colors(ax), origin="lower", aspect="auto"
        )
        names = [[_spell(each) for each in axis] for axis in values]
        is_long = max(map(len, names[0])) > 6 or len(names[0]) > 12
        ax.set_xticks(range(len(names[0])), names[0], **(SLANTED if is_long else {}))
        ax.set_yticks(range(len(names[1])), names[1])
        ax.tick_params(length=0, labelsize=9)
        ax.spines[:].set_visible(False)
        ink = rcParams["text.color"]
        corner = best[1] - 0.5, best[0] - 0.5
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=ink, linewidth=2, clip_on=False))
        if np.isfinite(table).sum() <= MOST_WRITTEN and table.shape[1] <= 10:
            for cell, score in np.ndenumerate(table):
                if np.isfinite(score):
                    ax.text(
                        cell[1], cell[0], f"{score:.3g}", ha="center", va="center", fontsize=8.5,
                        color=ink_on(drawn.cmap(drawn.norm(score))),
                        weight="bold" if cell == best else "normal",
                    )  # fmt: skip
        return drawn

    def _plot_points(self, ax):
        """Draw a point for each candidate, and a ring around the best."""
        x, y, scores = np.array(self.points, dtype=float).T
        order = np.argsort(scores)  # the best on top
        drawn = ax.scatter(
            x[order], y[order], c=scores[order], cmap=density_colors(ax), s=60, zorder=3,
            edgecolors=PALE, linewidths=0.5,
        )  # fmt: skip
        ax.scatter(*self.best_, s=190, facecolors="none", edgecolors="C1", linewidths=2, zorder=4)
        for values, scale in ((x, ax.set_xscale), (y, ax.set_yscale)):
            if values.min() > 0 and values.max() > 100 * values.min():
                scale("log")
        frame(ax)
        return drawn


SLANTED = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}


def _two_names(candidates, params):
    """Return the names of the parameters to draw."""
    known = list(dict.fromkeys(name for candidate in candidates for name in candidate))
    if params is None:
        ends = [[n for n in known if n.split("__")[-1] == end] for end in ("alpha", "temperature")]
        params = [names[0] for names in ends] if all(len(each) == 1 for each in ends) else known
    if len(params) != 2 or isinstance(params, str) or not set(params) <= set(known):
        raise ValueError(
            f"the search is over {known}, and a plot shows two parameters, got {list(params)}: "
            "pass params=(name, other)."
        )
    return tuple(params)


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _sorted(values):
    """Return distinct values: numbers in their order, others as they come."""
    distinct: list = []
    for value in values:
        if not any(_is_same(value, each) for each in distinct):
            distinct.append(value)
    return sorted(distinct) if all(map(_is_number, distinct)) else distinct


def _position(values, value):
    return next(k for k, each in enumerate(values) if _is_same(value, each))


def _is_same(value, other):
    """Compare values of a parameter, which may be arrays or estimators."""
    return (
        value is other
        or (type(value) is type(other) and repr(value) == repr(other))
        or (_is_number(value) and _is_number(other) and value == other)
    )


def _spell(value):
    return f"{value:.4g}" if _is_number(value) else shortened(value, 22)
