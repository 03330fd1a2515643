"""Cross-fitting: soft targets of rows by teachers that were not fitted on them."""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from skdistill.jobs.clock import LABELLING, Clock
from skdistill.jobs.fingerprint import Unhashable, fingerprint
from skdistill.jobs.runner import run_or_recall
from skdistill.sklearn_private import safe_indexing
from skdistill.soft_targets.fitted_teacher import FittedTeacher
from skdistill.soft_targets.labeler import Labeler
from skdistill.soft_targets.out_of_bag import out_of_bag_targets, with_out_of_bag
from skdistill.soft_targets.plan import (
    group_fits,
    knows_all_rows,
    order_fits,
    plan_fits,
    training_splits,
)
from skdistill.soft_targets.prefit import (
    check_prefit_within,
    is_prefit,
    prefit_teacher,
    warn_of_frozen,
    warn_of_repeated_labels,
)
from skdistill.soft_targets.targets import SoftTargets
from skdistill.soft_targets.time_limit import choose_teachers, memory_has, warn_of_left_out
from skdistill.warn import warn_user


@dataclass
class FitResult:
    """Result of one fit.

    Parameters
    ----------
    labeled : ndarray of shape (n_test, n_outputs)
        Soft targets of the fit's test rows.
    unlabeled : list of ndarray of shape (n_unlabeled, n_outputs)
        Soft targets of each table of unlabeled rows.
    seconds : tuple of float
        In which the teacher was fitted, and in which it labeled rows.
    teacher : FittedTeacher or None
        None unless the teacher is kept.
    """

    labeled: np.ndarray
    unlabeled: list
    seconds: tuple
    teacher: Any = None


def cross_fit(
    teachers,
    data,
    *,
    splits,
    out_of_bag=False,
    refit=False,
    keep=False,
    keep_folds=False,
    n_jobs=None,
    verbose=0,
    memory=None,
    clock=None,
):
    """Label each row with clones of the teachers that were not fitted on that row.

    A forest repeats the labels it was fitted on, so its in-sample probabilities carry label
    noise into the student.

    Parameters
    ----------
    teachers : list of (str, classifier)
        They are cloned, never changed.
    data : TrainingData
        No fold's teacher is fitted on its validation rows, whose labels would leak into the
        soft targets of their neighbors. Weights are scaled to mean one and passed to the
        teachers that accept them.
    splits : list of (train, test) or None
        None: each row is labeled by teachers that were fitted on it.
    out_of_bag : bool, default=False
        Fit the teachers that have out-of-bag predictions once instead of fold by fold.
    refit : bool, default=False
        Fit each teacher on all rows as well, validation rows among them.
    keep : bool, default=False
        Whether to return the refitted teachers, and not only their soft targets of unlabeled
        rows.
    keep_folds : bool, default=False
        Whether to keep the teachers of all folds, as the `labelers` of the soft targets.
    n_jobs : int, default=None
        Teachers × folds fitted at once.
    verbose : int, default=0
        1 shows the progress.
    memory : Memory, default=None
        Stores and recalls the predictions of each fit.
    clock : Clock, default=None
        Gets the seconds of each teacher, and knows those that are left.

    Returns
    -------
    soft_targets : SoftTargets
        Arrays of shape (n_teachers, n_samples, n_outputs), float64, of the teachers in its
        `names`: with a limit of time, some may be left out. A class without training rows in a
        fold has probability 0 there.
    fitted : list of FittedTeacher
        The teachers fitted on all rows; empty unless `keep`.

    References
    ----------
    Dao et al., "Knowledge distillation as semiparametric inference", 2021,
    arXiv:2104.09732.
    """
    clock = Clock() if clock is None else clock
    prefit_teachers = _check_prefit(teachers, data)
    if data.validation is None:
        warn_of_frozen(teachers)
    data = replace(data, sample_weight=_with_mean_one(data))
    splits = training_splits(splits, data)
    digests = _fingerprints(memory, teachers)
    prefit = {}
    for name, teacher in prefit_teachers.items():
        raw = _predict_prefit(teacher, data, digests[name], memory, verbose, clock)
        prefit[name] = _label_prefit(teacher, raw, splits, data, refit)
        if data.validation is not None and isinstance(teacher.estimator, FrozenEstimator):
            warn_of_repeated_labels(name, prefit[name][0], data)
    options = {"out_of_bag": out_of_bag, "refit": refit, "keep": keep, "keep_folds": keep_folds}
    plans = {
        name: [] if name in prefit else plan_fits(name, teacher, data, splits, **options)
        for name, teacher in teachers
    }
    groups = {name: group_fits(teacher, plans[name], data) for name, teacher in teachers}
    results = _fit_groups(groups, data, digests, memory, n_jobs, verbose, clock)

    gathered, labelers = {}, []
    for name, _ in teachers:
        if name in prefit:
            gathered[name] = prefit[name]
            labelers.append(Labeler(name, [prefit[name][1]]))
        elif name in results:
            gathered[name] = _gather(plans[name], results[name], data)
            labelers.append(Labeler.of(name, plans[name], results[name]))
    soft_targets = SoftTargets.stack([each for each, _ in gathered.values()], list(gathered))
    if keep_folds:
        soft_targets.labelers = labelers
    return soft_targets, [teacher for _, teacher in gathered.values()] if keep else []


def _fit_groups(groups, data, digests, memory, n_jobs, verbose, clock):
    """Make the fits of the teachers; with a time limit, those that fit into it.

    Returns
    -------
    results : dict of str to list of FitResult
        Of each teacher all of whose fits were made.
    """
    limit = None
    if clock.max_time is None:
        ordered = order_fits(list(groups.values()))
    else:
        keys = {name: _keys(memory, digests, own, data) for name, own in groups.items()}
        known = {name for name, own in keys.items() if own and memory_has(memory, own)}
        chosen, limit = choose_teachers(groups, known, data, clock, n_jobs)
        ordered = [group for name in chosen for group in groups[name]]
    tasks = {_label(group): partial(_fit_group, group, limit=limit) for group in ordered}
    how = {"shared": (data,), "n_jobs": n_jobs, "verbose": verbose, "forecast": clock.forecast}
    of_tasks = _keys(memory, digests, ordered, data)
    outcomes = run_or_recall(tasks, of_tasks, memory, what="teachers", **how)
    results: dict = {name: [] for name in groups}
    for group, outcome in zip(ordered, outcomes):
        results[group[0].name] += outcome or []
    results = {
        name: own for name, own in results.items() if len(own) == sum(map(len, groups[name]))
    }
    warn_of_left_out([name for name in groups if name not in results], clock)
    for name, own in results.items():
        clock.add_teacher(name, 0.0)
        for result in own:
            clock.add_teacher(name, *result.seconds)
    return results


def _with_mean_one(data):
    """Scale weights to mean one, which regularized teachers expect."""
    if data.sample_weight is None:
        return None
    # Rounded, so that weights of equal ratios are equal to the last digit: trees break ties by it.
    scaled = data.sample_weight / data.sample_weight[data.counts].mean()
    return np.float32(scaled).astype(float)


def _fingerprints(memory, teachers):
    """Return a digest of each teacher; None without memory, or if a teacher has none."""
    digests = {}
    for name, teacher in teachers:
        try:
            digests[name] = memory and fingerprint(name, teacher)
        except Unhashable as error:
            digests[name] = None
            warn_user(
                f"memory is not used for teacher {name!r}, which is fitted each time: {error}."
            )
    return digests


def _label(group):
    """Name a group of fits for the progress."""
    first = group[0]
    return f"{first.name}, {first.where if len(group) == 1 else f'{len(group)} fits side by side'}"


def _keys(memory, digests, groups, data):
    """Return a key of all that each group's results depend on; None where that cannot be told."""
    if memory is None:
        return [None] * len(groups)
    of_unlabeled = [memory.table(table) for table in data.tables_to_label]
    targets = fingerprint(data.y, data.task, data.sample_weight)
    return [
        digests[group[0].name]
        and memory.key(
            digests[group[0].name],
            [
                [fit.is_out_of_bag, fit.keep, memory.table(fit.train), memory.table(fit.test)]
                for fit in group
            ],
            memory.table(data.X),
            targets,
            of_unlabeled,
        )
        for group in groups
    ]


def _fit_group(group, data, limit=None):
    """Make the fits of a group; return their results, or None where the time is over."""
    make = partial(_fit_together, group, data)
    return make() if limit is None else limit.run(group[0].name, make)


def _fit_together(group, data):
    """Make the fits of a group, side by side if there are several; return their results."""
    if len(group) == 1:
        return [_fit_and_label(group[0], data)]
    first, started = group[0], perf_counter()
    with naming_teacher(first.name, f"{len(group)} fits side by side", data.X):
        splits = [(fit.train, fit.test[data.training_rows[fit.test]]) for fit in group]
        names = [fit.where for fit in group]
        fitted = clone(first.estimator).fit_folds(data, splits, names)
    seconds = (perf_counter() - started) / len(group)
    return [_label_rows(fit, estimator, data, seconds) for fit, estimator in zip(group, fitted)]


def _label_rows(fit, estimator, data, seconds):
    """Label the rows that a fitted teacher has not seen."""
    started = perf_counter()
    with naming_teacher(fit.name, fit.where, data.X):
        teacher = FittedTeacher(fit.name, estimator, data.task)
        teacher.columns = np.arange(data.task.n_targets)
        labeled = np.empty((0, data.task.n_targets))
        if len(fit.test):
            labeled = teacher.soft_targets(safe_indexing(data.X, fit.test))
        unlabeled = [teacher.soft_targets(table) for table in data.tables_to_label]
        seconds = seconds, perf_counter() - started
        return FitResult(labeled, unlabeled, seconds, teacher if fit.keep else None)


def _fit_and_label(fit, data):
    """Fit one teacher on the training rows of a fit, and label its other rows."""
    X, train, test, started = data.X, fit.train, fit.test, perf_counter()
    with naming_teacher(fit.name, fit.where, X):
        estimator = with_out_of_bag(fit.estimator) if fit.is_out_of_bag else clone(fit.estimator)
        weight = None if data.sample_weight is None else data.sample_weight[train]
        teacher = FittedTeacher(fit.name, estimator, data.task)
        teacher.fit(safe_indexing(X, train), data.y[train], weight)
        fitted = perf_counter()
        labeled = np.empty((len(data), data.task.n_targets))
        if fit.is_out_of_bag:
            labeled[train] = out_of_bag_targets(teacher, len(train))
        unseen = np.setdiff1d(test, train) if fit.is_out_of_bag else test
        if len(unseen):
            labeled[unseen] = teacher.soft_targets(safe_indexing(X, unseen))
        unlabeled = [teacher.soft_targets(table) for table in data.tables_to_label]
        seconds = fitted - started, perf_counter() - fitted
        return FitResult(labeled[test], unlabeled, seconds, teacher if fit.keep else None)


def _gather(fits, results, data):
    """Combine the results of one teacher's fits.

    Returns
    -------
    soft_targets : SoftTargets
    teacher : FittedTeacher or None
    """
    labeled = np.empty((len(data), data.task.n_targets))
    shapes = [(table.shape[0], data.task.n_targets) for table in data.tables_to_label]
    unlabeled = [np.zeros(shape) for shape in shapes]
    refitted = teacher = None
    for fit, result in zip(fits, results):
        if fit.is_refit:
            refitted, teacher = result.unlabeled, result.teacher
            continue
        labeled[fit.test] = result.labeled
        for mean, one in zip(unlabeled, result.unlabeled):
            mean += one / fit.n_averaged
    folds = [fit.train for fit in fits if not fit.is_refit]
    if refitted is None or knows_all_rows(folds, data):
        refitted = unlabeled
    return SoftTargets(labeled, unlabeled, refitted), teacher


def _check_prefit(teachers, data):
    """Check the classes of what is fitted already; return the `PrefitTeacher` objects by name."""
    prefit = {}
    for name, teacher in teachers:
        with naming_teacher(name, "all rows", data.X):
            if is_prefit(teacher):
                prefit[name] = prefit_teacher(name, clone(teacher), data.task)
            elif data.task.kind == "classifier":
                check_prefit_within(teacher, data.task)
    return prefit


def _predict_prefit(prefit, data, digest, memory, verbose, clock):
    """Let a prefit teacher predict each row once.

    It runs in this process, because clients and models on a GPU can seldom be pickled.

    Returns
    -------
    raw : list of ndarray
        Raw predictions for X, and for each table of unlabeled rows.
    """
    name = prefit.name
    tables = {f"{name}, all rows": data.X}
    tables |= {f"{name}, unlabeled rows {k}": table for k, table in enumerate(data.unlabeled, 1)}
    if data.validation is not None:
        tables[f"{name}, validation rows"] = data.validation.X
    tasks = {
        label: partial(_predict_table, prefit, label, table) for label, table in tables.items()
    }
    keys = [digest and memory.key(digest, memory.table(table)) for table in tables.values()]
    with clock.measure(LABELLING):
        return run_or_recall(tasks, keys, memory, what="teachers", n_jobs=1, verbose=verbose)


def _predict_table(prefit, label, X):
    with naming_teacher(prefit.name, label.partition(", ")[2], X):
        return prefit.raw_predictions(X)


def _label_prefit(prefit, raw, splits, data, refit):
    """Return the same as `_gather`, for a prefit teacher."""
    with naming_teacher(prefit.name, "all rows", data.X):
        soft_targets = prefit.scale_and_label(raw, splits, data)
    if not refit or knows_all_rows([train for train, _ in splits], data):
        soft_targets.refitted = soft_targets.unlabeled
    return soft_targets, prefit


# What errors of teachers say, and what helps.
REMEDIES = {
    # of XGBoost or LightGBM
    "early stopping": "Wrap it in TableClassifier or TableRegressor, which hold out rows to stop "
    "it by.",
    "could not convert string to float": "X has text or categories: wrap the teacher in "
    "TableClassifier or TableRegressor, which turn them into numbers.",
    "contains NaN": "X has missing values, or an encoder keeps them: put SimpleImputer in front of "
    "the teacher, in a Pipeline; inside TableClassifier or TableRegressor if X has categories.",
}


@contextmanager
def naming_teacher(name, where, X):
    """Add to an error which teacher failed, and in which fit."""
    try:
        yield
    except Exception as error:
        raise ValueError(
            f"Teacher {name!r} failed on {where}: {type(error).__name__}: {error}{_hint(error, X)}"
        ) from error


def _hint(error, X):
    """Return what helps a teacher that failed; empty if that is not known."""
    if issparse(X) and isinstance(error, (TypeError, ValueError)):
        return (
            " X is sparse: if this teacher does not support sparse input, put TruncatedSVD or "
            "another step that makes the rows dense in front of it, in a Pipeline."
        )
    for symptom, remedy in REMEDIES.items():
        if symptom in str(error):
            return f" {remedy}"
    return ""
