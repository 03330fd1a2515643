"""`EstimatorStudent`: a classifier or regressor of scikit-learn as the student."""

from functools import partial
from time import perf_counter

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

from skdistill.jobs.clock import STUDENT
from skdistill.jobs.memory import remembered
from skdistill.jobs.seeds import seeded_clone
from skdistill.nets.losses import pack_targets
from skdistill.serving.estimator_forward import EstimatorForward
from skdistill.sklearn_private import is_search, safe_indexing, validate_params
from skdistill.student.recipe import Candidate, alpha_of_noise
from skdistill.student.training import ROWS_TO_TIME, Training
from skdistill.table.containers import as_at_fit
from skdistill.table.net_inputs import NetInputs

# Parameters of `DistilledClassifier` that are for nets, and the values that ask for nothing.
FOR_NETS = {
    "temperature": (1, "auto"),
    "validation_fraction": ("auto", None),
    "warm_start": (False,),
    "max_latency": (None,),
    "max_size": (None,),
}


class EstimatorStudent:
    """An estimator of scikit-learn as the student; `NetStudent` has the same methods.

    Parameters
    ----------
    distilled : BaseDistilled
        The estimator that is fitted. Its `student` is cloned.
    data : TrainingData

    Raises
    ------
    ValueError
        If the student is neither a classifier nor a regressor that can be fitted to soft targets
        of the task, if it takes no sample weights although there are some, or if a parameter asks
        for what only a net can do.
    """

    def __init__(self, distilled, data):
        check_kind(distilled.student)
        self.kind = type(distilled.student).__name__
        for name, neutral in FOR_NETS.items():
            value = getattr(distilled, name, neutral[0])  # a regressor has no temperature
            if value not in neutral:
                raise ValueError(
                    f"{name}={value!r} is for a student that is a net, but student is a "
                    f"{self.kind}: leave {name} at {neutral[0]!r}."
                )
        data.task.check_student(distilled.student, has_weights=data.sample_weight is not None)
        self.estimator = clone(distilled.student)
        validate_params(self.estimator)
        self.alpha = distilled.alpha
        self.temperature = 1.0 if hasattr(distilled, "temperature") else None
        self.categorical_features = data.categorical_features

    def keep_budget(self, data, teacher):
        """Do nothing: an estimator has no budget."""

    def choose_validation_rows(self, data, rng, n_synthetic):
        """Return a mask of no rows: only the estimator itself may hold some out."""
        return np.zeros(len(data), dtype=bool)

    def needs_early_stopping(self, data):
        """Return False: it is fitted on all rows."""
        return False

    def expected_seconds(self, data, early_stopping):
        """Return about how many seconds the training will take; 0 if that is not known.

        It is timed on the labels of a few rows.
        """
        few = np.arange(min(len(data), ROWS_TO_TIME))
        try:
            inputs = self.fit_inputs(data, None, np.random.RandomState(0), None)
            X, y = self._rows(inputs.transform(safe_indexing(data.X, few))), data.y[few]
            targets = data.task.as_soft_targets(y)
            started = perf_counter()
            data.task.fit_student(clone(self.estimator), X, targets, y, 1.0)
            return (perf_counter() - started) / len(few) * (len(data) + data.n_unlabeled)
        except Exception:  # a forecast must not end a fit
            return 0.0

    def fit_inputs(self, data, soft_targets, rng, teacher):
        """Fit the inputs: scaled numbers, missing indicators and one-hot categories."""
        inputs = NetInputs(self.categorical_features, max_bins=0, one_hot=True)
        return inputs.fit(data.X, None, rng, encoder=data.encoder)

    def draft(self, transfer_set, *, seed, max_time=None):
        """Fit a clone of the estimator; return what maps encoded rows to outputs."""
        return self._train(transfer_set, seed).student

    def train(self, transfer_set, *, early_stopping, seed, memory, clock):
        """Fit a clone of the estimator, and return its `Training`."""
        make = partial(self._train, transfer_set, seed)
        parts = "student", self.estimator, transfer_set, self.alpha, seed
        training = remembered(memory, make, *parts)
        clock.add(STUDENT, sum(training.seconds))
        return training

    def _train(self, transfer_set, seed):
        started = perf_counter()
        alpha = alpha_of_noise(transfer_set) if self.alpha == "auto" else float(self.alpha)
        validation = transfer_set.subset(transfer_set.held_out)
        rows = transfer_set.for_final_training().subset(~transfer_set.held_out)
        if rows.sample_weight is not None:
            rows = rows.subset(rows.sample_weight > 0)
        X = self._rows(rows.X)
        student = seeded_clone(self.estimator, np.random.RandomState(seed))
        fitted, link = rows.task.fit_student(
            student, X, rows.soft_targets, rows.y, alpha, rows.sample_weight
        )
        forward = EstimatorForward(fitted, link, is_sparse=issparse(X))
        losses = {"epoch": 1, "train_loss": _loss(forward, rows, alpha, training=True)}
        if len(validation.y):
            loss = _loss(forward, validation, alpha, training=False)
            losses["valid_loss"] = rows.task.as_score(loss)
        seconds = 0.0, perf_counter() - started
        return Training(forward, Candidate(alpha, self.temperature), [], [losses], "", [], seconds)

    def _rows(self, X):
        """Return encoded rows, dense unless the estimator takes sparse ones."""
        return X if get_tags(self.estimator).input_tags.sparse else as_at_fit(X, False)


def check_kind(student):
    """Check that a student is an unfitted classifier or regressor.

    Raises
    ------
    ValueError
        If it is not. The message says what to pass.
    """
    if isinstance(student, type):
        raise ValueError(f"student must be an instance, got the class {student.__name__}.")
    kind, tags = type(student).__name__, get_tags(student)
    if is_search(student):
        raise ValueError(
            f"student is a {kind}, whose folds would have copies of the same row on both sides: "
            "search over the parameters of DistilledClassifier instead, as student__max_depth."
        )
    if tags.estimator_type not in ("classifier", "regressor"):
        raise ValueError(
            "student must be a skorch.NeuralNet, such as StudentNet(), or a classifier or "
            f"regressor of scikit-learn, got {student!r:.200}."
        )
    if not tags.requires_fit or isinstance(student, FrozenEstimator):
        raise ValueError(
            f"student is a {kind}, which is not fitted to soft targets: pass an unfitted "
            "estimator, or list a fitted one among the teachers."
        )


def _loss(forward, rows, alpha, *, training):
    """Return the loss of a net with these outputs, in training or on the labels alone."""
    task = rows.task
    criterion = task.criterion(alpha=alpha, **task.criterion_parameters).train(training)
    targets = pack_targets(rows.soft_targets, rows.y, rows.sample_weight)
    return criterion(torch.as_tensor(forward(rows.X)), torch.as_tensor(targets)).item()
