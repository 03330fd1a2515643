"""`student_path`: students of several widths, and what each costs."""

from tempfile import TemporaryDirectory

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from skdistill.inspection.comparison import compare
from skdistill.inspection.pipelines import is_ranker
from skdistill.inspection.report import DistillationReport
from skdistill.jobs.seeds import draw_seed
from skdistill.student.budget import hidden_sizes_of, narrowed
from skdistill.student.student_net import StudentNet, choose_width

WIDTHS = (8, 16, 32, 64, 128, 256)
TEACHERS = "teachers"


class StudentPath(DistillationReport):
    """A table of students of several widths, to print, plot or choose from.

    Parameters
    ----------
    rows : list of Row
        One measured student each, the narrowest first. With kept teachers, they come first.
    students : dict of str to DistilledClassifier or DistilledRegressor
        The fitted students by their names in the table.
    predictions : Predictions, default=None
        As in `DistillationReport`.

    Attributes
    ----------
    students : dict of str to DistilledClassifier or DistilledRegressor

    See Also
    --------
    student_path : Trains the students.
    """

    def __init__(self, rows, students, *, predictions=None):
        super().__init__(rows, predictions=predictions)
        self.students = students

    @property
    def student_rows(self):
        """The rows of the students, without that of the teachers."""
        return [row for row in self.rows if row.name in self.students]

    def plot(self, **kwargs):
        """Draw log loss or RMSE over size, and over the time for one row.

        Parameters
        ----------
        **kwargs
            `axes`, see `StudentPathDisplay.plot`.

        Returns
        -------
        display : StudentPathDisplay
            With `figure_` and `axes_`.
        """
        from skdistill.inspection.path_display import StudentPathDisplay

        teachers = [row for row in self.rows if row.name not in self.students]
        return StudentPathDisplay(self.student_rows, *teachers).plot(**kwargs)


def student_path(
    estimator, X, y, *, widths=WIDTHS, X_test=None, y_test=None, test_size=0.25, fit_params=None
):
    """Train students of several widths on the same teachers, and measure what each costs.

    Printing the path shows a table, and its ``plot()`` draws log loss, or RMSE, over size and
    over time: choose a width, or a limit for `max_size` and `max_latency`.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor
        It is cloned. Its student is a `StudentMLP`. `max_latency` and `max_size` play no part.
    X : table of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    widths : sequence of int, default=(8, 16, 32, 64, 128, 256)
        Units of the widest hidden layer. The others keep their proportion to it.
    X_test, y_test : table and array-like, default=None
        Rows on which the students are measured. None: some of X are held out, on which nothing
        is trained.
    test_size : float or int, default=0.25
        Share or number of the rows of X that are held out, without `X_test`.
    fit_params : dict, default=None
        Further arguments of `fit`, such as ``{"sample_weight": w}``, for all rows of X: only
        with `X_test`.

    Returns
    -------
    path : StudentPath
        ``path["64-64"]`` has `log_loss` or `rmse`, `kilobytes`, `microseconds` and more of a
        student, as `compare` measures them; ``path.students["64-64"]`` is the student. With
        ``keep_teachers=True``, "teachers" are the first row.

    Raises
    ------
    ValueError
        If the estimator is a ranker, if `widths` are no ints above 0, if the student is of a
        module of one's own, or if only one of `X_test` and `y_test` is given.

    See Also
    --------
    compare : Measures any models.

    Notes
    -----
    The teachers are fitted once: the first fit keeps their predictions in `memory`, or in a
    temporary folder, for the others. Those that `memory` cannot keep, such as one with a lambda
    among its parameters, are fitted for each width.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import DistilledClassifier, StudentNet, student_path
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = DistilledClassifier(
    ...     RandomForestClassifier(20), StudentNet(max_epochs=5), random_state=0
    ... )
    >>> path = student_path(clf, X, y, widths=[8, 64])
    >>> path["8-8"].kilobytes < path["64-64"].kilobytes
    True
    >>> path.students["64-64"].predict(X).shape
    (150,)
    """
    sizes = _sizes(estimator, widths, X)
    if (X_test is None) != (y_test is None):
        raise ValueError("got only one of X_test and y_test: pass both, or none of them.")
    if X_test is None and fit_params:
        raise ValueError(
            f"fit_params {sorted(fit_params)} are for all rows of X, of which some would be held "
            "out: pass X_test and y_test."
        )
    seed = draw_seed(check_random_state(estimator.random_state))
    if X_test is None:
        strata = y if is_classifier(estimator) else None
        X, X_test, y, y_test = train_test_split(
            X, y, test_size=test_size, random_state=seed, stratify=strata
        )
    students = _fit(estimator, sizes, seed, X, y, fit_params or {})
    models = dict(students)
    if estimator.keep_teachers:
        models = {TEACHERS: next(iter(students.values())).teacher_, **students}
    measured = compare(models, X_test, y_test)
    return StudentPath(measured.rows, students, predictions=measured.predictions)


def _fit(estimator, sizes, seed, X, y, fit_params):
    """Return the fitted students by name; their teachers are fitted once."""
    is_seed = isinstance(estimator.random_state, (int, np.integer))
    students = {}
    with TemporaryDirectory() as folder:
        shared = {
            "random_state": estimator.random_state if is_seed else seed,
            "memory": folder if estimator.memory is None else estimator.memory,
            "max_latency": None,
            "max_size": None,
            "warm_start": False,
        }
        for hidden_sizes in sizes:
            student = clone(estimator).set_params(
                **shared, student__module__hidden_sizes=hidden_sizes
            )
            student.fit(X, y, **fit_params)
            students["-".join(map(str, hidden_sizes))] = student.set_params(memory=estimator.memory)
    return students


def _sizes(estimator, widths, X):
    """Return the hidden layers of each width, the narrowest first."""
    if is_ranker(estimator):
        raise ValueError(
            f"a {type(estimator).__name__} ranks, and students of several widths are not compared "
            "within queries: train them one by one, and compare them by compare(..., qid=qid)."
        )
    net = StudentNet() if estimator.student is None else clone(estimator.student)
    choose_width(net, estimator._task, X)
    own = hidden_sizes_of(net)
    if not own:
        raise ValueError(
            "student_path changes the widths of a StudentMLP with hidden layers, but the student "
            f"is {net!r:.200}: leave student at None, or train such students one by one and "
            "compare them."
        )
    widths = np.asarray(widths)
    if widths.ndim != 1 or widths.dtype.kind not in "iu" or not widths.size or widths.min() < 1:
        raise ValueError(f"widths must be a list of ints above 0, such as [16, 64], got {widths}.")
    return [narrowed(own, n) for n in np.unique(widths).tolist()]
