"""The teachers that one gets without asking."""

from sklearn.ensemble import RandomForestClassifier

from skdistill.teachers.table_classifier import TableClassifier


def default_teachers(effort="full", *, categorical_features="from_dtype", device="auto"):
    """A forest, boosted trees and three nets, for tables of numbers and categories.

    Parameters
    ----------
    effort : {"full", "low"}, default="full"
        "low": a third of the trees, larger steps of boosting and one net of fewer epochs, for
        a first look in less than half the time of a fit.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledClassifier`.
    device : str, default="auto"
        Where the nets are trained.

    Returns
    -------
    teachers : list of (str, classifier)
        Unfitted. Each takes the table as it is and can be used on its own.

    Raises
    ------
    ValueError
        If `effort` is none of these.

    Examples
    --------
    >>> from skdistill import default_teachers
    >>> [name for name, teacher in default_teachers()]
    ['rf', 'xgb', 'mlp', 'mlp_waves', 'mlp_steps']
    """
    if effort not in ("full", "low"):
        raise ValueError(f"effort must be 'full' or 'low', got {effort!r}.")
    low = effort == "low"
    # Here, so that nothing of this is loaded before a teacher is wanted.
    from xgboost import XGBClassifier

    from skdistill.nets.modules import StudentMLP
    from skdistill.nets.tensor_net import TensorNet
    from skdistill.teachers.net_classifier import NetClassifier

    forest = RandomForestClassifier(n_estimators=100 if low else 300, min_samples_leaf=2)
    boosted = XGBClassifier(
        n_estimators=1000,
        early_stopping_rounds=15 if low else 30,
        learning_rate=0.15 if low else 0.05,
        max_depth=6,
        subsample=0.8,
        colsample_bytree=0.8,
    )

    def net(hidden_sizes, *, waves, steps, lr=1e-3, max_epochs=100):
        return NetClassifier(
            TensorNet(
                StudentMLP,
                lr=lr,
                max_epochs=max_epochs,
                optimizer__weight_decay=0.1,  # ten times AdamW's own: labels are noisy
                module__hidden_sizes=hidden_sizes,
                module__dropout=0.2,
                module__n_frequencies=16 if waves else 0,
                module__bin_embedding_size=4 if steps else 0,
            ),
            categorical_features=categorical_features,
            device=device,
        )

    trees = [
        ("rf", TableClassifier(forest, categorical_features)),
        ("xgb", TableClassifier(boosted, categorical_features)),
    ]
    if low:
        quick = net((256, 256), waves=True, steps=True, lr=4e-3, max_epochs=25)
        return [*trees, ("mlp_steps", quick)]
    return [
        *trees,
        ("mlp", net((256, 256, 256), waves=False, steps=False, lr=2e-3)),
        ("mlp_waves", net((256, 256), waves=True, steps=False)),
        ("mlp_steps", net((256, 256), waves=True, steps=True)),
    ]
