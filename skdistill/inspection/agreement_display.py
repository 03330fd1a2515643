"""`AgreementDisplay`, which plots a student's predictions against those of its teachers."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdistill.inspection.drawing import (
    PALE,
    Label,
    axes_or_new,
    density_colors,
    frame,
    in_points,
    settle_labels,
    shortened,
)
from skdistill.inspection.subjects import teachers_of
from skdistill.tasks.probabilities import in_order

MOST_POINTS = 2_000  # above, rows are counted in hexagons
MOST_NAMES = 3  # of rows that share a label
RADIUS = 3.5  # of the marker of a row, in points


class AgreementDisplay:
    """Plot of a student's predictions against the pooled teachers', row by row.

    Use `from_estimator` or `from_predictions` to create one.

    Parameters
    ----------
    pool, student : ndarray of shape (n_samples,)
        What the teachers and the student predict of each row, such as a probability.
    index : array-like of shape (n_samples,), default=None
        Names of the rows. None: 0, 1, 2 and so on.
    what : str, default="prediction"
        What is predicted, for the labels of the axes.
    n_marked : int, default=5
        Number of rows of the largest disagreement that are marked.

    Attributes
    ----------
    marked_ : ndarray of int of shape (n_marked,)
        Positions of the marked rows, that of the largest disagreement first. Set by `plot`.
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        Set by `plot`.

    See Also
    --------
    compare : The share of rows that get the same class, as `agreement`.

    Notes
    -----
    Two classes are drawn by the probability of the second. Of more classes, each row is drawn by
    the probability of the class that its teachers find most probable, or all by that of `label`.
    Above 2,000 rows, the plot shows how many there are in each hexagon, by shades of a
    logarithmic scale.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import AgreementDisplay, DistilledClassifier, StudentNet
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(10), StudentNet(max_epochs=5), cv=2, keep_teachers=True,
    ...     random_state=0,
    ... ).fit(X[::2], y[::2])
    >>> display = AgreementDisplay.from_estimator(clf, X[1::2])
    >>> len(display.marked_)
    5
    """

    def __init__(self, pool, student, *, index=None, what="prediction", n_marked=5):
        self.pool = pool
        self.student = student
        self.index = index
        self.what = what
        self.n_marked = n_marked

    @classmethod
    def from_estimator(
        cls, estimator, X, *, teacher_predictions=None, label=None, target=0, n_marked=5, ax=None
    ):
        """Plot a fitted student against its teachers.

        Parameters
        ----------
        estimator : DistilledClassifier, DistilledRegressor or DistilledRanker
            Fitted, a pipeline that ends with one, or a search over either; with kept teachers
            (``keep_teachers=True``), unless `teacher_predictions` are given.
        X : table of shape (n_samples, n_features)
            Rows, best such that nothing was fitted on.
        teacher_predictions : array-like, default=None
            What teachers predict for these rows: probabilities of shape (n_samples, n_classes),
            with columns as `classes_`, or in a frame named by them; or numbers as `predict`
            returns them. None: the kept teachers are asked.
        label : object, default=None
            The class whose probability is drawn, see Notes.
        target : int, default=0
            Of several targets of a regressor, the one that is drawn.
        n_marked : int, default=5
            Number of rows of the largest disagreement that are marked by their index.
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : AgreementDisplay

        Raises
        ------
        ValueError
            If there are neither kept teachers nor `teacher_predictions`, or `label` is no class.
        """
        check_is_fitted(estimator)
        teacher, _ = teachers_of(estimator)
        method = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
        can_ask = hasattr(teacher, method)  # not if its targets were computed elsewhere
        if teacher_predictions is None and not can_ask:
            raise ValueError(
                f"{type(estimator).__name__} has no teachers to ask: fit it with "
                "keep_teachers=True, or pass teacher_predictions=, what they predict for X."
            )
        if teacher_predictions is None:
            teacher_predictions = getattr(teacher, method)(X)
        names = {"index": X.index if hasattr(X, "iloc") else None, "n_marked": n_marked, "ax": ax}
        student = getattr(estimator, method)(X)
        if method == "predict_proba":
            names |= {"label": label, "classes": estimator.classes_}
        return cls.from_predictions(teacher_predictions, student, target=target, **names)

    @classmethod
    def from_predictions(
        cls, pool, student, *, classes=None, label=None, target=0, index=None, n_marked=5, ax=None
    ):
        """Plot predictions of a student against those of its teachers.

        Parameters
        ----------
        pool, student : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Probabilities if `classes` are given, else numbers.
        classes : array-like of shape (n_classes,), default=None
            Classes of the columns. None: the predictions are no probabilities.
        label : object, default=None
            The class whose probability is drawn, see Notes.
        target : int, default=0
            The column of numbers that is drawn.
        index : array-like of shape (n_samples,), default=None
            Names of the rows. None: 0, 1, 2 and so on.
        n_marked : int, default=5
            Number of rows of the largest disagreement that are marked.
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : AgreementDisplay

        Raises
        ------
        ValueError
            If the shapes differ, a prediction is missing, or `label` is none of the classes.
        """
        if classes is not None:
            labels = np.asarray(classes).tolist()
            pool, student = (in_order(each, labels, "a prediction") for each in (pool, student))
        pool, student = (_as_columns(each) for each in (pool, student))
        if pool.shape != student.shape or not len(pool):
            raise ValueError(
                f"the teachers predict shape {pool.shape}, the student {student.shape}: expected "
                "the same, with predictions of both for the same rows."
            )
        if classes is None:
            column, what = target, "prediction"
        else:
            column, what = _column(pool, labels, label)
        rows = np.arange(len(pool))
        display = cls(
            pool[rows, column], student[rows, column], index=index, what=what, n_marked=n_marked
        )
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the rows, and mark those of the largest disagreement.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: create a figure.

        Returns
        -------
        display : AgreementDisplay
            The object itself, with `ax_`, `figure_` and `marked_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        self.ax_ = ax = axes_or_new(ax, (5.4, 5))
        self.figure_ = ax.figure
        pool, student = np.asarray(self.pool, float), np.asarray(self.student, float)
        self._plot_rows(ax, pool, student)
        ax.set_xlabel(f"teachers: {self.what}")
        ax.set_ylabel(f"student: {self.what}")
        ax.set_title("Student and teachers", loc="left")
        frame(ax)
        distance = np.abs(pool - student)
        furthest = np.argsort(-distance, kind="stable")[: self.n_marked]
        self.marked_ = furthest[distance[furthest] > 0]
        if len(self.marked_):
            self._mark(ax, pool, student)
        return self

    def _plot_rows(self, ax, pool, student):
        """Draw points, or the density of many, and the diagonal."""
        both = np.concatenate([pool, student])
        is_share = self.what != "prediction"
        low, high = (0.0, 1.0) if is_share else (both.min(), both.max())
        margin = 0.04 * (high - low) or 1.0
        limits = low - margin, high + margin
        ax.set(xlim=limits, ylim=limits, aspect="equal")
        if len(pool) > MOST_POINTS:
            shades = density_colors(ax)
            drawn = ax.hexbin(
                pool, student, gridsize=45, bins="log", mincnt=1, cmap=shades, linewidths=0.2,
                extent=(low, high, low, high),
            )  # fmt: skip
            ax.figure.colorbar(drawn, ax=ax, label="rows", shrink=0.7)
        else:
            ax.scatter(pool, student, s=14, color="C0", alpha=0.45, linewidths=0)
        ax.plot(limits, limits, color=PALE, linestyle="--", linewidth=1, zorder=1)

    def _mark(self, ax, pool, student):
        """Mark the rows of the largest disagreement, and write their index beside them."""
        names = np.arange(len(pool)) if self.index is None else np.asarray(self.index)
        points = np.column_stack([pool, student])[self.marked_]
        ax.scatter(*points.T, s=(2 * RADIUS) ** 2, color="C1", zorder=3, linewidths=0)
        ax.figure.draw_without_rendering()  # fixes the layout, so that lengths can be measured
        at = in_points(ax, points)
        labels = [
            Label(_listed(names[self.marked_[group]]), tuple(points[group[0]]), RADIUS, {})
            for group in _together(at)
        ]
        settle_labels(ax, labels, np.hstack([at - RADIUS, at + RADIUS]))


def _together(at):
    """Return groups of points whose markers overlap: they share a label."""
    groups: list = []
    for k, point in enumerate(at):
        for group in groups:
            if np.hypot(*(point - at[group[0]])) < RADIUS:
                group.append(k)
                break
        else:
            groups.append([k])
    return groups


def _listed(names):
    """Return up to three names, one below the other, and how many more there are."""
    names = [shortened(name, 20) for name in names.tolist()]
    more = [f"and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return "\n".join(names[:MOST_NAMES] + more)


def _as_columns(predictions):
    """Return predictions as floats of shape (n_samples, n_outputs)."""
    predictions = np.asarray(predictions, dtype=float)
    if not np.isfinite(predictions).all():
        raise ValueError(
            f"{(~np.isfinite(predictions)).sum()} predictions are missing or infinite: leave these "
            "rows out."
        )
    return predictions[:, None] if predictions.ndim == 1 else predictions


def _column(pool, classes, label):
    """Return which class is drawn of each row, and what its probability is called."""
    if label is None and len(classes) > 2:
        return pool.argmax(1), "probability of the teachers' class"
    label = classes[-1] if label is None else label
    if label not in classes:
        raise ValueError(
            f"label={label!r} is none of the classes {classes[:20]}: pass one of them."
        )
    return classes.index(label), f"probability of {shortened(repr(label))}"
