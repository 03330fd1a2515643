"""`robustness`: how much worse models become on corrupted rows."""

from html import escape

from skdistill.inspection.robustness_display import RobustnessDisplay
from skdistill.inspection.robustness_measures import CLEAN, measure_robustness
from skdistill.inspection.rows import four_digits
from skdistill.inspection.tables import aligned, as_frame, html_table


class Robustness:
    """The measures of models on corrupted rows, to print, plot or store.

    Parameters
    ----------
    rows : list of dict
        One for each model, corruption and strength: ``model``, ``corruption`` ("none" for the
        rows as they are), ``strength``, and the mean of each measure over the repeats, with its
        standard deviation, such as ``log_loss`` and ``log_loss_std``.
    loss_name : str
        What the loss is called, "log loss" or "RMSE".
    absent : list of str, default=()
        What could not be measured, and why.

    See Also
    --------
    robustness : Measures models and returns this.
    """

    def __init__(self, rows, loss_name, absent=()):
        self.rows = rows
        self.loss_name = loss_name
        self.absent = list(absent)

    @property
    def loss(self):
        """Name of the loss in `rows`."""
        return "rmse" if "rmse" in self.rows[0] else "log_loss"

    def to_frame(self):
        """Return the rows as a DataFrame of pandas.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return as_frame(self.rows)

    def _cells(self):
        """Return the texts of the table of losses by row, the header first."""
        models = list(dict.fromkeys(row["model"] for row in self.rows))
        losses: dict = {}
        for row in self.rows:
            losses.setdefault((row["corruption"], row["strength"]), {})[row["model"]] = row
        write = "{:.4f}".format if self.loss == "log_loss" else four_digits
        lines = [[self.loss_name, *models]]
        for (corruption, strength), by_model in losses.items():
            name = "as given" if corruption == CLEAN else f"{corruption} {strength:g}"
            cells = [write(by_model[m][self.loss]) if m in by_model else "-" for m in models]
            lines.append([name, *cells])
        return lines

    def __repr__(self):
        """Format the losses as a table, and say what is absent."""
        lines = aligned(self._cells())
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], *self.absent])

    def _repr_html_(self):
        """Return the table as HTML; notebooks show it."""
        notes = "\n".join(f"<p>{escape(note)}</p>" for note in self.absent)
        return f"{html_table(self._cells())}\n{notes}"

    def plot(self, **kwargs):
        """Draw one panel for each corruption, with a curve for each model.

        Parameters
        ----------
        **kwargs
            `metric` and `axes`, see `RobustnessDisplay.plot`.

        Returns
        -------
        display : RobustnessDisplay
            With `figure_` and `axes_`.
        """
        return RobustnessDisplay(self.rows, self.loss_name).plot(**kwargs)


def robustness(
    estimator,
    X,
    y,
    *,
    models=None,
    corruptions=None,
    n_repeats=3,
    categorical_features=None,
    random_state=None,
):
    """Measure a student and its teachers on corrupted rows.

    Each model predicts the same corrupted copies of rows that none of them was fitted on.

    Parameters
    ----------
    estimator : classifier or regressor
        A fitted `DistilledClassifier` or `DistilledRegressor`, a pipeline that ends with one, or
        a search over either: the "student". Teachers that it has kept by ``keep_teachers=True``
        are measured too, as "pooled teachers". Another fitted classifier with `predict_proba`, or
        regressor, is named by its class.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows that no model was fitted on. They are not changed.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Their labels or targets.
    models : dict of str to estimator, default=None
        More fitted models of the same classes or targets, such as single teachers, or the
        student's net on labels.
    corruptions : list of str, dict of str to list of float, or None, default=None
        Which corruptions, see Notes; a dict gives their strengths. None: all that X has columns
        for.
    n_repeats : int, default=3
        How often each corruption is drawn; measures are means over these.
    categorical_features : "from_dtype", array-like or None, default=None
        Which columns are categories, as in `DistilledClassifier`. None: those that the student
        encodes as such, and otherwise "from_dtype".
    random_state : int, RandomState or None, default=None
        Seeds the corruptions.

    Returns
    -------
    result : Robustness
        Printing it shows a table of losses. It has ``to_frame()``, ``plot()``, and `absent`,
        which says what could not be measured and why.

    Raises
    ------
    ValueError
        If X is sparse, if models share a name or differ in their classes, if a corruption is
        unknown, has a strength out of its range or is named although X has no column for it,
        and as `compare` does.

    See Also
    --------
    compare : Measures models on rows as they are.
    RobustnessDisplay : Draws the result.

    Notes
    -----
    The corruptions, and what their strength is:

    - "noise": all numbers get normal noise. Its standard deviation, as a multiple of that of the
      column in X.
    - "missing": cells become missing. Their share, of all columns.
    - "swap": categories and booleans become another value of their column, drawn as often as it
      occurs in X. Their share.
    - "shift": all numbers of one column move, as those of a sensor that drifts. By how many
      standard deviations; column and direction are drawn anew in each repeat.
    - "tail": a slice of the rows, unchanged. The share that is left out, which are the lowest
      numbers of one column, drawn anew in each repeat. A slice may be easier than all rows, so
      compare models within it.

    Whole numbers stay whole under noise and shift; a number may leave the range of its column.
    Draws of a repeat are the same for all strengths: what is corrupted by a weak one is so by a
    stronger one. But for "tail" the labels stay, although a strong corruption makes another row.

    A model that refuses a corrupted table, such as one with missing values, has no measures of
    this corruption: `absent` has its error.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import robustness
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[::2], y[::2])
    >>> bayes = GaussianNB().fit(X[::2], y[::2])
    >>> result = robustness(
    ...     tree, X[1::2], y[1::2], models={"naive Bayes": bayes},
    ...     corruptions={"noise": [0.1, 0.5], "missing": [0.2]}, random_state=0,
    ... )
    >>> print(result)
    log loss     DecisionTreeClassifier  naive Bayes
    ------------------------------------------------
    as given                     ...
    noise 0.1                    ...
    noise 0.5                    ...
    missing 0.2                  ...            -
    no 'naive Bayes' under 'missing': ValueError: Input X contains NaN.
    >>> result.to_frame().columns.tolist()[:4]
    ['model', 'corruption', 'strength', 'log_loss']
    """
    return Robustness(
        *measure_robustness(
            estimator, X, y, models=models, corruptions=corruptions, n_repeats=n_repeats,
            categorical_features=categorical_features, random_state=random_state,
        )
    )  # fmt: skip
