"""A black box as a classifier."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from skdistill.sklearn_private import check_sample_weight, num_samples
from skdistill.tasks.probabilities import as_probabilities

OUTPUTS = ("proba", "logits", "scores")


class CallableTeacher(ClassifierMixin, BaseEstimator):
    """A black box as a classifier: a remote model, a torch function, a language model.

    As a teacher it is asked once for each row, in the process that calls `fit`, and its
    answers are kept if there is a `memory`. It gets X as it was given.

    Parameters
    ----------
    fn : callable
        ``fn(X)`` returns an array of shape (n_samples, n_classes), for two classes also
        (n_samples,), which is of ``classes[1]``. Clones share it. Pickling needs one
        that can be pickled; `memory` one that has a name of its own, so no lambda. It is
        known by its source: a model that it asks belongs into ``partial(fn, model)``, as of
        another one in a global variable `memory` would not know.
    classes : array-like of shape (n_classes,)
        The labels, in the order of the columns.
    output : {"proba", "logits", "scores"}, default="proba"
        What `fn` returns. "proba": probabilities. "logits": their logarithms but for a
        constant in each row; -inf is a probability of 0. "scores": any number that is
        higher for what is more probable; slope and bias that make probabilities of
        them are fitted on the labels, see Notes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted; there before `fit` is called.

    Notes
    -----
    Scores become ``softmax(slope * scores + bias)`` with one slope ≥ 0 and a bias for each
    class: Platt's scaling, and for more than two classes temperature scaling with a bias.
    As a teacher it is fitted without the fold whose rows it labels. A class that
    its rows lack has probability 0.

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines and comparisons to
    regularized likelihood methods", 1999.
    Guo et al., "On calibration of modern neural networks", 2017, arXiv:1706.04599.

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill import CallableTeacher
    >>> def warm(X):
    ...     return X[:, 0] / 40
    >>> teacher = CallableTeacher(warm, classes=["cold", "warm"])
    >>> teacher.predict_proba(np.array([[10.0], [30.0]]))
    array([[0.75, 0.25],
           [0.25, 0.75]])
    """

    # Its parameters tell all that is to be known of it, although it has a clone of its own.
    _is_its_parameters = True

    def __init__(self, fn, classes, output="proba"):
        self.fn = fn
        self.classes = classes
        self.output = output

    @property
    def classes_(self):
        """The labels, sorted."""
        return np.unique(self.classes)

    def fit(self, X, y, sample_weight=None):
        """Check that the labels are among `classes`; fit the scaling of scores.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            `fn` is asked only if its output is "scores".
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : CallableTeacher

        Raises
        ------
        ValueError
            If y has labels that `classes` has not, or a parameter makes no sense.
        """
        self._check_parameters()
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, y, ensure_non_negative=True)
        self.check_labels(np.unique(y))
        if self.output == "scores":
            self.fit_answers(self.ask(X), np.searchsorted(self.classes_, y), sample_weight)
        return self

    def predict_proba(self, X):
        """Class probabilities, ndarray of shape (n_samples, n_classes)."""
        return as_probabilities(self.to_proba(self.ask(X)), len(self.classes))

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
        return self.classes_[self.predict_proba(X).argmax(1)]

    def check_labels(self, labels):
        """Raise if one of them is not among `classes`."""
        unknown = set(labels.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"y has labels that the teacher does not know: {sorted(unknown)[:5]}; its classes "
                f"are {self.classes_.tolist()[:10]}. Name all of y's in `classes`."
            )

    def ask(self, X):
        """What `fn` says, columns in the order of `classes_`.

        Returns
        -------
        answers : ndarray of shape (n_samples, n_classes), float64

        Raises
        ------
        ValueError
            If `fn` returns another shape, NaN, or infinity but for logits of -inf.
        """
        self._check_parameters()
        given = self.fn(X)
        if hasattr(given, "detach"):  # a torch tensor, perhaps with gradients or on a GPU
            given = given.detach().cpu()
        given = np.asarray(given, dtype=np.float64)
        n_samples, n_classes = num_samples(X), len(self.classes)
        called = getattr(self.fn, "__name__", "fn")
        if n_classes == 2 and given.shape == (n_samples,):
            other = 1 - given if self.output == "proba" else np.zeros(n_samples)
            given = np.column_stack([other, given])
        if given.shape != (n_samples, n_classes):
            raise ValueError(
                f"{called} returned shape {given.shape}, expected {(n_samples, n_classes)}: a row "
                "for each of X, a column for each of `classes`."
            )
        # The maximum is NaN if one is, and a row of nothing but -inf says nothing.
        told = given.max(1, keepdims=True) if self.output == "logits" else given
        answered = np.isfinite(told).all(1)
        if not answered.all():
            raise ValueError(
                f"{called} returned NaN or infinity for {(~answered).sum()} of {n_samples} rows, "
                f"first in row {int(answered.argmin())}: leave such rows out of X, or give the "
                "classes equal chances there."
            )
        return given[:, np.argsort(np.asarray(self.classes))]

    def fit_answers(self, answers, y, sample_weight=None):
        """Fit what has to be fitted on answers of `ask` and class indices."""
        if self.output == "scores":
            self.scaling_ = ScoreScaling().fit(answers, y, sample_weight)
        return self

    def to_proba(self, answers):
        """Probabilities from answers of `ask`."""
        if self.output == "proba":
            return answers
        if self.output == "logits":
            return softmax(answers, axis=1)
        check_is_fitted(self)
        return self.scaling_.predict_proba(answers)

    def _check_parameters(self):
        if not callable(self.fn):
            raise ValueError(f"fn must be callable, got {self.fn!r}.")
        if self.output not in OUTPUTS:
            raise ValueError(f"output must be one of {OUTPUTS}, got {self.output!r}.")
        classes = np.asarray(self.classes)
        if classes.ndim != 1 or len(self.classes_) != len(classes) or len(classes) < 2:
            raise ValueError(
                f"classes must be two or more labels that differ, one for each column of what fn "
                f"returns, got {self.classes!r}."
            )

    def __sklearn_is_fitted__(self):
        return self.output != "scores" or hasattr(self, "scaling_")

    def __sklearn_clone__(self):
        """Share `fn`: a second copy of a model or a client is not wanted."""
        return type(self)(**self.get_params(deep=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.requires_fit = self.output == "scores"
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags


class ScoreScaling:
    """Decision scores to probabilities: ``softmax(slope * scores + bias)``.

    `LogisticRegression` on the scores would fit n_classes² numbers, `CalibratedClassifierCV`
    a slope for each class and wants several rows of each. The labels are smoothed as by
    Platt, or scores that separate the classes would have an infinite slope.
    """

    def fit(self, scores, y, sample_weight=None):
        """Minimise the log loss, which is convex.

        Parameters
        ----------
        scores : ndarray of shape (n_samples, n_classes)
        y : ndarray of shape (n_samples,), int
            Class indices. Those that are not there get probability 0.
        sample_weight : ndarray of shape (n_samples,), default=None
        """
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        self.n_classes_ = scores.shape[1]
        self.present_, y = np.unique(y, return_inverse=True)
        S = scores[:, self.present_]
        unit = S.std() or 1.0
        S = S / unit
        n_classes = len(self.present_)
        counts = np.bincount(y, weight, minlength=n_classes)[:, None]
        smoothed = (counts * np.eye(n_classes) + 2 / n_classes) / (counts + 2)
        T = smoothed[y]

        def loss_and_gradient(slope_and_bias):
            slope, bias = slope_and_bias[0], slope_and_bias[1:]
            log_P = log_softmax(slope * S + bias, axis=1)
            R = weight[:, None] * (np.exp(log_P) - T)
            loss = -(weight @ (T * log_P).sum(1))
            total = weight.sum()
            return loss / total, np.append((R * S).sum(), R.sum(0)) / total

        found = minimize(
            loss_and_gradient,
            np.append(1.0, np.zeros(n_classes)),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None), *[(None, None)] * n_classes],
            options={"ftol": 1e-15, "gtol": 1e-9},
        )
        self.slope_, self.bias_ = found.x[0] / unit, found.x[1:]
        return self

    def predict_proba(self, scores):
        """Probabilities, ndarray of shape (n_samples, n_classes)."""
        proba = np.zeros((len(scores), self.n_classes_))
        proba[:, self.present_] = softmax(
            self.slope_ * scores[:, self.present_] + self.bias_, axis=1
        )
        return proba
