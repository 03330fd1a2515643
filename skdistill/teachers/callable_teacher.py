"""`CallableTeacher`, a black box as a classifier, and the scaling of its scores."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from skdistill.sklearn_private import DocumentationLink, check_sample_weight, num_samples
from skdistill.tasks.probabilities import as_probabilities

OUTPUTS = ("proba", "logits", "scores", "value")


class CallableTeacher(DocumentationLink, ClassifierMixin, BaseEstimator):
    """A black box as an estimator: a remote model, a torch function, a language model.

    As a teacher, it predicts each row once, in the process that calls `fit`. It receives X
    unchanged. If there is a `memory`, it stores the predictions.

    Parameters
    ----------
    func : callable
        ``func(X)`` returns an array of shape (n_samples, n_classes). For two classes it may
        also return shape (n_samples,), the values of ``classes[1]``. With ``output="value"`` it
        returns predicted targets, of shape (n_samples,) or (n_samples, n_targets). Clones share
        `func`. It
        must be picklable to pickle the teacher, and a named function, not a lambda, to use
        `memory`. `memory` identifies it by its source code, so pass a model that it uses as
        ``partial(func, model)``: `memory` does not notice a change of a global variable.
    classes : array-like of shape (n_classes,), default=None
        The labels, in the order of the columns. None for a regressor.
    output : {"proba", "logits", "scores", "value"}, default="proba"
        What `func` returns. "proba": probabilities. "logits": log-probabilities, up to a
        constant in each row; -inf is a probability of 0. "scores": any numbers that increase
        with the probability; `fit` fits their scaling, see Notes. "value": predicted targets,
        which make it a regressor.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels, available before `fit`.

    See Also
    --------
    DistilledClassifier : Distills teachers into a small net.
    sklearn.frozen.FrozenEstimator : Makes a fitted classifier a teacher.

    Notes
    -----
    Scores become probabilities by ``softmax(slope * scores + bias)``, with one slope ≥ 0 and a
    bias for each class. This is Platt scaling [1]_ for two classes, and temperature scaling
    [2]_ with a bias for more. As a teacher, it scales the rows of each fold with parameters
    that were fitted on the other folds. A class without training rows has probability 0.

    References
    ----------
    .. [1] Platt, "Probabilistic outputs for support vector machines and comparisons to
       regularized likelihood methods", 1999.
    .. [2] Guo et al., "On calibration of modern neural networks", 2017, arXiv:1706.04599.

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

    # It has its own `__sklearn_clone__`, but its parameters describe it completely.
    _defined_by_params = True

    def __init__(self, func, classes=None, output="proba"):
        self.func = func
        self.classes = classes
        self.output = output

    @property
    def classes_(self):
        """The labels, sorted."""
        if self.output == "value":
            raise AttributeError("a regressor has no classes")
        return np.unique(self.classes)

    def fit(self, X, y, sample_weight=None):
        """Check the labels, and fit the scaling if the output is "scores".

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Passed to `func` if its output is "scores", and ignored otherwise.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : CallableTeacher

        Raises
        ------
        ValueError
            If y has labels that are not in `classes`, or a parameter is invalid.
        """
        self._check_parameters()
        if self.output == "value":
            return self
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, y, ensure_non_negative=True)
        self.check_labels(np.unique(y))
        if self.output == "scores":
            y = np.searchsorted(self.classes_, y)
            self.fit_scaling(self.raw_predictions(X), y, sample_weight)
        return self

    @available_if(lambda self: self.output != "value")
    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow `classes_`.
        """
        raw = self.raw_predictions(X)
        return as_probabilities(self.to_proba(raw), raw.shape)

    def predict(self, X):
        """Predict the most probable class of each row, or its target.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        if self.output == "value":
            return self.raw_predictions(X)
        return self.classes_[self.predict_proba(X).argmax(1)]

    def score(self, X, y, sample_weight=None):
        """Return the accuracy of the labels, or R² of predicted targets.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        score : float
        """
        mixin = RegressorMixin if self.output == "value" else ClassifierMixin
        return mixin.score(self, X, y, sample_weight)

    def check_labels(self, labels):
        """Check that all labels are in `classes`.

        Internal: a prefit teacher calls it before the fit, to fail before any prediction.

        Parameters
        ----------
        labels : ndarray of shape (n_labels,)

        Raises
        ------
        ValueError
            If a label is not in `classes`.
        """
        unknown = set(labels.tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"y has labels that the teacher does not know: {sorted(unknown)[:5]}; its classes "
                f"are {self.classes_.tolist()[:10]}. Pass all labels of y as `classes`."
            )

    def raw_predictions(self, X):
        """Call `func`, check what it returns and sort its columns.

        Internal: cross-fitting calls it once for all folds, and `memory` keeps its result.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        raw : ndarray of shape (n_samples, n_classes), float64
            Probabilities, logits or scores. Columns follow `classes_`. Predicted targets as
            `func` returns them.

        Raises
        ------
        ValueError
            If `func` returns another shape, NaN or infinity. Single logits of -inf are allowed.
        """
        self._check_parameters()
        raw = self.func(X)
        if hasattr(type(raw), "detach"):  # a torch tensor, perhaps with gradients or on a GPU
            raw = raw.detach().cpu()
        raw = np.asarray(raw, dtype=np.float64)
        n_samples, name = num_samples(X), getattr(self.func, "__name__", "func")
        if self.output == "value":
            return self._checked_values(raw, n_samples, name)
        n_classes = len(self.classes)
        if n_classes == 2 and raw.shape == (n_samples,):
            other = 1 - raw if self.output == "proba" else np.zeros(n_samples)
            raw = np.column_stack([other, raw])
        if raw.shape != (n_samples, n_classes):
            raise ValueError(
                f"{name} returned shape {raw.shape}, expected {(n_samples, n_classes)}: one row "
                "for each row of X, and one column for each of `classes`."
            )
        # Logits of -inf are valid unless all are. The maximum is NaN if any logit is.
        finite = raw.max(1, keepdims=True) if self.output == "logits" else raw
        is_valid = np.isfinite(finite).all(1)
        if not is_valid.all():
            raise ValueError(
                f"{name} returned NaN or infinity for {(~is_valid).sum()} of {n_samples} rows, "
                f"first in row {int(is_valid.argmin())}: drop such rows from X, or return equal "
                "probabilities for them."
            )
        return raw[:, np.argsort(np.asarray(self.classes))]

    def _checked_values(self, raw, n_samples, name):
        """Check predicted targets."""
        if raw.ndim not in (1, 2) or len(raw) != n_samples or not np.isfinite(raw).all():
            raise ValueError(
                f"{name} returned shape {raw.shape} for {n_samples} rows, expected one finite "
                "number, or one for each target, for each row of X."
            )
        return raw

    def fit_scaling(self, raw, y, sample_weight=None):
        """Fit the scaling of scores; other outputs need none.

        Internal: cross-fitting calls it for each fold, with the raw predictions it has.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_classes)
            From `raw_predictions`.
        y : ndarray of shape (n_samples,), int
            Indices into `classes_`.
        sample_weight : ndarray of shape (n_samples,), default=None

        Returns
        -------
        self : CallableTeacher
        """
        if self.output == "scores":
            self.scaling_ = ScoreScaling().fit(raw, y, sample_weight)
        return self

    def to_proba(self, raw):
        """Convert raw predictions to probabilities.

        Internal: cross-fitting calls it for each fold, after `fit_scaling`.

        Parameters
        ----------
        raw : ndarray of shape (n_samples, n_classes)
            From `raw_predictions`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns follow `classes_`. Not checked: `predict_proba` does that.
        """
        if self.output == "proba":
            return raw
        if self.output == "logits":
            return softmax(raw, axis=1)
        check_is_fitted(self)
        return self.scaling_.predict_proba(raw)

    def _check_parameters(self):
        if not callable(self.func):
            raise ValueError(f"func must be callable, got {self.func!r}.")
        if self.output not in OUTPUTS:
            raise ValueError(f"output must be one of {OUTPUTS}, got {self.output!r}.")
        if self.output == "value":
            if self.classes is not None:
                raise ValueError(
                    f"output='value' is for a regressor, which has no classes, got "
                    f"classes={self.classes!r}: drop one of the two."
                )
            return
        classes = np.asarray(self.classes)
        if classes.ndim != 1 or len(self.classes_) != len(classes) or len(classes) < 2:
            raise ValueError(
                f"classes must be two or more distinct labels, one for each column that func "
                f"returns, got {self.classes!r}."
            )

    def __sklearn_is_fitted__(self):
        return self.output != "scores" or hasattr(self, "scaling_")

    def __sklearn_clone__(self):
        """Share `func` with the clone, as it may hold a large model or a client."""
        return type(self)(**self.get_params(deep=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.requires_fit = self.output == "scores"
        if self.output == "value":
            tags.estimator_type, tags.classifier_tags = "regressor", None
            tags.regressor_tags = RegressorTags()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags


class ScoreScaling:
    """Scaling of decision scores to probabilities: ``softmax(slope * scores + bias)``.

    It has n_classes + 1 parameters. `LogisticRegression` on the scores would fit n_classes²,
    and `CalibratedClassifierCV` one slope per class, from several rows of each. The labels are
    smoothed as in Platt scaling: without it, scores that separate the classes would get an
    infinite slope.
    """

    def fit(self, scores, y, sample_weight=None):
        """Minimize the log loss, which is convex.

        Parameters
        ----------
        scores : ndarray of shape (n_samples, n_classes)
        y : ndarray of shape (n_samples,), int
            Class indices. A class without rows gets probability 0.
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
        """Return probabilities, ndarray of shape (n_samples, n_classes)."""
        proba = np.zeros((len(scores), self.n_classes_))
        proba[:, self.present_] = softmax(
            self.slope_ * scores[:, self.present_] + self.bias_, axis=1
        )
        return proba
