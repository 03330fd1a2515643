"""Teachers × folds as joblib tasks: soft targets of rows that the teacher has not seen."""

import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone

from skdistill.jobs.fingerprint import Unhashable, fingerprint
from skdistill.jobs.runner import run_or_recall
from skdistill.sklearn_private import safe_indexing
from skdistill.soft_targets.fitted_teacher import FittedTeacher
from skdistill.soft_targets.out_of_bag import out_of_bag_targets, with_out_of_bag
from skdistill.soft_targets.plan import in_turn, knows_all_rows, plan_fits, training_splits
from skdistill.soft_targets.prefit import (
    PrefitTeacher,
    check_prefit_within,
    is_prefit,
    warn_of_frozen,
)
from skdistill.soft_targets.targets import SoftTargets


@dataclass
class FitResult:
    """What is left of one fit.

    Parameters
    ----------
    labeled : ndarray of shape (n_test, n_outputs)
        Soft targets of the rows that were not trained on.
    unlabeled : list of ndarray of shape (n_unlabeled, n_outputs)
    teacher : FittedTeacher or None
        Only if it is to be kept.
    """

    labeled: np.ndarray
    unlabeled: list
    teacher: Any = None


def cross_fit(
    teachers,
    data,
    *,
    splits,
    out_of_bag=False,
    refit=False,
    keep=False,
    n_jobs=None,
    verbose=0,
    memory=None,
):
    """Label each row with clones of the teachers that never saw that row.

    A forest repeats the labels it was fitted on, so its in-sample probabilities carry
    label noise into the student.

    Parameters
    ----------
    teachers : list of (str, classifier)
        They are cloned, never changed.
    data : TrainingData
        No fold's teacher is fitted on its validation rows: a teacher would pass on their
        labels in the soft targets of their neighbours. Weights go to the teachers that take
        them, scaled to mean one.
    splits : list of (train, test) or None
        None: each row is labeled by teachers that were fitted on it.
    out_of_bag : bool, default=False
        Fit the teachers that have out-of-bag predictions once instead of fold by fold.
    refit : bool, default=False
        Fit each teacher on all rows as well, validation rows among them.
    keep : bool, default=False
        Whether, with `refit`, these are wanted themselves, and not only their soft targets of
        unlabeled rows.
    n_jobs : int, default=None
        Teachers × folds fitted at once.
    verbose : int, default=0
        1 shows the progress.
    memory : Memory, default=None
        Keeps what each teacher predicts after each fold, and recalls it.

    Returns
    -------
    soft_targets : SoftTargets
        Arrays of shape (n_teachers, n_samples, n_outputs), float64. A class that a fold's
        training rows lack has probability 0.
    fitted : list of FittedTeacher
        Fitted on all rows; empty unless `keep`.

    References
    ----------
    Dao et al., "Knowledge distillation as semiparametric inference", 2021,
    arXiv:2104.09732.
    """
    warn_of_frozen(teachers)
    data = replace(data, sample_weight=_with_mean_one(data))
    splits = training_splits(splits, data)
    recipes = _fingerprints(memory, teachers)
    prefit = {name: _ask(name, each, data, recipes[name], memory, verbose)
              for name, each in teachers if is_prefit(each)}  # fmt: skip
    options = {"out_of_bag": out_of_bag, "refit": refit, "keep": keep}
    plans = {
        name: [] if name in prefit else plan_fits(name, teacher, data, splits, **options)
        for name, teacher in teachers
    }

    fits = in_turn(list(plans.values()))
    tasks = {f"{fit.name}, {fit.where}": partial(_fit_and_label, fit, data) for fit in fits}
    keys = _keys(memory, recipes, fits, data)
    results = run_or_recall(tasks, keys, memory, what="teachers", n_jobs=n_jobs, verbose=verbose)

    gathered = []
    for name, _ in teachers:
        if name in prefit:
            asked, answers = prefit[name]
            gathered.append(_label_prefit(asked, answers, splits, data, refit))
        else:
            own = [result for fit, result in zip(fits, results) if fit.name == name]
            gathered.append(_gather(plans[name], own, data))
    soft_targets = SoftTargets.stack([each for each, _ in gathered])
    return soft_targets, [teacher for _, teacher in gathered] if keep else []


def _with_mean_one(data):
    """Scale weights to the mean that a regularised teacher expects."""
    if data.sample_weight is None:
        return None
    # Rounded, so that weights of one ratio are the same to the last digit, by which trees
    # decide ties.
    scaled = data.sample_weight / data.sample_weight[data.counts].mean()
    return np.float32(scaled).astype(float)


def _fingerprints(memory, teachers):
    """Return what each teacher is, as a digest; None where that cannot be told, or need not."""
    digests = {}
    for name, teacher in teachers:
        try:
            digests[name] = memory and fingerprint(name, teacher)
        except Unhashable as error:
            digests[name] = None
            warnings.warn(
                f"memory is not used for teacher {name!r}, which is fitted each time: {error}.",
                UserWarning,
                stacklevel=5,
            )
    return digests


def _keys(memory, recipes, fits, data):
    """Return a key of all that each fit's result depends on; None where that cannot be told."""
    if memory is None:
        return [None] * len(fits)
    of_unlabeled = [memory.table(table) for table in data.unlabeled]
    targets = fingerprint(data.y, data.task, data.sample_weight)
    return [
        recipes[fit.name]
        and memory.key(
            recipes[fit.name],
            fit.is_out_of_bag,
            fit.keep,
            memory.table(fit.train),
            memory.table(fit.test),
            memory.table(data.X),
            targets,
            of_unlabeled,
        )
        for fit in fits
    ]


def _fit_and_label(fit, data):
    """Fit one teacher on its rows, and label those it has not seen."""
    X, train, test = data.X, fit.train, fit.test
    with naming(fit.name, fit.where, X):
        estimator = with_out_of_bag(fit.estimator) if fit.is_out_of_bag else clone(fit.estimator)
        check_prefit_within(estimator, data.task, data.y[train])
        weight = None if data.sample_weight is None else data.sample_weight[train]
        teacher = FittedTeacher(fit.name, estimator, data.task)
        teacher.fit(safe_indexing(X, train), data.y[train], weight)
        labeled = np.empty((len(data), data.task.n_outputs))
        if fit.is_out_of_bag:
            labeled[train] = out_of_bag_targets(teacher, len(train))
        unseen = np.setdiff1d(test, train) if fit.is_out_of_bag else test
        if len(unseen):
            labeled[unseen] = teacher.soft_targets(safe_indexing(X, unseen))
        unlabeled = [teacher.soft_targets(table) for table in data.unlabeled]
        return FitResult(labeled[test], unlabeled, teacher if fit.keep else None)


def _gather(fits, results, data):
    """Put the results of one teacher's fits together.

    Returns
    -------
    soft_targets : SoftTargets
    teacher : FittedTeacher or None
    """
    labeled = np.empty((len(data), data.task.n_outputs))
    unlabeled = [np.zeros((table.shape[0], data.task.n_outputs)) for table in data.unlabeled]
    refitted = teacher = None
    for fit, result in zip(fits, results):
        if fit.is_refit:
            refitted, teacher = result.unlabeled, result.teacher
            continue
        labeled[fit.test] = result.labeled
        for mean, one in zip(unlabeled, result.unlabeled):
            mean += one / fit.n_shares
    if refitted is None or knows_all_rows(fits, data):
        refitted = unlabeled
    return SoftTargets(labeled, unlabeled, refitted), teacher


def _ask(name, teacher, data, recipe, memory, verbose):
    """Ask a teacher that needs no fitting, once for each row.

    In this process: a client, or a model on a GPU, can seldom be pickled.

    Returns
    -------
    teacher : PrefitTeacher
    answers : list of ndarray
        Of X, and of each table of unlabeled rows.
    """
    with naming(name, "all rows", data.X):
        prefit = PrefitTeacher(name, clone(teacher), data.task)
    tables = {f"{name}, all rows": data.X}
    tables |= {f"{name}, unlabeled rows {k}": table for k, table in enumerate(data.unlabeled, 1)}
    tasks = {label: partial(_ask_once, prefit, label, table) for label, table in tables.items()}
    keys = [recipe and memory.key(recipe, memory.table(table)) for table in tables.values()]
    answers = run_or_recall(tasks, keys, memory, what="teachers", n_jobs=1, verbose=verbose)
    return prefit, answers


def _ask_once(prefit, label, X):
    with naming(prefit.name, label.partition(", ")[2], X):
        return prefit.ask(X)


def _label_prefit(prefit, answers, splits, data, refit):
    """As `_gather`, of a teacher that needs no fitting but perhaps a scale of its scores."""
    with naming(prefit.name, "all rows", data.X):
        soft_targets = prefit.scale_and_label(answers, splits, data)
    knows_all = len(splits) == 1 and len(splits[0][0]) == data.counts.sum()
    if knows_all or not refit:
        soft_targets.refitted = soft_targets.unlabeled
    return soft_targets, prefit


@contextmanager
def naming(name, where, X):
    """Add to an error which teacher failed, and where."""
    try:
        yield
    except Exception as error:
        hint = ""
        if issparse(X) and isinstance(error, (TypeError, ValueError)):
            hint = (
                " X is sparse: if that is what this teacher does not take, put TruncatedSVD in "
                "front of it, in a Pipeline, or what makes the rows dense."
            )
        raise ValueError(
            f"Teacher {name!r} failed on {where}: {type(error).__name__}: {error}{hint}"
        ) from error
