"""`DistillationReport`: measures of fitted models on held-out rows."""

from collections.abc import Hashable
from pathlib import Path

from skdistill.inspection.facts import facts_of
from skdistill.inspection.measuring import measure
from skdistill.inspection.pipelines import split_pipeline
from skdistill.inspection.slices import (
    check_whole_queries,
    measures_by_class,
    measures_by_slice,
    slice_labels,
    values_of,
)
from skdistill.inspection.subjects import POOL, STUDENT, TEACHER, models_of
from skdistill.inspection.tables import aligned, as_frame, html_table
from skdistill.sklearn_private import num_samples, safe_indexing

MEANING = (
    "https://github.com/skdistill/skdistill/blob/main/docs/cookbook.md#what-distillation-brought"
)


class DistillationReport:
    """What distillation brought: measured models, to print, plot, cut into slices or store.

    Use `from_estimator` for a student and whatever it was distilled from, and `compare` for models
    of any kind.

    Parameters
    ----------
    rows : list of Row
        One measured model each.
    reference : str, default=None
        Name of the model that the others are compared with; None is the first.
    predictions : Predictions, default=None
        What the models predict for the test rows, for `by_class` and `by_slice`.
    facts : dict, default=None
        What is known of the student, for `save` and `to_model_card`.
    slices : dict of str to array-like, default=None
        Values of the columns that `by_slice` is to know by name.

    Attributes
    ----------
    rows : list of Row
        ``report["student"]`` is the row of that name.
    reference : str
    predictions : Predictions or None
    facts : dict
    slices : dict

    See Also
    --------
    compare : Measures models of any kind.
    disagreements : The rows where student and teachers part.

    Notes
    -----
    A report keeps the labels and the predictions of the test rows, and of the rows themselves only
    the columns that `slices` names.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistillationReport, DistilledClassifier
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(20, random_state=0), keep_teachers=True, random_state=0
    ... ).fit(X[::2], y[::2])
    >>> report = DistillationReport.from_estimator(clf, X[1::2], y[1::2])
    >>> print(report)
    model                           log loss  accuracy  calib. error  agreement  ...
    ----------------------------------------------------------------------------...
    teacher randomforestclassifier  ...
    ----------------------------------------------------------------------------...
    pooled teachers                 ...
    student                         ...
    >>> report["student"].agreement > 0.8
    True
    >>> report.by_class().columns.tolist()
    ['model', 'class', 'support', 'precision', 'recall', 'log_loss']
    >>> report.by_slice(X["alcohol"][1::2])["slice"].nunique()
    4
    >>> report.save("report.html")  # doctest: +SKIP
    """

    def __init__(self, rows, *, reference=None, predictions=None, facts=None, slices=None):
        self.rows = rows
        self.reference = rows[0].name if reference is None else reference
        self.predictions = predictions
        self.facts = facts or {}
        self.slices = slices or {}

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        teachers=None,
        models=None,
        X_train=None,
        y_train=None,
        slices=(),
        qid=None,
        qid_train=None,
        n_repeats=30,
    ):
        """Measure a student beside its teachers, on rows that none of them has seen.

        Parameters
        ----------
        estimator : estimator
            A fitted `DistilledClassifier`, `DistilledRegressor` or `DistilledRanker`, a pipeline
            that ends with one, or a search over one. Any other fitted model works too.
        X : table of shape (n_samples, n_features)
            With the columns of `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Labels or targets. Without them there is agreement with the pool, size and time.
        teachers : estimator, list of (str, estimator) or dict, default=None
            Fitted: an ensemble, such as a `TeacherEnsemble` or a vote, or its members, which are
            pooled with the student's weights of the same names, or else with equal ones. None:
            those that ``keep_teachers=True`` has kept, if any.
        models : dict of str to estimator, default=None
            More fitted models.
        X_train, y_train : table and array-like, default=None
            Rows to train the student's net on, without teachers: the "same net on labels".
        slices : str, int or sequence of them, default=()
            Columns of X whose values the report keeps, for `by_slice` and `save`.
        qid, qid_train : array-like of shape (n_samples,), default=None
            The query of each row of X and of `X_train`, for a ranker. Of a ranker, given teachers
            are not pooled, because their scores have scales of their own.
        n_repeats : int, default=30
            Number of timed predictions of one row; the report has their median.

        Returns
        -------
        report : DistillationReport
            Single teachers come first, from the worst to the best, then "pooled teachers",
            `models`, the same net on labels, and the "student". What is not known is absent.

        Raises
        ------
        ValueError
            If X has no rows, or other columns than those of `fit`, if y has labels that are no
            classes of the student, if teachers or models are not fitted on its classes, or if only
            one of `X_train` and `y_train` is given.
        """
        if num_samples(X) == 0:
            raise ValueError("X has no rows: pass rows that no model was fitted on.")
        if (X_train is None) != (y_train is None):
            raise ValueError("got only one of X_train and y_train: pass both, or none of them.")
        slices = [slices] if isinstance(slices, (str, int)) else slices
        kept = {str(name): values_of(name, X) for name in slices}
        for values in kept.values():
            slice_labels(values, num_samples(X))
        student = split_pipeline(estimator)[1]
        estimator.predict(safe_indexing(X, [0]))  # other columns are an error of the student's own
        train = None if X_train is None else (X_train, y_train, qid_train)
        models = models_of(estimator, teachers=teachers, models=models, train=train)
        pool = POOL if POOL in models else None
        rows, predictions = measure(models, X, y, reference=pool, qid=qid, n_repeats=n_repeats)
        facts = facts_of(estimator, student, predictions)
        rows = _worst_teacher_first(rows)
        return cls(
            rows, reference=pool or STUDENT, predictions=predictions, facts=facts, slices=kept
        )

    def __getitem__(self, name):
        """Return the row of a model."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(
            f"no model is called {name!r}: choose among {[row.name for row in self.rows]}."
        )

    def to_dicts(self):
        """Return one dict for each model, which JSON can hold.

        Returns
        -------
        rows : list of dict
        """
        return [row.to_dict() for row in self.rows]

    def to_frame(self):
        """Return the measures as a DataFrame of pandas, without those that no model has.

        Returns
        -------
        frame : DataFrame
            One row for each model, which is the index.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        frame = as_frame(self.to_dicts()).set_index("name").rename_axis("model")
        return frame.dropna(axis=1, how="all")

    def by_class(self):
        """Measure the models on each class: support, precision, recall and log loss.

        Returns
        -------
        frame : DataFrame
            One row for each model and class. Missing where it is not defined: the precision of a
            class that is never predicted, recall and log loss of one without rows.

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If the report is of regressors, or without labels.
        """
        return as_frame(self._class_measures())

    def by_slice(self, column, X=None, *, n_bins=4, max_slices=10, min_rows=20):
        """Measure the models on slices of the rows, by the values of a column.

        Parameters
        ----------
        column : str, int, callable or array-like of shape (n_samples,)
            One value for each row; or, with X, the name or index of a column, or a function of X
            that returns such values. Columns that `from_estimator` was given as `slices` need no
            X.
        X : table of shape (n_samples, n_features), default=None
            The rows of the report, in their order.
        n_bins : int, default=4
            Numbers are cut at their quantiles into so many slices. Fewer distinct numbers, and
            categories, are slices as they are.
        max_slices : int, default=10
            Of more categories, the rarer ones are one slice, "(other)".
        min_rows : int, default=20
            So are categories of fewer rows. Missing values are the slice "(missing)".

        Returns
        -------
        frame : DataFrame
            One row for each slice and model: "slice", "model", "rows", "share" of the rows, and
            the measures that are known.

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If the column is not known, has not one value for each row of the report, or divides
            the queries of rankers.
        """
        if X is None and isinstance(column, Hashable) and str(column) in self.slices:
            column = self.slices[str(column)]
        limits = {"n_bins": n_bins, "max_slices": max_slices, "min_rows": min_rows}
        return as_frame(self._slice_measures(values_of(column, X), **limits))

    def _class_measures(self):
        """Return the rows of `by_class` as dicts."""
        predictions = self._known_predictions()
        if predictions.classes is None:
            raise ValueError("only classifiers have measures by class: use by_slice.")
        if predictions.y is None:
            raise ValueError(
                "the report was made without labels, so there are no measures by class: pass y."
            )
        return measures_by_class(predictions)

    def _slice_measures(self, values, **limits):
        """Return the rows of `by_slice` as dicts."""
        predictions = self._known_predictions()
        labels, order = slice_labels(values, len(predictions), **limits)
        if predictions.queries is not None:
            check_whole_queries(labels, predictions.queries)
        # Without a pool, the models are compared with none.
        reference = None if self.rows[-1].agreement is None else self.reference
        return measures_by_slice(predictions, type(self.rows[0]), reference, labels, order)

    def _known_predictions(self):
        if self.predictions is None:
            raise ValueError(
                "the report has no predictions, only measures: make it by compare or by "
                "DistillationReport.from_estimator."
            )
        return self.predictions

    def save(self, path):
        """Write the report as one HTML file, to read without a network.

        It has the measures of all models, those by class and by the `slices`, what is known of the
        student, and pictures where matplotlib is installed.

        Parameters
        ----------
        path : str or path-like
            Such as "report.html".

        Raises
        ------
        ValueError
            If the name does not end with .html or .htm.
        OSError
            If the file cannot be written.
        """
        from skdistill.inspection.page import html_page
        from skdistill.serving.writing import write_whole

        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"a report is saved as HTML: name it .html, got {str(path)!r}.")
        write_whole(path, html_page(self).encode())

    def to_model_card(self, *, name=None, dataset=None, license=None):
        """Return a model card in Markdown, as the Hugging Face Hub reads it.

        Parameters
        ----------
        name : str, default=None
            Title of the card; None is what the estimator is called.
        dataset : str, default=None
            Name of the test rows' data set. With it, the front matter has the measures too.
        license : str, default=None
            Such as "mit".

        Returns
        -------
        card : str
            YAML between two lines of "---", then Markdown. What is not known is absent.
        """
        from skdistill.inspection.model_card import model_card

        return model_card(self, name=name, dataset=dataset, license=license)

    def _cells(self, columns):
        """Return the texts of a table by row, the header first."""
        table = [["model", *(row.name for row in self.rows)]]
        for header, write in columns.items():
            cells = [write(row) for row in self.rows]
            table += [[header, *cells]] if any(cells) else []
        return list(map(list, zip(*table)))

    def __str__(self):
        """Format the table, with a rule above the reference."""
        first_row = self.rows[0]
        # Without labels there is room for all measures.
        cells = self._cells(first_row.details if first_row.loss is None else first_row.columns)
        lines = aligned(cells)
        rule = "-" * len(lines[0])
        first = [row.name for row in self.rows].index(self.reference)
        blocks = [lines[:1], lines[1 : 1 + first], lines[1 + first :]]
        return f"\n{rule}\n".join("\n".join(block) for block in blocks if block)

    __repr__ = __str__  # the last line of a cell shows it, where it cannot show HTML

    def _repr_html_(self):
        """Return the table as HTML, the reference in bold; notebooks show it."""
        return (
            f"{html_table(self._model_cells(), bold=[self.reference])}\n"
            f'<a href="{MEANING}" rel="noreferrer" target="_blank">What the columns mean</a>'
        )

    def _model_cells(self):
        """Return the texts of the table of all measures by row, the header first."""
        return self._cells(self.rows[0].details)

    def plot(self, **kwargs):
        """Draw the report, without models of unknown size.

        Parameters
        ----------
        **kwargs
            `highlight` and `axes`, see `ReportDisplay.plot`.

        Returns
        -------
        display : ReportDisplay
            With `figure_` and `axes_`.

        Raises
        ------
        ValueError
            If the report was made without labels, so that there is no loss to draw, or if no
            model can be pickled, so that no size is known.
        """
        from skdistill.inspection.displays import ReportDisplay

        if self.rows[-1].loss is None:
            raise ValueError(
                "the report was made without labels, so there is no loss to draw: pass y."
            )
        rows = [row for row in self.rows if row.kilobytes is not None]
        if not rows:
            raise ValueError(
                "the report has no model whose size is known, because none can be pickled: there "
                "is nothing to draw."
            )
        names = [row.name for row in rows]
        return ReportDisplay(rows, self.reference if self.reference in names else None).plot(
            **kwargs
        )


def _worst_teacher_first(rows):
    """Sort single teachers by their loss, and leave the others in their order below them."""
    single = [row for row in rows if row.name.startswith(TEACHER)]
    if single and single[0].loss is not None:
        single = sorted(single, key=lambda row: -row.loss)
    return [*single, *(row for row in rows if not row.name.startswith(TEACHER))]
