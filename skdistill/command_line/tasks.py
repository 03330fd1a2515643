"""What the commands do differently for labels, for numbers and for grades of queries."""

from skdistill.command_line.columns import MANY
from skdistill.inspection.pipelines import is_ranker

NOTES = (
    "Agreement is {}. The time is that of one row of a DataFrame, predicted alone. The net on {} "
    "predicts with torch, the student with NumPy."
)


class Classification:
    """Labels: the student is a `DistilledClassifier`."""

    name = "classification"
    trained_on = "labels"
    baseline = "same net on labels"
    notes = NOTES.format("the share of rows that get the class of the pooled teachers", trained_on)

    @staticmethod
    def check(y, name):
        """Check that a target, of pandas and without missing values, holds classes.

        Raises
        ------
        ValueError
            If it holds numbers with decimals, or another value in almost each row.
        """
        got = f"--target {name!r} holds {y.nunique():,} different"
        if _has_decimals(y) or (_is_number(y) and _hardly_repeats(y)):
            example = y[y % 1 != 0].iloc[0] if _has_decimals(y) else y.iloc[0]
            raise ValueError(
                f"{got} numbers in {len(y):,} rows, such as {example}, which are no classes: leave "
                "--task out to predict numbers, or make classes of them, such as low and high; if "
                "they are classes, write a letter before them."
            )
        if _hardly_repeats(y):
            raise ValueError(
                f"{got} labels in {len(y):,} rows, such as {y.iloc[0]!r:.60}: choose a column "
                "whose labels repeat."
            )

    @staticmethod
    def describe(y):
        """Return what the header says of a target."""
        return f"{y.nunique()} classes"

    @staticmethod
    def strata(y):
        """Return the labels by which rows are divided."""
        return y

    @staticmethod
    def estimator():
        """Return the class of the student."""
        from skdistill.classifier import DistilledClassifier

        return DistilledClassifier

    @staticmethod
    def predictions(model, X):
        """Return the columns of a table of predictions, as a dict."""
        proba = model.predict_proba(X)
        columns = {"prediction": model.classes_[proba.argmax(1)]}
        return columns | {f"proba {label}": each for label, each in zip(model.classes_, proba.T)}


class Regression:
    """Numbers: the student is a `DistilledRegressor`. The methods are those of classification."""

    name = "regression"
    trained_on = "targets"
    baseline = "same net on targets"
    notes = NOTES.format(
        "R2 of the predictions, with those of the pooled teachers as the target", trained_on
    )

    @staticmethod
    def check(y, name):
        if not _is_number(y):
            raise ValueError(
                f"--target {name!r} holds {y.nunique():,} different labels, such as "
                f"{y.iloc[0]!r:.60}, but --task regression predicts numbers: choose a column of "
                "numbers, or leave --task out to predict classes."
            )

    @staticmethod
    def describe(y):
        return f"a target from {y.min():,.6g} to {y.max():,.6g}"

    @staticmethod
    def strata(y):
        return None

    @staticmethod
    def estimator():
        from skdistill.regressor import DistilledRegressor

        return DistilledRegressor

    @staticmethod
    def predictions(model, X):
        y, levels = model.predict(X), getattr(model, "quantiles_", None) or []
        if y.ndim == 1:
            columns = {"prediction": y}
        else:
            columns = {f"prediction {k}": each for k, each in enumerate(y.T)}
        quantiles = model.predict(X, quantiles=True).T if levels else []
        return columns | {f"quantile {q:g}": each for q, each in zip(levels, quantiles)}


class Ranking:
    """Grades of the rows of a query: the student is a `DistilledRanker`."""

    name = "ranking"
    trained_on = "labels"
    baseline = "same net on labels"
    notes = NOTES.format(
        "the mean of Kendall's tau within a query, with the scores of the pooled teachers",
        trained_on,
    )

    @staticmethod
    def check(y, name):
        if not _is_number(y) or _has_decimals(y) or y.min() < 0:
            raise ValueError(
                f"--target {name!r} holds {y.iloc[0]!r:.60} and the like, but --query ranks rows "
                "by their relevance, whole numbers from 0 on: choose such a column, or leave "
                "--query out."
            )

    @staticmethod
    def describe(y):
        return f"relevance from {y.min():g} to {y.max():g}"

    @staticmethod
    def strata(y):
        return None

    @staticmethod
    def estimator():
        from skdistill.ranker import DistilledRanker

        return DistilledRanker

    @staticmethod
    def predictions(model, X):
        return {"score": model.predict(X)}


TASKS = {task.name: task for task in (Classification, Regression, Ranking)}


def task_of(y, name, task=None):
    """Return the task of a target, and check that it suits it.

    A target is of regression if it holds numbers of which some have decimals, or hardly any
    repeats. Whole numbers that are floats, such as 91.0, are classes only if they are few.

    Parameters
    ----------
    y : Series
        Without missing values.
    name : str
    task : {"classification", "regression", "ranking"}, default=None
        As it was named; None: found from the target, and not ranking.

    Returns
    -------
    task : type
    notes : list of str
        What was found, if there was a choice.

    Raises
    ------
    ValueError
        If the target does not suit the task.
    """
    if task is not None:
        TASKS[task].check(y, name)
        return TASKS[task], []
    if not _is_number(y):
        Classification.check(y, name)
        return Classification, []
    suits_both = not (_has_decimals(y) or _hardly_repeats(y))
    other = "say --task classification" if suits_both else "choose a column of labels"
    holds = f"--target {name!r} holds {y.nunique():,} different"
    if not suits_both or (y.dtype.kind == "f" and y.nunique() > MANY):
        return Regression, [
            f"{holds} numbers, so the student will predict numbers (--task regression): for "
            f"classes, {other}."
        ]
    return Classification, [
        f"{holds} whole numbers, taken as classes: --task regression predicts them as numbers."
    ]


def task_of_model(model):
    """Return the task of a fitted model."""
    if is_ranker(model):
        return Ranking
    return Classification if hasattr(model, "predict_proba") else Regression


def _is_number(y):
    return y.dtype.kind in "iuf"


def _has_decimals(y):
    return y.dtype.kind == "f" and bool((y % 1 != 0).any())


def _hardly_repeats(y):
    return y.nunique() > MANY and len(y) < 5 * y.nunique()
