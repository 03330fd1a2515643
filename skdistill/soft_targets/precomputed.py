"""Precomputed soft targets, used instead of teachers."""

from skdistill.soft_targets.targets import SoftTargets


class PrecomputedTeacher:
    """Precomputed soft targets with the interface of `TeacherEnsemble`.

    It cannot label further rows.

    Parameters
    ----------
    predictions : array-like or DataFrame of shape (n_samples, n_targets)
        As `fit` takes them: probabilities, or predicted targets.
    data : TrainingData

    Attributes
    ----------
    weights_ : dict
        Empty.
    diversity_ : dict
        Empty.
    scores_ : dict of str to float
        The loss of the soft targets, as "pool".
    """

    can_label = False

    def __init__(self, predictions, data):
        given = data.task.check_soft_targets(predictions, len(data))
        self.targets = data.task.completed(given, data.y, data.sample_weight)
        self.weights_, self.diversity_ = {}, {}

    def fit_soft_targets(self, data, **_):
        """Score the soft targets and return them."""
        self.scores_ = {"pool": data.task.score(data.y, self.targets, data.sample_weight)}
        return SoftTargets(self.targets, [], [])


def check_no_teacher_needed(estimator, data, argument):
    """Check that nothing is requested that needs fitted teachers.

    Parameters
    ----------
    estimator : BaseDistilled
    data : TrainingData
    argument : str
        Name of the argument of `fit` with the soft targets.

    Raises
    ------
    ValueError
        If there are unlabeled rows, or the estimator requests synthetic rows or the teachers.
    """
    augmenter = estimator.augmenter
    requests = {
        "X_unlabeled": bool(data.unlabeled),
        "keep_teachers=True": estimator.keep_teachers,
        f"augmenter={augmenter!r}": augmenter is not None and augmenter != "auto",
    }
    request = next((name for name, is_requested in requests.items() if is_requested), None)
    if request is not None:
        raise ValueError(
            f"{request} needs teachers, and with {argument} none is fitted that could label "
            "further rows or be kept: drop one of the two."
        )
