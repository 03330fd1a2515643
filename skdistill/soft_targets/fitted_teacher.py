"""`FittedTeacher`, whose predictions have one column for each output of the task."""

from sklearn.utils.metaestimators import available_if


class FittedTeacher:
    """A fitted estimator whose predictions have the columns of the task.

    The estimator's own predictions may have fewer columns, as a fold may lack a class.

    Parameters
    ----------
    name : str
        Name of the teacher.
    estimator : estimator
        Fitted in place.
    task : Task

    Attributes
    ----------
    columns : ndarray of int of shape (n_columns,)
        Index of the output that each column of the estimator's predictions belongs to.
    """

    def __init__(self, name, estimator, task):
        self.name = name
        self.estimator = estimator
        self.task = task

    def __repr__(self):
        """Return one line, without the parameters of the estimator."""
        return f"{type(self).__name__}({self.name!r}, {type(self.estimator).__name__}(...))"

    def fit(self, X, y, sample_weight=None):
        """Fit the estimator on targets that the task has prepared, such as class indices."""
        self.columns = self.task.fit_teacher(self.estimator, X, y, sample_weight)
        return self

    def soft_targets(self, X):
        """Return the soft targets of rows, ndarray of shape (n_samples, n_outputs)."""
        return self.task.predict_teacher(self.estimator, self.columns, X)

    @property
    def classes_(self):
        """The sorted labels, in the order of the columns of `predict_proba`."""
        return self.task.classes

    @available_if(lambda self: self.task.kind == "classifier")
    def predict_proba(self, X):
        """Predict class probabilities, ndarray of shape (n_samples, n_classes)."""
        return self.soft_targets(X)

    @available_if(lambda self: self.task.kind != "classifier")
    def predict(self, X):
        """Predict targets or scores, ndarray of shape (n_samples,) or (n_samples, n_targets)."""
        return self.task.in_unit_of_y(self.soft_targets(X))
