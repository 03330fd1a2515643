"""Precomputed soft targets, used instead of teachers."""

from skdistill.soft_targets.targets import SoftTargets


class PrecomputedTeacher:
    """Precomputed soft targets with the interface of `TeacherEnsemble`.

    It cannot label further rows.

    Parameters
    ----------
    teacher_proba : array-like or DataFrame of shape (n_samples, n_classes)
        As `DistilledClassifier.fit` takes it.
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

    def __init__(self, teacher_proba, data):
        self.targets = data.task.check_soft_targets(teacher_proba, len(data))
        self.weights_, self.diversity_ = {}, {}

    def fit_soft_targets(self, data, **_):
        """Score the soft targets and return them."""
        self.scores_ = {"pool": data.task.score(data.y, self.targets, data.sample_weight)}
        return SoftTargets(self.targets, [], [])


def check_no_teacher_needed(estimator, data):
    """Check that nothing is requested that needs fitted teachers.

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
            f"{request} needs teachers, and with teacher_proba none is fitted that could label "
            "further rows or be kept: drop one of the two."
        )
