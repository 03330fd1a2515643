"""A fitted teacher, whose predictions have a column for each output of the task."""


class FittedTeacher:
    """A teacher with its columns put in place.

    Parameters
    ----------
    name : str
    estimator : estimator
        Fitted in place.
    task : skdistill.tasks.task.Task

    Attributes
    ----------
    columns : ndarray of int of shape (n_columns,)
        Which output each column of the estimator's predictions is: a fold may lack a class.
    """

    def __init__(self, name, estimator, task):
        self.name = name
        self.estimator = estimator
        self.task = task

    @property
    def classes_(self):
        """The sorted labels, which are the columns of `predict_proba`."""
        return self.task.classes

    def fit(self, X, y, sample_weight=None):
        """Fit the estimator on targets as the task has prepared them."""
        self.columns = self.task.fit_teacher(self.estimator, X, y, sample_weight)
        return self

    def soft_targets(self, X):
        """Return the soft targets of rows, ndarray of shape (n_samples, n_outputs)."""
        return self.task.predict_teacher(self.estimator, self.columns, X)

    def predict_proba(self, X):
        """Return class probabilities, ndarray of shape (n_samples, n_classes)."""
        return self.soft_targets(X)
