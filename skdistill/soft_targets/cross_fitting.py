"""Teachers × folds as joblib tasks: soft targets that never saw their own row."""

import warnings
from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from skdistill.jobs.fingerprint import fingerprint
from skdistill.jobs.runner import naming, recall_or_make, recipes_of
from skdistill.soft_targets.fitted_teacher import FittedTeacher
from skdistill.soft_targets.out_of_bag import has_out_of_bag, out_of_bag_targets, with_out_of_bag
from skdistill.soft_targets.prefit import (
    ask_ready,
    check_what_is_ready_within,
    is_ready,
    label_answers,
    warn_of_frozen,
)
from skdistill.table.splits import learnt_from

OUT_OF_BAG = "out of bag"
ALL_ROWS = "all rows"


def cross_fit(
    teachers,
    X,
    y,
    classes,
    *,
    splits,
    sample_weight=None,
    held_out=None,
    unlabeled=(),
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
    unlabeled : sequence of tables of shape (n_unlabeled, n_features), default=()
        Rows to be labelled too.
    sample_weight : ndarray of shape (n_samples,), default=None
        Goes to the teachers that take it, scaled to mean one; no teacher is fitted on rows
        of weight zero.
    out_of_bag : bool, default=False
        Fit the teachers that have out-of-bag answers once instead of fold by fold.
    refit : bool, default=False
        Fit each teacher on all rows as well, those held out among them, unless it knows them.
    keep : bool, default=False
        Whether, with `refit`, these are wanted themselves, and not only their word on
        unlabelled rows.
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
    of_folds : list of ndarray of shape (n_teachers, n_unlabeled, n_classes)
        For each table of unlabelled rows, what all folds' teachers say on average.
    of_all : list of ndarray of shape (n_teachers, n_unlabeled, n_classes)
        What teachers fitted on all rows say, if `refit`; else the same.
    fitted : list of FittedTeacher
        Fitted on all rows; empty unless `keep`.

    References
    ----------
    Dao et al., "Knowledge distillation as semiparametric inference", 2021,
    arXiv:2104.09732.
    """
    everything = np.arange(len(y))
    in_sample = splits is None
    if in_sample:
        splits = [(everything, everything)]
    counted = everything if sample_weight is None else np.flatnonzero(sample_weight)
    nobody = np.zeros(len(y), dtype=bool)
    learnt = learnt_from(nobody if held_out is None else held_out, sample_weight)
    sample_weight = _of_mean_one(sample_weight, counted)
    splits = [(_some(train[learnt[train]]), test) for train, test in splits]
    warn_of_frozen(teachers)
    rows = (X, y, classes, sample_weight, tuple(unlabeled))
    recipes = recipes_of(memory, teachers)
    asked = ask_ready(teachers, rows, recipes, memory, verbose)

    # Fitted once, in sample or out of bag, and with nobody held out, a teacher knows all rows.
    of_bags = [out_of_bag and has_out_of_bag(teacher) for _, teacher in teachers]
    know_all = [learnt[counted].all() and (in_sample or bags) for bags in of_bags]
    folds = [(f"fold {k} of {len(splits)}", *split) for k, split in enumerate(splits, 1)]
    once = [(OUT_OF_BAG, np.flatnonzero(learnt), everything)]
    last = [(ALL_ROWS, counted, everything[:0])]
    plans = [
        (once if bags else folds) + (last if refit and (keep or not knows) else [])
        for bags, knows in zip(of_bags, know_all)
    ]
    tasks = _in_turn(teachers, plans)
    pieces = {
        f"{teachers[t][0]}, {where}": partial(
            _fit_and_label, teachers[t], where, train, test, rows, keep
        )
        for t, where, train, test in tasks
    }
    keys = _keys(memory, recipes, tasks, rows, keep)
    results = recall_or_make(pieces, keys, memory, n_jobs, verbose)

    soft_targets = np.empty((len(teachers), len(y), len(classes)))
    of_folds, of_all = (
        [np.zeros((len(teachers), table.shape[0], len(classes))) for table in unlabeled]
        for _ in range(2)
    )
    fitted = {}
    for (t, where, _, test), (proba, labelled, teacher) in zip(tasks, results):
        soft_targets[t, test] = proba
        if where == ALL_ROWS:
            fitted[t] = teacher
        n_labels = 1 if where in (ALL_ROWS, OUT_OF_BAG) else len(splits)
        for total, proba in zip(of_all if where == ALL_ROWS else of_folds, labelled):
            total[t] += proba / n_labels
    for t, answers in asked.items():
        soft_targets[t], by_folds, by_all, fitted[t] = label_answers(
            teachers[t], answers, splits, counted, rows
        )
        for k, (one, other) in enumerate(zip(by_folds, by_all)):
            of_folds[k][t], of_all[k][t] = one, other
    for t, knows in enumerate(know_all):
        if knows or not refit:
            for one, other in zip(of_folds, of_all):
                other[t] = one[t]
    return soft_targets, of_folds, of_all, [fitted[t] for t in sorted(fitted)] if keep else []


def _of_mean_one(sample_weight, counted):
    """Weights to the scale on which a teacher that regularises holds against their sum."""
    if sample_weight is None:
        return None
    # Rounded, so that weights of one ratio are the same to the last digit, by which trees
    # decide ties.
    return np.float32(sample_weight / sample_weight[counted].mean()).astype(float)


def _some(train):
    """A fold's training rows, of which there must be some."""
    if not len(train):
        raise ValueError(
            "cv has a fold without rows to train on, as all of them are held out to judge the "
            "student or weigh nothing: use other folds or more rows."
        )
    return train


def _in_turn(teachers, plans):
    """Which teacher is fitted on which rows to label which, as (t, where, train, test)."""
    # Last teacher first: nets take longest, and a worker that loads torch only after its first
    # task looks to joblib as if it leaked memory, and is stopped.
    return [
        (t, *plans[t][k])
        for k in range(max(map(len, plans)))
        for t in reversed(range(len(teachers)))
        if k < len(plans[t]) and not is_ready(teachers[t][1])
    ]


def _keys(memory, recipes, tasks, rows, keep):
    """What each task's result depends on, as one key; None where that cannot be told."""
    if memory is None:
        return [None] * len(tasks)
    X, y, classes, sample_weight, unlabeled = rows
    of_unlabeled = [memory.table(table) for table in unlabeled]
    tables = memory.table(X), fingerprint(y, classes, sample_weight), of_unlabeled
    return [
        recipes[t]
        and memory.key(
            recipes[t],
            where == OUT_OF_BAG,
            keep and where == ALL_ROWS,
            memory.table(train),
            memory.table(test),
            *tables,
        )
        for t, where, train, test in tasks
    ]


def _fit_and_label(named, where, train, test, rows, keep):
    """One teacher on one fold: its word on the fold, on unlabelled rows, and perhaps itself."""
    name, teacher = named
    X, y, classes, sample_weight, unlabeled = rows
    with naming(name, where, X):
        teacher = with_out_of_bag(teacher) if where == OUT_OF_BAG else clone(teacher)
        check_what_is_ready_within(teacher, classes[np.unique(y[train])].tolist())
        fitted = FittedTeacher(name, teacher, classes).fit(
            _safe_indexing(X, train),
            y[train],
            None if sample_weight is None else sample_weight[train],
        )
        if where == OUT_OF_BAG:
            proba = np.empty((len(y), len(classes)))
            proba[train] = out_of_bag_targets(fitted, len(train))
            test = np.setdiff1d(test, train)
            if len(test):
                proba[test] = fitted.predict_proba(_safe_indexing(X, test))
        elif len(test):
            proba = fitted.predict_proba(_safe_indexing(X, test))
        else:
            proba = np.empty((0, len(classes)))
        labelled = [fitted.predict_proba(table) for table in unlabeled]
        return proba, labelled, fitted if keep and where == ALL_ROWS else None


def warn_in_sample():
    """Say what `cv=None` costs."""
    warnings.warn(
        "cv=None labels each row with teachers that were fitted on it: their "
        "overconfidence, and with forests the label noise, goes into the student. Use "
        "cv=5 unless the teachers cannot overfit.",
        UserWarning,
        stacklevel=5,
    )
