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
    ``effort="low"`` the teachers are ``rf``, ``xgb`` and ``mlp_steps``.

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
    # Imported here, so that importing this module loads neither torch nor xgboost.
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

    def net(hidden_sizes, *, periodic, bins, lr=1e-3, max_epochs=100, patience=15):
        return NetClassifier(
            TensorNet(
                StudentMLP,
                lr=lr,
                max_epochs=max_epochs,
                patience=patience,
                optimizer__weight_decay=0.1,  # ten times AdamW's default, as labels are noisy
                module__hidden_sizes=hidden_sizes,
                module__dropout=0.2,
                module__n_frequencies=16 if periodic else 0,
                module__bin_embedding_size=4 if bins else 0,
            ),
            categorical_features=categorical_features,
            device=device,
            side_by_side=low,
        )

    trees = [
        ("rf", TableClassifier(forest, categorical_features)),
        ("xgb", TableClassifier(boosted, categorical_features, side_by_side=low)),
    ]
    if low:
        # The mean loss of all folds is steady, so that it need not be waited for long.
        quick = net((256, 256), periodic=True, bins=True, lr=4e-3, max_epochs=25, patience=5)
        return [*trees, ("mlp_steps", quick)]
    return [
        *trees,
        ("mlp", net((256, 256, 256), periodic=False, bins=False, lr=2e-3)),
        ("mlp_waves", net((256, 256), periodic=True, bins=False)),
        ("mlp_steps", net((256, 256), periodic=True, bins=True)),
    ]
