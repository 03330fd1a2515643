"""Soft targets that were computed elsewhere, in the place of teachers."""

from skdistill.soft_targets.targets import SoftTargets


class PrecomputedTeacher:
    """Soft targets in the place of a `TeacherEnsemble`; it cannot label further rows.

    Parameters
    ----------
    teacher_proba : array-like or DataFrame of shape (n_samples, n_classes)
        As `DistilledClassifier.fit` takes it.
    data : TrainingData

    Attributes
    ----------
    weights_, diversity_ : dict
        Empty.
    scores_ : dict of str to float
        The loss of the "pool".
    """

    can_label = False

    def __init__(self, teacher_proba, data):
        self.targets = data.task.check_soft_targets(teacher_proba, len(data))
        self.weights_, self.diversity_ = {}, {}

    def fit_soft_targets(self, data, **_):
        """Score the soft targets; nothing is fitted here."""
        self.scores_ = {"pool": data.task.score(data.y, self.targets, data.sample_weight)}
        return SoftTargets(self.targets, [], [])


def refuse_what_needs_teachers(estimator, data):
    """Refuse what only fitted teachers could do.

    Raises
    ------
    ValueError
        If there are unlabeled rows, or the estimator asks for synthetic ones or the teachers.
    """
    augmenter = estimator.augmenter
    asked = {
        "X_unlabeled": bool(data.unlabeled),
        "keep_teachers=True": estimator.keep_teachers,
        f"augmenter={augmenter!r}": augmenter is not None and augmenter != "auto",
    }
    for what in [what for what, is_asked in asked.items() if is_asked]:
        raise ValueError(
            f"{what} needs teachers, and with teacher_proba none is fitted that could label "
            "further rows or be kept: leave out one of the two."
        )
