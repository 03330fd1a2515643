"""Teachers × folds as joblib tasks: soft targets that never saw their own row."""

import warnings
from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing

from skdistill._fingerprint import Unhashable, fingerprint
from skdistill._memory import Absent
from skdistill._parallel import Progress, in_parallel
from skdistill.teachers.fitted import FittedTeacher


def folds(cv, X, y, rng):
    """Split the rows into (train, test) pairs that hold out every row exactly once.

    Parameters
    ----------
    cv : int, splitter, or iterable of (train, test)
        An int shuffles and stratifies, as far as the rarest class allows.
    X : table of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,), int
    rng : RandomState

    Raises
    ------
    ValueError
        If there are fewer rows than folds, a row is held out never or twice, or is
        trained on in the fold that holds it out.
    """
    n_samples = len(y)
    if isinstance(cv, (int, np.integer)):
        if not 2 <= cv <= n_samples:
            raise ValueError(
                f"cv={cv} folds cannot be made of n_samples={n_samples}: cv must be at "
                "least 2 and at most the number of samples."
            )
        seed = rng.randint(np.iinfo(np.int32).max)
        # Stratifying needs one class that reaches into every fold.
        kind = StratifiedKFold if np.bincount(y).max() >= cv else KFold
        cv = kind(cv, shuffle=True, random_state=seed)
    splits = check_cv(cv, y, classifier=True).split(X, y)
    splits = [(np.asarray(train), np.asarray(test)) for train, test in splits]
    if not splits:
        raise ValueError("cv gave no splits: a generator runs only once, use a list.")
    for k, (train, test) in enumerate(splits, 1):
        if not len(train):
            raise ValueError(f"cv has no rows to train on in fold {k} of {len(splits)}.")
        seen = np.intersect1d(train, test)
        if len(seen):
            raise ValueError(
                f"cv trains on rows that it holds out: row {seen[0]} is in both parts of fold {k} "
                f"of {len(splits)}. For targets of rows that teachers have seen, use cv=None."
            )
    held_out = np.bincount(np.concatenate([test for _, test in splits]), minlength=n_samples)
    if len(held_out) != n_samples or (held_out != 1).any():
        row = int(np.flatnonzero(held_out != 1)[0])
        raise ValueError(
            f"cv must hold out every row exactly once, but row {row} is held out "
            f"{held_out[row]} times: use a splitter such as KFold."
        )
    return splits


def cross_fit(
    teachers,
    X,
    y,
    classes,
    *,
    splits,
    sample_weight=None,
    held_out=None,
    unlabeled=None,
    refit=False,
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
    X : table of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,), int
        Class indices.
    classes : ndarray of shape (n_classes,)
        The labels behind them.
    splits : list of (train, test) or None
        None: each teacher labels the rows it was fitted on.
    held_out : ndarray of bool of shape (n_samples,), default=None
        Rows that no fold's teachers are fitted on. They are to judge the student, and
        would recognise their own labels in what the teachers say of their neighbours.
    unlabeled : table of shape (n_unlabeled, n_features), default=None
        Rows to be labelled by all folds' teachers on average.
    sample_weight : ndarray of shape (n_samples,), default=None
        Goes to the teachers that take it.
    refit : bool, default=False
        Fit each teacher on all rows as well.
    n_jobs : int, default=None
        Teachers × folds fitted at once.
    verbose : int, default=0
        At 1, a line for each fit.
    memory : Memory, default=None
        Keeps what each teacher says after each fold, and takes it from there.

    Returns
    -------
    soft_targets : ndarray of shape (n_teachers, n_samples, n_classes), float64
        Rows sum to one. A class that a fold's training rows lack has probability 0.
    soft_targets_unlabeled : ndarray of shape (n_teachers, n_unlabeled, n_classes)
    fitted : list of FittedTeacher
        Fitted on all rows; empty unless `refit`.

    References
    ----------
    Dao et al., "Knowledge distillation as semiparametric inference", 2021,
    arXiv:2104.09732.
    """
    everything = np.arange(len(y))
    if splits is None:
        splits = [(everything, everything)]
    if held_out is not None:
        splits = [(train[~held_out[train]], test) for train, test in splits]
    runs = [(f"fold {k} of {len(splits)}", *split) for k, split in enumerate(splits, 1)]
    if refit:
        runs.append(("all rows", everything, None))
    # Last teacher first: nets take longest, and a worker that loads torch only after its first
    # task looks to joblib as if it leaked memory, and is stopped.
    tasks = [(t, *run) for run in runs for t in reversed(range(len(teachers)))]
    rows = (X, y, classes, sample_weight, unlabeled)
    pieces = {
        f"{teachers[t][0]}, {where}": partial(_fit_and_label, teachers[t], where, train, test, rows)
        for t, where, train, test in tasks
    }
    keys = _keys(memory, teachers, tasks, rows)
    results = _recall_or_make(pieces, keys, memory, n_jobs, verbose)

    soft_targets = np.empty((len(teachers), len(y), len(classes)))
    n_unlabeled = 0 if unlabeled is None else len(unlabeled)
    of_unlabeled = np.zeros((len(teachers), n_unlabeled, len(classes)))
    fitted = {}
    for (t, _, _, test), result in zip(tasks, results):
        if test is None:
            fitted[t] = result
        else:
            soft_targets[t, test], labelled = result
            of_unlabeled[t] += labelled / len(splits)
    return soft_targets, of_unlabeled, [fitted[t] for t in sorted(fitted)]


def _keys(memory, teachers, tasks, rows):
    """What each task's result depends on, as one key; None where that cannot be told."""
    if memory is None:
        return [None] * len(tasks)
    X, y, classes, sample_weight, unlabeled = rows
    tables = memory.table(X), fingerprint(y, classes, sample_weight), memory.table(unlabeled)
    recipes = []
    for name, teacher in teachers:
        try:
            recipes.append(fingerprint(name, teacher))
        except Unhashable as error:
            recipes.append(None)
            warnings.warn(
                f"memory is not used for teacher {name!r}, which is fitted each time: {error}.",
                UserWarning,
                stacklevel=5,
            )
    # The teachers that are fitted on all rows have no word on the unlabelled ones.
    return [
        recipes[t]
        and memory.key(
            recipes[t],
            memory.table(train),
            memory.table(test),
            *tables[: 2 if test is None else 3],
        )
        for t, _, train, test in tasks
    ]


def _recall_or_make(pieces, keys, memory, n_jobs, verbose):
    """Results of all pieces: those in memory first, then those that nobody is at, then all."""
    results = {}
    if memory is not None:
        found = zip(pieces, map(memory.recall, keys))
        results = {label: result for label, result in found if result is not Absent.MISSING}
    for wait in (False, True):
        calls = {
            label: partial(_remember, memory, key, make, wait)
            for (label, make), key in zip(pieces.items(), keys)
            if label not in results
        }
        if not calls:
            break
        progress = Progress("teachers", calls, verbose)
        for label, (result, problem) in zip(
            calls, in_parallel(list(calls.values()), n_jobs, progress)
        ):
            if result is not Absent.BUSY:
                results[label] = result
            if problem and not memory.problem:
                memory.problem = problem
                memory.warn()
        progress.close()
    return [results[label] for label in pieces]


def _remember(memory, key, make, wait):
    """A result, and the memory's problem: in another process both have to be brought back."""
    if memory is None:
        return make(), None
    return memory.remember(key, make, wait=wait), memory.problem


def _fit_and_label(named, where, train, test, rows):
    """One teacher on one fold: its probabilities for the fold and for unlabelled rows.

    Without a fold to label, the fitted teacher itself.
    """
    name, teacher = named
    X, y, classes, sample_weight, unlabeled = rows
    try:
        fitted = FittedTeacher(name, clone(teacher), classes).fit(
            _safe_indexing(X, train),
            y[train],
            None if sample_weight is None else sample_weight[train],
        )
        if test is None:
            result = fitted
        else:
            proba = fitted.predict_proba(_safe_indexing(X, test))
            no_rows = np.zeros((0, len(classes)))
            result = proba, no_rows if unlabeled is None else fitted.predict_proba(unlabeled)
    except Exception as error:
        raise ValueError(
            f"Teacher {name!r} failed on {where}: {type(error).__name__}: {error}"
        ) from error
    return result


def warn_in_sample():
    """Say what `cv=None` costs."""
    warnings.warn(
        "cv=None labels each row with teachers that were fitted on it: their "
        "overconfidence, and with forests the label noise, goes into the student. Use "
        "cv=5 unless the teachers cannot overfit.",
        UserWarning,
        stacklevel=4,
    )
