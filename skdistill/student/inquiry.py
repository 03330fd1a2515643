"""The rounds of `Inquire`: a draft of the student chooses the rows that the teachers label."""

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from skdistill.jobs.clock import LABELLING, SYNTHETIC
from skdistill.jobs.seeds import draw_seed
from skdistill.sklearn_private import safe_indexing
from skdistill.transfer.augmenters import draw_synthetic
from skdistill.transfer.inquire import UNCERTAINTY, draw_by_score
from skdistill.transfer.transfer_set import TransferSet

ROWS_TO_EXPECT_BY = 10_000  # the divergence of so many rows tells that of others
LARGEST = 1e30
SHARE_OF_TIME = 6  # a draft gets this part of the time that is left, if there is a limit


def ask_in_rounds(student, teacher, augmenter, data, inputs, soft_targets, rounds, rng, clock):
    """Let the student choose synthetic rows, and its teachers label them.

    Parameters
    ----------
    student : NetStudent or EstimatorStudent
        Its inputs are fitted.
    teacher : BaseTeacherEnsemble
        Fitted.
    augmenter : Inquire
    data : TrainingData
        Gets the rows, as further tables of its `unlabeled`.
    inputs : NetInputs or UnscaledInputs
    soft_targets : SoftTargets
        Pooled, with the `labelers` of the teachers. Gets the labels of the rows.
    rounds : list of int
        Number of rows of each round. Those of the first are in `data` already.
    rng : RandomState
    clock : Clock
        Gets the seconds.
    """
    for n_rows in filter(None, rounds[1:]):
        with clock.measure(SYNTHETIC):
            transfer_set = TransferSet.build(inputs, data, soft_targets)
            left = clock.seconds_left()
            max_time = None if left is None else left / SHARE_OF_TIME
            draft = student.draft(transfer_set, seed=draw_seed(rng), max_time=max_time)
            n_candidates = n_rows * augmenter.n_candidates
            (candidates,) = draw_synthetic(augmenter, data, n_candidates, draw_seed(rng))
            outputs = draft(inputs.transform(candidates))
            if augmenter.by == UNCERTAINTY:
                score = data.task.uncertainties(outputs)
            else:
                known = data.encoder.encode(candidates), outputs
                score = _expected_divergences(draft, transfer_set, data, known, draw_seed(rng))
            chosen = safe_indexing(candidates, draw_by_score(score, n_rows, rng))
        with clock.measure(LABELLING):
            labels = teacher.label(chosen, soft_targets.labelers)
        soft_targets.unlabeled += labels.unlabeled
        soft_targets.refitted += labels.refitted
        data.unlabeled = [*data.unlabeled, chosen]
        data.n_to_ask -= n_rows


def _expected_divergences(draft, transfer_set, data, known, seed):
    """Return the divergences of draft and pool that are expected of candidates.

    Parameters
    ----------
    draft : callable
    transfer_set : TransferSet
        Rows whose divergences are known.
    data : TrainingData
        The same rows as tables.
    known : tuple of ndarray
        The candidates as `data.encoder` encodes them, and the draft's outputs for them.
    seed : int

    Returns
    -------
    divergences : ndarray of shape (n_candidates,)
    """
    tables = [data.encoder.encode(table) for table in (data.X, *data.unlabeled)]
    encoded = np.concatenate(tables)  # validation rows that were given have no soft targets
    rng = np.random.RandomState(seed)
    rows = rng.permutation(len(encoded))[:ROWS_TO_EXPECT_BY]
    outputs = draft(transfer_set.X[rows])
    divergences = data.task.divergences(outputs, transfer_set.soft_targets[rows])
    divergences = np.nan_to_num(divergences, posinf=LARGEST).clip(0, LARGEST)
    forest = ExtraTreesRegressor(50, min_samples_leaf=5, max_features=0.5, random_state=rng)
    forest.fit(_features(encoded[rows], outputs), divergences)
    return forest.predict(_features(*known))


def _features(encoded, outputs):
    """Return what the forest sees of rows; its numbers are of single precision."""
    return np.hstack([encoded, outputs]).clip(-LARGEST, LARGEST)
