"""The default teachers."""

import importlib.util
from collections.abc import Callable
from functools import partial

from sklearn.base import is_regressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from skdistill.effort import effort_named
from skdistill.teachers.table_classifier import TableClassifier
from skdistill.teachers.table_ranker import TableRanker
from skdistill.teachers.table_regressor import TableRegressor
from skdistill.warn import warn_user

# Of each net: hidden sizes, factor of the learning rate, periodic embeddings, bins.
NETS = {
    "mlp": ((256, 256, 256), 1.5, False, False),
    "mlp_periodic": ((256, 256), 1.0, True, False),
    "mlp_bins": ((256, 256), 1.0, True, True),
}
LIGHTGBM = {
    "n_estimators": 200,
    "learning_rate": 0.05,
    "num_leaves": 15,  # the default of 31 overfits a few thousand rows
    "subsample": 0.8,
    "subsample_freq": 1,
    "colsample_bytree": 0.8,
    "n_jobs": 0,  # the threads of OpenMP; None is every core, even beside other processes
    "verbose": -1,
}
# Of each loss: its name in XGBoost, in CatBoost and in LightGBM, and the forest's criterion.
OBJECTIVES = {
    "squared_error": ("reg:squarederror", "RMSE", "regression", "squared_error"),
    "absolute_error": ("reg:absoluteerror", "MAE", "regression_l1", None),
    # Theirs would be linear beyond an error of 1 in the unit of y, whatever that is.
    "huber": ("reg:absoluteerror", "MAE", "regression_l1", None),
    "quantile": ("reg:quantileerror", "Quantile:alpha={quantile}", "quantile", None),
    "poisson": ("count:poisson", "Poisson", "poisson", "poisson"),
    "gamma": ("reg:gamma", None, "gamma", "squared_error"),
}
# Rounds of XGBRanker, times its learning rate: as many as a query set of some thousand rows needs.
RANKING_ROUNDS = 15
# The libraries of teachers that need one more.
LIBRARIES = {"catboost": "catboost", "lgbm": "lightgbm"}


def default_teachers(
    effort="default",
    *,
    task="classification",
    loss="squared_error",
    quantile=None,
    categorical_features="from_dtype",
    device="auto",
):
    """Return a random forest, boosted trees and nets, for tables with categories.

    Parameters
    ----------
    effort : {"low", "default", "high"}, default="default"
        "low" is for a first look: two teachers, larger steps, fewer epochs. "high" is for when
        minutes do not matter: more trees, smaller steps, more epochs, and two teachers more.
    task : {"classification", "regression", "ranking"}, default="classification"
        Whether they are classifiers, regressors or rankers.
    loss : str, default="squared_error"
        As in `DistilledRegressor`; for regressors.
    quantile : float or None, default=None
        As in `DistilledRegressor`; for regressors.
    categorical_features : "from_dtype", None, or array-like, default="from_dtype"
        As in `DistilledClassifier`.
    device : str, default="auto"
        Device of the nets. "auto" uses the GPU if there is one.

    Returns
    -------
    teachers : list of (str, estimator)
        Unfitted. Each accepts a DataFrame with categories and missing values, and is also an
        estimator of its own.

    Raises
    ------
    ValueError
        If `effort`, `task` or `loss` is unknown.

    Warns
    -----
    UserWarning
        If CatBoost or LightGBM is not installed and `effort` is "high". It is left out.

    See Also
    --------
    DistilledClassifier : Uses these teachers by default.
    TableClassifier, TableRegressor : Encode tables for the forest and for boosted trees.
    NetClassifier, NetRegressor : Encode tables for the nets and train them.

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

    Regressors are fitted with `loss`. The forest has the mean of y in its leaves, so it is among
    them for losses of the mean alone: "squared_error", "poisson" and "gamma".

    Rankers are ``rf``, a forest that predicts each row's relevance by itself; ``xgb``, XGBoost's
    LambdaMART of a fixed number of rounds, 15 over the learning rate; and two nets as
    ``mlp_bins``: ``mlp_pairwise``, with RankNet's loss of pairs, and ``mlp_listwise``, with the
    cross-entropy of lists. "low" has ``xgb`` and ``mlp_listwise``, "high" has ``lgbm`` too.

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
    if task not in KINDS:
        raise ValueError(f"task must be one of {list(KINDS)}, got {task!r}.")
    kind = KINDS[task](loss, quantile) if task == "regression" else KINDS[task]()
    where = {"categorical_features": categorical_features, "device": device}
    table, net = partial(kind.table, categorical_features), partial(_net, kind, settings, **where)
    teachers: dict[str, Callable] = {
        "rf": lambda: table(kind.forest(n_estimators=settings.n_trees, min_samples_leaf=2)),
        "xgb": lambda: table(kind.xgboost(**_boosting(settings)), side_by_side=True),
        **{name: partial(net, *sizes) for name, sizes in NETS.items()},
        **{
            f"mlp_{of}": partial(_net, Rankers(of), settings, *NETS["mlp_bins"], **where)
            for of in ("pairwise", "listwise")
        },
        "catboost": lambda: table(kind.catboost(verbose=0, allow_writing_files=False)),
        "lgbm": lambda: table(kind.lightgbm(**LIGHTGBM)),
    }
    names = [name for name in settings.teachers if name not in kind.unsuitable]
    names = [kind.renamed.get(name, name) for name in names]
    return [(name, teachers[name]()) for name in _installed(names)]


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


def _boosting(settings):
    return {
        "n_estimators": 1000,
        "early_stopping_rounds": settings.boosting_patience,
        "learning_rate": settings.boosting_rate,
        "max_depth": 6,
        "subsample": 0.8,
        "colsample_bytree": 0.8,
    }


class Classifiers:
    """The classifiers of the libraries; each is imported when it is needed."""

    unsuitable: tuple = ()
    renamed: dict = {}

    def table(self, categorical_features, classifier, **options):
        return TableClassifier(classifier, categorical_features, **options)

    def forest(self, **params):
        return RandomForestClassifier(**params)

    def xgboost(self, **params):
        from xgboost import XGBClassifier

        return XGBClassifier(**params)

    def catboost(self, **params):
        from catboost import CatBoostClassifier

        return CatBoostClassifier(**params)

    def lightgbm(self, **params):
        from lightgbm import LGBMClassifier

        return LGBMClassifier(**params)

    def net(self, net, **params):
        from skdistill.teachers.net_classifier import NetClassifier

        return NetClassifier(net, **params)


class Regressors:
    """The regressors of the libraries, with the loss under each library's name.

    Parameters
    ----------
    loss : str
        As in `DistilledRegressor`.
    quantile : float or None
    """

    renamed: dict = {}

    def __init__(self, loss, quantile):
        if loss not in OBJECTIVES:
            raise ValueError(f"loss must be one of {list(OBJECTIVES)}, got {loss!r}.")
        self.loss, self.quantile = loss, quantile
        self.of_xgboost, self.of_catboost, self.of_lightgbm, criterion = OBJECTIVES[loss]
        self.criterion = criterion
        lacking = {"rf": criterion, "catboost": self.of_catboost}
        self.unsuitable = tuple(name for name, value in lacking.items() if value is None)

    def table(self, categorical_features, regressor, **options):
        return TableRegressor(regressor, categorical_features, **options)

    def forest(self, **params):
        return RandomForestRegressor(criterion=self.criterion, max_features=1 / 3, **params)

    def xgboost(self, **params):
        from xgboost import XGBRegressor

        alpha = {} if self.loss != "quantile" else {"quantile_alpha": self.quantile}
        return XGBRegressor(objective=self.of_xgboost, **alpha, **params)

    def catboost(self, **params):
        from catboost import CatBoostRegressor

        loss = str(self.of_catboost).format(quantile=self.quantile)
        return CatBoostRegressor(loss_function=loss, **params)

    def lightgbm(self, **params):
        from lightgbm import LGBMRegressor

        alpha = {} if self.loss != "quantile" else {"alpha": self.quantile}
        return LGBMRegressor(objective=self.of_lightgbm, **alpha, **params)

    def net(self, net, **params):
        from skdistill.teachers.net_regressor import NetRegressor

        return NetRegressor(net, self.loss, quantile=self.quantile, **params)


class Rankers:
    """The rankers of the libraries, and a forest that scores each row by itself.

    Parameters
    ----------
    loss : {"listwise", "pairwise"}, default="listwise"
        Of a net.
    """

    unsuitable = ("mlp", "catboost")
    renamed = {"mlp_periodic": "mlp_pairwise", "mlp_bins": "mlp_listwise"}

    def __init__(self, loss="listwise"):
        self.loss = loss

    def table(self, categorical_features, estimator, side_by_side=False):
        kind = TableRegressor if is_regressor(estimator) else TableRanker
        return kind(estimator, categorical_features)

    def forest(self, **params):
        return RandomForestRegressor(max_features=1 / 3, **params)

    def xgboost(self, early_stopping_rounds, learning_rate, **params):
        from xgboost import XGBRanker

        # The gain is the relevance itself, as in scikit-learn: any number, and not only ints.
        return XGBRanker(
            objective="rank:ndcg", ndcg_exp_gain=False, learning_rate=learning_rate,
            **params | {"n_estimators": round(RANKING_ROUNDS / learning_rate)},
        )  # fmt: skip

    def lightgbm(self, **params):
        from lightgbm import LGBMRanker

        return LGBMRanker(**params)

    def net(self, net, side_by_side=True, **params):
        from skdistill.teachers.net_ranker import NetRanker

        return NetRanker(net, self.loss, **params)


KINDS = {"classification": Classifiers, "regression": Regressors, "ranking": Rankers}


def _net(kind, settings, hidden_sizes, factor, periodic, bins, **where):
    # Imported here, so that importing this module does not load torch.
    from skdistill.nets.modules import StudentMLP
    from skdistill.nets.tensor_net import TensorNet

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
    return kind.net(net, side_by_side=True, **where)
