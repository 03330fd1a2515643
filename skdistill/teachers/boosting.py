"""What boosted trees are told of a table: categories, and how many rounds and threads to use.

The classes of XGBoost, LightGBM and CatBoost are recognised by name, so that none is imported.
"""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import check_random_state

from skdistill.sklearn_private import n_threads
from skdistill.table.splits import hold_out

XGBOOST = ("XGBClassifier", "XGBRegressor", "XGBRanker")
CATBOOST = ("CatBoostClassifier", "CatBoostRegressor")
LIGHTGBM = ("LGBMClassifier", "LGBMRegressor", "LGBMRanker")
# Largest number of boosting rounds on tables that are too small for validation rows.
MAX_ROUNDS_UNVALIDATED = 100
# XGBoost and CatBoost sample about this many columns for each split of a wider table.
COLUMNS_PER_SPLIT = 32
TOTAL_BINS = 16_384
# XGBoost would split columns of more categories by the few rows of each: they stay ordinal.
MAX_CATEGORIES = 64
ORDINAL_ONLY = ("feature_types", "monotone_constraints", "multi_strategy")
# What CatBoost samples by, under each of its names; on a GPU it cannot sample columns.
SAMPLING_OF_CATBOOST = {"rsm", "colsample_bylevel", "border_count", "max_bin", "task_type"}
# What LightGBM calls its parameter of categorical columns.
CATEGORICAL = (
    "categorical_feature",
    "categorical_features",
    "categorical_column",
    "cat_feature",
    "cat_column",
)


def for_table(estimator, encoder, *, is_sparse):
    """Set boosted trees up for a table; leave other estimators alone.

    Parameters
    ----------
    estimator : estimator
        Unfitted. Its parameters are set in place, except for those that are set already.
    encoder : TableEncoder
        Fitted on the table.
    is_sparse : bool
        Whether the table is sparse.

    Returns
    -------
    estimator : estimator
    """
    if _is_a(XGBOOST, estimator):
        return _set_up_xgboost(estimator, encoder, is_sparse=is_sparse)
    if _is_a(CATBOOST, estimator):
        return _set_up_catboost(estimator, encoder)
    return estimator


def refuses(estimator, X):
    """Tell whether an estimator fails on a table: CatBoost does if all columns are constant.

    Parameters
    ----------
    estimator : estimator
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Encoded.
    """
    if not _is_a(CATBOOST, estimator):
        return False
    if issparse(X):
        return not (X.max(axis=0) - X.min(axis=0)).nnz
    return np.array_equal(X, np.broadcast_to(X[:1], X.shape), equal_nan=True)


def fit_options(estimator, encoder):
    """Return keyword arguments of `fit`, by which LightGBM knows categories."""
    if not _is_a(LIGHTGBM, estimator) or set(CATEGORICAL) & set(estimator.get_params()):
        return {}
    columns = np.flatnonzero(encoder.is_categorical_).tolist()
    return {"categorical_feature": columns} if columns else {}


def rows_for(estimator, X):
    """Return rows as an estimator takes them: CatBoost takes no floats as categories.

    Parameters
    ----------
    estimator : estimator
        Set up by `for_table`, fitted or not.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Encoded.

    Returns
    -------
    X : ndarray, CSR matrix or DataFrame of shape (n_samples, n_features)
        A DataFrame for CatBoost with categories: ints, -1 where missing.
    """
    is_catboost = _is_a(CATBOOST, estimator)
    categories = estimator.get_params().get("cat_features") if is_catboost else None
    if not categories or issparse(X):
        return X
    from pandas import DataFrame  # CatBoost requires pandas

    return DataFrame(
        {j: _codes(column) if j in categories else column for j, column in enumerate(X.T)}
    )


def _codes(column):
    """Return floats as ints; not if they are none, so that CatBoost says what is wrong."""
    codes = np.nan_to_num(column, nan=-1.0)
    is_whole = (codes % 1 == 0) & (np.abs(codes) < 2**53)
    return codes.astype(np.int64) if is_whole.all() else codes


def stops_early(estimator):
    """Tell whether an estimator is XGBoost that stops early."""
    return _is_a(XGBOOST, estimator) and bool(estimator.early_stopping_rounds)


def _is_a(names, estimator):
    return any(cls.__name__ in names for cls in type(estimator).__mro__)


def _set_up_catboost(boosted, encoder):
    """Give CatBoost the categorical columns by index, and the threads that others get.

    CatBoost would start a thread for each core, in each of several processes.
    """
    params = boosted.get_params()
    columns = params.get("cat_features")
    if columns is None:
        columns = np.flatnonzero(encoder.is_categorical_).tolist()
    names = list(getattr(encoder, "feature_names_in_", []))  # encoded rows have none
    columns = tuple(names.index(each) if each in names else each for each in columns)
    threads = params.get("thread_count")
    boosted.set_params(thread_count=n_threads() if threads is None else threads)
    n_columns = len(encoder.n_categories_)
    if n_columns > COLUMNS_PER_SPLIT and not SAMPLING_OF_CATBOOST & set(params):
        share, n_bins = _for_wide(n_columns, 254)
        boosted.set_params(rsm=share, border_count=n_bins)
    return boosted.set_params(cat_features=columns) if columns else boosted


def _for_wide(n_columns, n_bins):
    """Return the share of the columns for each split, and the bins of each of them."""
    share = max(0.1, COLUMNS_PER_SPLIT / n_columns)
    return share, int(np.clip(TOTAL_BINS // n_columns, 64, n_bins))


def _set_up_xgboost(boosted, encoder, *, is_sparse):
    """Set XGBoost up for a table: categorical features, and column sampling for wide tables.

    Both improve its predictions, and sampling saves time.
    """
    params = boosted.get_params()
    if params["booster"] == "gblinear" or params["tree_method"] == "exact":
        return boosted  # they support neither
    n_categories = encoder.n_categories_
    n_columns, settings = len(n_categories), {}
    is_category = (n_categories > 0) & (n_categories <= MAX_CATEGORIES)
    # Monotone constraints need ordinal columns, and multi-output trees support no categories.
    is_ordinal = is_sparse or any(params[name] is not None for name in ORDINAL_ONLY)
    if is_category.any() and not is_ordinal:
        kinds = ["c" if each else "q" for each in is_category]
        boosted = boosted.set_params(enable_categorical=True, feature_types=kinds)
    if n_columns > COLUMNS_PER_SPLIT:
        settings["colsample_bynode"], settings["max_bin"] = _for_wide(n_columns, 256)
    unset = {name: value for name, value in settings.items() if params[name] is None}
    return boosted.set_params(**unset)


def with_rounds_found(boosted, X, y, sample_weight, strata):
    """Return XGBoost with the number of rounds that is best on held-out rows, unfitted."""
    rng = check_random_state(boosted.random_state)
    held_out = hold_out(strata, rng, sample_weight=sample_weight)
    n_rounds = min(boosted.get_num_boosting_rounds(), MAX_ROUNDS_UNVALIDATED)
    if held_out.any():
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        trial = clone(boosted).fit(
            X[~held_out],
            y[~held_out],
            sample_weight=weight[~held_out],
            eval_set=[(X[held_out], y[held_out])],
            sample_weight_eval_set=[weight[held_out]],
            verbose=False,
        )
        n_rounds = trial.best_iteration + 1
    return boosted.set_params(n_estimators=n_rounds, early_stopping_rounds=None)


def fit_boosted_folds(boosted, X, y, sample_weight, splits):
    """Fit XGBoost on each split, all with the number of rounds of the lowest mean loss.

    Parameters
    ----------
    boosted : XGBClassifier or XGBRegressor
        With early stopping.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
    sample_weight : ndarray of shape (n_samples,) or None
    splits : list of (train, test)
        Those without test rows are fitted with that number of rounds.

    Returns
    -------
    fitted : list of XGBClassifier or XGBRegressor
    """
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    fitted, losses, sizes = [], [], []
    for train, test in splits:
        one = clone(boosted)
        if len(test):
            one.fit(
                X[train],
                y[train],
                sample_weight=weight[train],
                eval_set=[(X[test], y[test])],
                sample_weight_eval_set=[weight[test]],
                verbose=False,
            )
            (curve,) = one.evals_result()["validation_0"].values()
            losses.append(curve)
            sizes.append(weight[test].sum())
        fitted.append(one)
    if not losses:
        losses, sizes = [np.arange(MAX_ROUNDS_UNVALIDATED, 0, -1)], [1.0]
    shortest = min(map(len, losses))
    mean = np.average([curve[:shortest] for curve in losses], axis=0, weights=sizes)
    n_rounds = int(mean.argmin()) + 1
    for one, (train, test) in zip(fitted, splits):
        if len(test):
            one.get_booster().set_attr(best_iteration=str(n_rounds - 1))
        else:
            one.set_params(n_estimators=n_rounds, early_stopping_rounds=None)
            one.fit(X[train], y[train], sample_weight=weight[train])
    return fitted
