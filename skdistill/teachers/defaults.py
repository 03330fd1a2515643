"""The default teachers."""

import importlib.util
from collections.abc import Callable
from functools import partial

from sklearn.ensemble import RandomForestClassifier

from skdistill.effort import effort_named
from skdistill.teachers.table_classifier import TableClassifier
from skdistill.warn import warn_user

# Of each net: hidden sizes, factor of the learning rate, periodic embeddings, bins.
NETS = {
    "mlp": ((256, 256, 256), 1.5, False, False),
    "mlp_periodic": ((256, 256), 1.0, True, False),
    "mlp_bins": ((256, 256), 1.0, True, True),
}
# The libraries of teachers that need one more.
LIBRARIES = {"catboost": "catboost", "lgbm": "lightgbm"}


def default_teachers(effort="default", *, categorical_features="from_dtype", device="auto"):
    """Return a random forest, boosted trees and nets, for tables with categories.

    Parameters
    ----------
    effort : {"low", "default", "high"}, default="default"
        "low" is for a first look: two teachers, larger steps, fewer epochs. "high" is for when
        minutes do not matter: more trees, smaller steps, more epochs, and two teachers more.
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

    Warns
    -----
    UserWarning
        If CatBoost or LightGBM is not installed and `effort` is "high". It is left out.

    See Also
    --------
    DistilledClassifier : Uses these teachers by default.
    TableClassifier : Encodes tables for the forest and for boosted trees.
    NetClassifier : Encodes tables for the nets and trains them.

    Notes
    -----
    ================ ===================================================================
    Name             Teacher
    ================ ===================================================================
    ``rf``           Random forest with at least 2 rows per leaf.
    ``xgb``          XGBoost, up to 1000 rounds, with early stopping.
    ``mlp``          Multilayer perceptron, 3 layers of 256 units, on scaled numbers.
    ``mlp_periodic`` Multilayer perceptron, 2 layers of 256 units, with periodic
                     embeddings of numbers.
    ``mlp_bins``     As ``mlp_periodic``, with embeddings of each number's bin as well
                     (from 1,000 rows on).
    ``catboost``     CatBoost at its defaults.
    ``lgbm``         LightGBM, 200 rounds of trees of 15 leaves.
    ================ ===================================================================

    ``effort="low"`` has ``xgb`` and ``mlp_bins`` only, ``effort="high"`` has them all, and
    "default" has those that need no other library: ``pip install 'skdistill[teachers]'``
    installs CatBoost and LightGBM.

    Categories enter the forest as category codes, the nets through embeddings; boosted trees
    know them as categories. Cross-fitting fits the folds of XGBoost and of the nets side by side.

    A teacher's default seed depends on its name, so renaming a teacher changes its results.

    Examples
    --------
    >>> from skdistill import default_teachers
    >>> [name for name, teacher in default_teachers()]
    ['rf', 'xgb', 'mlp', 'mlp_periodic', 'mlp_bins']
    >>> [name for name, teacher in default_teachers("low")]
    ['xgb', 'mlp_bins']
    """
    settings = effort_named(effort)
    where = {"categorical_features": categorical_features, "device": device}
    teachers: dict[str, Callable] = {
        "rf": lambda: TableClassifier(_forest(settings), categorical_features),
        "xgb": lambda: TableClassifier(
            _boosted_trees(settings), categorical_features, side_by_side=True
        ),
        **{name: partial(_net, settings, *sizes, **where) for name, sizes in NETS.items()},
        "catboost": lambda: TableClassifier(_catboost(), categorical_features),
        "lgbm": lambda: TableClassifier(_lightgbm(), categorical_features),
    }
    return [(name, teachers[name]()) for name in _installed(settings.teachers)]


def _installed(names):
    """Return the names of the teachers whose libraries are installed; warn of the others."""
    lacking = [
        name
        for name in names
        if name in LIBRARIES and importlib.util.find_spec(LIBRARIES[name]) is None
    ]
    if lacking:
        warn_user(
            f"effort='high' goes without the teachers {lacking}, whose libraries are not "
            "installed: pip install 'skdistill[teachers]'."
        )
    return [name for name in names if name not in lacking]


def _forest(settings):
    return RandomForestClassifier(n_estimators=settings.n_trees, min_samples_leaf=2)


def _boosted_trees(settings):
    from xgboost import XGBClassifier  # imported here, so that importing this module does not

    return XGBClassifier(
        n_estimators=1000,
        early_stopping_rounds=settings.boosting_patience,
        learning_rate=settings.boosting_rate,
        max_depth=6,
        subsample=0.8,
        colsample_bytree=0.8,
    )


def _catboost():
    from catboost import CatBoostClassifier

    return CatBoostClassifier(verbose=0, allow_writing_files=False)


def _lightgbm():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(
        n_estimators=200,
        learning_rate=0.05,
        num_leaves=15,  # the default of 31 overfits a few thousand rows
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        n_jobs=0,  # the threads of OpenMP; None is every core, even beside other processes
        verbose=-1,
    )


def _net(settings, hidden_sizes, factor, periodic, bins, **where):
    # Imported here, so that importing this module does not load torch.
    from skdistill.nets.modules import StudentMLP
    from skdistill.nets.tensor_net import TensorNet
    from skdistill.teachers.net_classifier import NetClassifier

    net = TensorNet(
        StudentMLP,
        lr=factor * settings.net_rate,
        max_epochs=settings.net_epochs,
        patience=settings.net_patience,
        optimizer__weight_decay=0.1,  # ten times AdamW's default, as labels are noisy
        module__hidden_sizes=hidden_sizes,
        module__dropout=0.2,
        module__n_frequencies=16 if periodic else 0,
        module__bin_embedding_size=4 if bins else 0,
    )
    return NetClassifier(net, side_by_side=True, **where)
