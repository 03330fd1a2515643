"""Teachers × folds as joblib tasks: soft targets that never saw their own row."""

import warnings
from contextlib import contextmanager
from functools import partial

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing

from skdistill._fingerprint import Unhashable, fingerprint
from skdistill._memory import Absent
from skdistill._parallel import Progress, in_parallel
from skdistill.teachers.black_box import ReadyTeacher, is_ready
from skdistill.teachers.fitted import FittedTeacher
from skdistill.teachers.out_of_bag import has_out_of_bag, out_of_bag_targets, with_out_of_bag

OUT_OF_BAG = "out of bag"


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
    out_of_bag=False,
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
    out_of_bag : bool, default=False
        Fit the teachers that have out-of-bag answers once instead of fold by fold.
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
    known = everything if held_out is None else np.flatnonzero(~held_out)
    _warn_of_frozen(teachers)
    rows = (X, y, classes, sample_weight, unlabeled)
    recipes = _recipes(memory, teachers)
    asked = _ask_ready(teachers, rows, recipes, memory, verbose)

    tasks = _tasks(teachers, splits, known, len(y), refit, out_of_bag)
    pieces = {
        f"{teachers[t][0]}, {where}": partial(_fit_and_label, teachers[t], where, train, test, rows)
        for t, where, train, test in tasks
    }
    keys = _keys(memory, recipes, tasks, rows)
    results = _recall_or_make(pieces, keys, memory, n_jobs, verbose)

    soft_targets = np.empty((len(teachers), len(y), len(classes)))
    n_unlabeled = 0 if unlabeled is None else len(unlabeled)
    of_unlabeled = np.zeros((len(teachers), n_unlabeled, len(classes)))
    fitted = {}
    for (t, where, _, test), result in zip(tasks, results):
        if test is None:
            fitted[t] = result
        else:
            soft_targets[t, test], labelled = result
            of_unlabeled[t] += labelled / (1 if where == OUT_OF_BAG else len(splits))
    for t, answers in asked.items():
        soft_targets[t], of_unlabeled[t], fitted[t] = _label_answers(
            teachers[t], answers, splits, rows
        )
    return soft_targets, of_unlabeled, [fitted[t] for t in sorted(fitted)] if refit else []


def _tasks(teachers, splits, known, n_samples, refit, out_of_bag):
    """Which teacher is fitted on which rows to label which, as (t, where, train, test)."""
    everything = np.arange(n_samples)
    folds = [(f"fold {k} of {len(splits)}", *split) for k, split in enumerate(splits, 1)]
    once = [(OUT_OF_BAG, known, everything)]
    last = [("all rows", everything, None)] if refit else []
    plans = [
        (once if out_of_bag and has_out_of_bag(teacher) else folds) + last
        for _, teacher in teachers
    ]
    # Last teacher first: nets take longest, and a worker that loads torch only after its first
    # task looks to joblib as if it leaked memory, and is stopped.
    return [
        (t, *plans[t][k])
        for k in range(len(folds + last))
        for t in reversed(range(len(teachers)))
        if k < len(plans[t]) and not is_ready(teachers[t][1])
    ]


def _ask_ready(teachers, rows, recipes, memory, verbose):
    """Ask the teachers that need no fitting, each once for a row, whatever the folds.

    In this process and in turn: a client or a model on a GPU can seldom be pickled.

    Returns
    -------
    asked : dict of int to list of ndarray
        Answers for X and, if there are any, for the unlabelled rows, by teacher.
    """
    X, _, classes, _, unlabeled = rows
    tables = [("all rows", X)]
    if unlabeled is not None:
        tables.append(("unlabelled rows", unlabeled))
    ready = [t for t, (_, teacher) in enumerate(teachers) if is_ready(teacher)]
    tasks = [(t, where, table) for t in ready for where, table in tables]
    pieces = {
        f"{teachers[t][0]}, {where}": partial(_ask, teachers[t], where, table, classes)
        for t, where, table in tasks
    }
    keys = [recipes[t] and memory.key(recipes[t], memory.table(X)) for t, _, X in tasks]
    answers = _recall_or_make(pieces, keys, memory, 1, verbose)
    return {t: [a for (u, _, _), a in zip(tasks, answers) if u == t] for t in ready}


def _ask(named, where, X, classes):
    name, teacher = named
    with _naming(name, where, X):
        return ReadyTeacher(name, clone(teacher), classes).ask(X)


def _label_answers(named, answers, splits, rows):
    """Soft targets for X and the unlabelled rows, and the teacher, from what it has answered."""
    name, teacher = named
    X, y, classes, sample_weight, unlabeled = rows
    soft_targets = np.empty((len(y), len(classes)))
    of_unlabeled = 0.0
    with _naming(name, "all rows", X):
        ready = ReadyTeacher(name, clone(teacher), classes)
        for train, test in [*splits, (np.arange(len(y)), [])]:
            weight = None if sample_weight is None else sample_weight[train]
            ready.fit_answers(answers[0][train], y[train], weight)
            soft_targets[test] = ready.label(answers[0][test])
            if unlabeled is not None and len(test):
                of_unlabeled += ready.label(answers[1]) / len(splits)
    return soft_targets, of_unlabeled, ready


def _recipes(memory, teachers):
    """What each teacher is, as a fingerprint; None where that cannot be told, or need not."""
    recipes = []
    for name, teacher in teachers:
        try:
            recipes.append(memory and fingerprint(name, teacher))
        except Unhashable as error:
            recipes.append(None)
            warnings.warn(
                f"memory is not used for teacher {name!r}, whose work is done each time: {error}.",
                UserWarning,
                stacklevel=5,
            )
    return recipes


def _keys(memory, recipes, tasks, rows):
    """What each task's result depends on, as one key; None where that cannot be told."""
    if memory is None:
        return [None] * len(tasks)
    X, y, classes, sample_weight, unlabeled = rows
    tables = memory.table(X), fingerprint(y, classes, sample_weight), memory.table(unlabeled)
    # The teachers that are fitted on all rows have no word on the unlabelled ones.
    return [
        recipes[t]
        and memory.key(
            recipes[t],
            where == OUT_OF_BAG,
            memory.table(train),
            memory.table(test),
            *tables[: 2 if test is None else 3],
        )
        for t, where, train, test in tasks
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
    with _naming(name, where, X):
        teacher = with_out_of_bag(teacher) if where == OUT_OF_BAG else clone(teacher)
        fitted = FittedTeacher(name, teacher, classes).fit(
            _safe_indexing(X, train),
            y[train],
            None if sample_weight is None else sample_weight[train],
        )
        if test is None:
            return fitted
        if where == OUT_OF_BAG:
            proba = np.empty((len(y), len(classes)))
            proba[train] = out_of_bag_targets(fitted, len(train))
            unseen = np.setdiff1d(test, train)
            if len(unseen):
                proba[unseen] = fitted.predict_proba(_safe_indexing(X, unseen))
        else:
            proba = fitted.predict_proba(_safe_indexing(X, test))
        no_rows = np.zeros((0, len(classes)))
        return proba, no_rows if unlabeled is None else fitted.predict_proba(unlabeled)


@contextmanager
def _naming(name, where, X):
    """Say of an error which teacher it is from, and where."""
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


def _warn_of_frozen(teachers):
    for name, teacher in teachers:
        if isinstance(teacher, FrozenEstimator):
            warnings.warn(
                f"Teacher {name!r} is frozen and labels the rows of X: if it was fitted on them, "
                "it repeats their labels, and the rows that judge the student are not new to it. "
                "Pass it unfitted, or rows that it has not seen; for those, silence this with "
                "warnings.filterwarnings('ignore', 'Teacher .* is frozen').",
                UserWarning,
                stacklevel=5,
            )


def warn_in_sample():
    """Say what `cv=None` costs."""
    warnings.warn(
        "cv=None labels each row with teachers that were fitted on it: their "
        "overconfidence, and with forests the label noise, goes into the student. Use "
        "cv=5 unless the teachers cannot overfit.",
        UserWarning,
        stacklevel=4,
    )
