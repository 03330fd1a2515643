"""The default teachers."""

from sklearn.ensemble import RandomForestClassifier

from skdistill.teachers.table_classifier import TableClassifier


def default_teachers(effort="full", *, categorical_features="from_dtype", device="auto"):
    """Return a random forest, boosted trees and three nets, for tables with categories.

    Parameters
    ----------
    effort : {"full", "low"}, default="full"
        "low" is for a first look at the data, in less than half the time of a fit. It uses a
        third of the trees, a larger learning rate of boosting and one net with fewer epochs.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledClassifier`.
    device : str, default="auto"
        Device of the nets. "auto" uses the GPU if there is one.

    Returns
    -------
    teachers : list of (str, classifier)
        Unfitted. Each accepts a DataFrame with categories and missing values, and is also a
        classifier of its own.

    Raises
    ------
    ValueError
        If `effort` is unknown.

    See Also
    --------
    DistilledClassifier : Uses these teachers by default.
    TableClassifier : Encodes tables for the forest and XGBoost.
    NetClassifier : Encodes tables for the nets and trains them.

    Notes
    -----
    ============= ======================================================================
    Name          Teacher
    ============= ======================================================================
    ``rf``        Random forest, 300 trees with at least 2 rows per leaf.
    ``xgb``       XGBoost, up to 1000 rounds, with early stopping.
    ``mlp``       Multilayer perceptron, 3 layers of 256 units, on scaled numbers.
    ``mlp_waves`` Multilayer perceptron, 2 layers of 256 units, with periodic embeddings
                  of numbers.
    ``mlp_steps`` As ``mlp_waves``, with embeddings of each number's bin as well (from
                  1,000 rows on).
    ============= ======================================================================

    Categories enter the trees as category codes, and the nets through embeddings. With
    ``effort="low"`` the teachers are ``rf`` of 100 trees, ``xgb`` of larger steps, and
    ``mlp_steps`` of at most 25 epochs; cross-fitting fits the folds of the latter two side by
    side.

    A teacher's default seed depends on its name, so renaming a teacher changes its results.

    Examples
    --------
    >>> from skdistill import default_teachers
    >>> [name for name, teacher in default_teachers()]
    ['rf', 'xgb', 'mlp', 'mlp_waves', 'mlp_steps']
    """
    if effort not in ("full", "low"):
        raise ValueError(f"effort must be 'full' or 'low', got {effort!r}.")
    low = effort == "low"
    trees = [
        ("rf", TableClassifier(_forest(low), categorical_features)),
        ("xgb", TableClassifier(_boosted_trees(low), categorical_features, side_by_side=low)),
    ]
    where = {"categorical_features": categorical_features, "device": device, "side_by_side": low}
    if low:
        # The mean loss of all folds is steady, so few epochs show that it no longer falls.
        settings = {"lr": 4e-3, "max_epochs": 25, "patience": 5}
        return [*trees, ("mlp_steps", _net((256, 256), True, True, where, **settings))]
    return [
        *trees,
        ("mlp", _net((256, 256, 256), False, False, where, lr=2e-3)),
        ("mlp_waves", _net((256, 256), True, False, where)),
        ("mlp_steps", _net((256, 256), True, True, where)),
    ]


def _forest(low):
    return RandomForestClassifier(n_estimators=100 if low else 300, min_samples_leaf=2)


def _boosted_trees(low):
    from xgboost import XGBClassifier  # imported here, so that importing this module does not

    return XGBClassifier(
        n_estimators=1000,
        early_stopping_rounds=15 if low else 30,
        learning_rate=0.15 if low else 0.05,
        max_depth=6,
        subsample=0.8,
        colsample_bytree=0.8,
    )


def _net(hidden_sizes, periodic, bins, where, *, lr=1e-3, max_epochs=100, patience=15):
    """Return a net; `where` has the parameters of `NetClassifier` beside it."""
    # Imported here, so that importing this module does not load torch.
    from skdistill.nets.modules import StudentMLP
    from skdistill.nets.tensor_net import TensorNet
    from skdistill.teachers.net_classifier import NetClassifier

    net = TensorNet(
        StudentMLP,
        lr=lr,
        max_epochs=max_epochs,
        patience=patience,
        optimizer__weight_decay=0.1,  # ten times AdamW's default, as labels are noisy
        module__hidden_sizes=hidden_sizes,
        module__dropout=0.2,
        module__n_frequencies=16 if periodic else 0,
        module__bin_embedding_size=4 if bins else 0,
    )
    return NetClassifier(net, **where)
