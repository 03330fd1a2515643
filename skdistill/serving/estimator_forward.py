"""The forward pass of a student that is an estimator of scikit-learn."""

import numpy as np
from scipy.sparse import issparse

from skdistill.table.containers import as_at_fit
from skdistill.table.target import Target

TINY = np.finfo(np.float64).tiny  # has a logarithm


class EstimatorForward:
    """A fitted classifier or regressor, whose predictions become outputs such as logits.

    Parameters
    ----------
    estimator : classifier or regressor
        Fitted on encoded rows.
    link : {"log", "log-odds", "identity"} or Target
        What becomes of its predictions. "log": the outputs are the logarithms of the
        probabilities of a classifier. "log-odds": a regressor predicts those of the second of two
        classes. "identity": a regressor predicts the outputs. A `Target`: it predicts targets,
        whose center, scale and link this knows.
    is_sparse : bool, default=False
        Whether it was fitted on CSR.
    """

    rows_at_once = 8192

    def __init__(self, estimator, link, is_sparse=False):
        self.estimator = estimator
        self.link = link
        self.is_sparse = is_sparse

    def __repr__(self):
        """Return the estimator's name."""
        return f"{type(self).__name__}({self.kind})"

    @property
    def kind(self):
        """The estimator's class in messages."""
        return type(self.estimator).__name__

    def __call__(self, X):
        """Return the outputs of encoded rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs), float32

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_outputs), float64
        """
        if issparse(X) or self.is_sparse:
            X = as_at_fit(X, self.is_sparse)
        if isinstance(self.link, str) and self.link == "log":
            proba = np.asarray(self.estimator.predict_proba(X), dtype=np.float64)
            return np.log(np.maximum(proba, TINY))
        outputs = np.asarray(self.estimator.predict(X), dtype=np.float64)
        outputs = outputs.reshape(X.shape[0], -1)
        if isinstance(self.link, Target):
            return self.link.outputs(outputs)
        return np.hstack([-outputs / 2, outputs / 2]) if self.link == "log-odds" else outputs
