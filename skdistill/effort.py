"""`EFFORTS`: how much work a fit does where its parameters leave it open."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Sizes of the default teachers, of the transfer set and of the student's training.

    Parameters
    ----------
    teachers : tuple of str
        Names of the default teachers. Those whose library is not installed are left out.
    n_trees : int
        Trees of the forest, where it is among the teachers.
    boosting_rate : float
        Learning rate of XGBoost.
    boosting_patience : int
        Rounds without a lower loss after which XGBoost stops.
    net_rate : float
        Initial learning rate of the nets.
    net_epochs, net_patience : int
        Their largest number of epochs, and the epochs without a lower loss after which they stop.
    synthetic_rows : int
        Synthetic rows for each real row.
    student_epochs : int
        Epochs of the student on all rows, beside many synthetic ones, if labels are not noisy.
    student_epochs_at_most : int
        Its largest number of epochs where it stops early.
    """

    teachers: tuple
    n_trees: int
    boosting_rate: float
    boosting_patience: int
    net_rate: float
    net_epochs: int
    net_patience: int
    synthetic_rows: int
    student_epochs: int
    student_epochs_at_most: int


ALL = ("rf", "xgb", "mlp", "mlp_periodic", "mlp_bins")
EFFORTS = {
    "low": Effort(
        teachers=("xgb", "mlp_bins"),
        n_trees=100,
        boosting_rate=0.2,
        boosting_patience=10,
        net_rate=4e-3,
        net_epochs=25,
        net_patience=3,
        synthetic_rows=3,
        student_epochs=16,
        student_epochs_at_most=25,
    ),
    "default": Effort(
        teachers=ALL,
        n_trees=100,
        boosting_rate=0.1,
        boosting_patience=20,
        net_rate=2e-3,
        net_epochs=50,
        net_patience=3,
        synthetic_rows=4,
        student_epochs=30,
        student_epochs_at_most=50,
    ),
    "high": Effort(
        teachers=(*ALL, "catboost", "lgbm"),
        n_trees=500,
        boosting_rate=0.03,
        boosting_patience=50,
        net_rate=1e-3,
        net_epochs=100,
        net_patience=15,
        synthetic_rows=12,
        student_epochs=50,
        student_epochs_at_most=100,
    ),
}


def effort_named(effort):
    """Return the `Effort` of a name.

    Parameters
    ----------
    effort : {"low", "default", "high"}

    Returns
    -------
    settings : Effort

    Raises
    ------
    ValueError
        If there is no such effort.
    """
    if not isinstance(effort, str) or effort not in EFFORTS:
        raise ValueError(f"effort must be one of {list(EFFORTS)}, got {effort!r}.")
    return EFFORTS[effort]
