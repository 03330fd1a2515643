"""`TeacherEnsemble`, the teachers as one classifier."""

from sklearn.base import ClassifierMixin

from skdistill.sklearn_private import StrOptions
from skdistill.soft_targets.base_ensemble import BaseTeacherEnsemble
from skdistill.tasks.classification import Classification
from skdistill.tasks.pooling import COMBINATIONS


class TeacherEnsemble(ClassifierMixin, BaseTeacherEnsemble):
    """An ensemble of cross-fitted classifiers with pooled predictions.

    `DistilledClassifier` distills such an ensemble into a student.

    Parameters
    ----------
    teachers : list of (str, classifier), classifier, or None, default=None
        As in `VotingClassifier`; "drop" instead of a classifier removes it. None uses
        `default_teachers`. They are fitted on the labels of y; XGBoost and skorch's nets, alone
        or within another teacher, on class indices.
    weights : "auto", None, array-like of shape (n_teachers,) or dict, default="auto"
        "auto" minimizes the out-of-fold log loss, then sharpens the pooled mean, which is
        under-confident where teachers disagree. None weights all teachers equally. A dict
        gives each teacher's weight by its name.
    combination : {"mean", "geometric", "median", "vote"}, default="mean"
        How the teachers are pooled, see `pool`.
    cv : int, splitter, iterable, "oob", "in_sample" or None, default=5
        Folds of the cross-fitting. None is 5. "oob" fits teachers with out-of-bag predictions
        once, and the others on five folds. "in_sample" labels each row with teachers that were
        fitted on it, and warns.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        Which columns are categories, for the default teachers. Other teachers get the table
        unchanged.
    memory : None, str, path-like or joblib.Memory, default=None
        Folder for the predictions of each teacher on each fold, see `DistilledClassifier`.
    n_jobs : int, default=None
        Number of fits at once, over teachers and folds.
    random_state : int, RandomState or None, default=None
        Seed of the folds, and of teachers without a seed of their own.
    verbose : int, default=0
        1 shows the progress.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has string column names.
    teachers_ : list of FittedTeacher
        The teachers fitted on all rows. Each has `name`, `estimator`, `classes_` and
        `predict_proba`.
    named_teachers_ : Bunch
        The fitted teachers by name, as ``named_teachers_["rf"]`` or ``named_teachers_.rf``.
    weights_ : dict of str to float
        Weight of each teacher in the pool, by name.
    sharpness_ : float
        Exponent of the pooled probabilities, which is 1/T of temperature scaling. It is 1 unless
        `weights` is "auto", there are several teachers and none is frozen, `combination` is
        "mean" or "geometric", and `cv` is not "in_sample".
    scores_ : dict of str to float
        Out-of-fold log loss of each teacher, and of the "pool".
    diversity_ : dict
        Out-of-fold diversity of the teachers, as `skdistill.diversity` measures it.

    See Also
    --------
    DistilledClassifier : Trains such an ensemble, and a small net that predicts like it.
    default_teachers : The default teachers.
    pool : Combines predictions of teachers.
    diversity : Measures how teachers differ.

    Notes
    -----
    Let p_t be the out-of-fold probabilities of teacher t, which was not fitted on the row. With
    ``weights="auto"`` and ``combination="mean"``, the weights minimize the log loss of the pool
    p = Σ w_t p_t, subject to w_t ≥ 0 and Σ w_t = 1. A mean is under-confident where the teachers
    disagree [1]_. So the pool is raised to the power s (`sharpness_`) with the lowest log loss
    and normalized: p ∝ pˢ.

    References
    ----------
    .. [1] Ranjan and Gneiting, "Combining probability forecasts", 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import TeacherEnsemble
    >>> X, y = load_iris(return_X_y=True)
    >>> ensemble = TeacherEnsemble(
    ...     [("rf", RandomForestClassifier(20)), ("lr", LogisticRegression(max_iter=500))],
    ...     random_state=0,
    ... ).fit(X, y)
    >>> sorted(ensemble.weights_)
    ['lr', 'rf']
    >>> ensemble.predict_proba(X).shape
    (150, 3)
    """

    _task = Classification
    _parameter_constraints = {
        **BaseTeacherEnsemble._parameter_constraints,
        "combination": [StrOptions(set(COMBINATIONS))],
    }

    @property
    def classes_(self):
        """The sorted labels."""
        return self._fitted_task.classes

    @property
    def sharpness_(self):
        """Exponent of the pooled probabilities."""
        return self._calibration

    def predict_proba(self, X):
        """Predict pooled class probabilities.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow `classes_`.
        """
        return self._pooled(X)

    def predict(self, X):
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(1)]
