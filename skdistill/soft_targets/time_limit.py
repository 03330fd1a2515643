"""Which teachers fit into `max_time`: each is tried on a few rows, and the best go first."""

import time
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from sklearn.base import clone

from skdistill.jobs.memory import Absent
from skdistill.jobs.parallel import jobs_at_once
from skdistill.jobs.progress import duration
from skdistill.sklearn_private import safe_indexing
from skdistill.soft_targets.fitted_teacher import FittedTeacher
from skdistill.warn import warn_user

# Rows of the second trial: a share of all, within limits. The first trial has an eighth of them.
SHARE_TO_TRY = 8
FEWEST_TO_TRY, MOST_TO_TRY = 100, 5_000
# The largest share of the time that is left which the second trial may be expected to take.
LARGEST_SHARE = 0.2
# Fits side by side take some half of the time that they take one by one.
SIDE_BY_SIDE = 0.5


@dataclass
class Trial:
    """What a teacher took, and how good it was, on a few rows.

    Parameters
    ----------
    loss : float
        Of rows that it was not fitted on; infinite for a teacher that could not be tried.
    fixed, by_row : float
        Seconds of a fit: some for any number of rows, and some for each row.
    labelling : float
        Seconds of a prediction for each row.
    """

    loss: float = np.inf
    fixed: float = 0.0
    by_row: float = 0.0
    labelling: float = 0.0

    def seconds(self, groups, data, at_once=1):
        """Return the seconds that groups of fits are expected to take, with so many at once."""
        n_more = sum(table.shape[0] for table in data.tables_to_label)
        of_groups = []
        for group in groups:
            fitting = sum(self.fixed + self.by_row * len(fit.train) for fit in group)
            labelling = sum(self.labelling * (len(fit.test) + n_more) for fit in group)
            of_groups.append(fitting * (SIDE_BY_SIDE if len(group) > 1 else 1) + labelling)
        return max(sum(of_groups) / at_once, *of_groups)


@dataclass
class TimeLimit:
    """The time until which fits may begin, in whichever process.

    Parameters
    ----------
    until : float
        Seconds since the epoch.
    exempt : str or None
        The teacher that is fitted in any case.
    longest : dict of str to float
        Seconds of each teacher's longest group of fits so far, as far as this process knows.
    """

    until: float
    exempt: str | None
    longest: dict = field(default_factory=dict)

    def run(self, name, fit):
        """Return what `fit()` returns, or None where it would not end in time."""
        if name != self.exempt and time.time() + self.longest.get(name, 0.0) > self.until:
            return None
        started = perf_counter()
        result = fit()
        self.longest[name] = max(self.longest.get(name, 0.0), perf_counter() - started)
        return result


def choose_teachers(groups, known, data, clock, n_jobs):
    """Choose the teachers that fit into the time that is left, the best first.

    Parameters
    ----------
    groups : dict of str to list of list of Fit
        The groups of fits of each teacher; none of a prefit one.
    known : set of str
        Teachers whose results memory has.
    data : TrainingData
    clock : Clock
    n_jobs : int or None

    Returns
    -------
    chosen : list of str
        Names of the teachers to fit, at least one unless all are prefit.
    limit : TimeLimit
    """
    now, seconds = time.time(), clock.seconds_for_teachers()
    to_fit = {name: own for name, own in groups.items() if own}
    trials: dict[str, Trial] = {}
    at_once = jobs_at_once(n_jobs)
    for name, own in to_fit.items():
        left = now + seconds - time.time()
        if trials and left < seconds / 2:  # what is not tried by then would hardly fit in
            break
        if name not in known:
            trials[name] = _try(name, own[0][0].estimator, data, left)
    needed = {name: trial.seconds(to_fit[name], data, at_once) for name, trial in trials.items()}
    chosen, left = [name for name in to_fit if name in known], now + seconds - time.time()
    for name in sorted(trials, key=lambda name: trials[name].loss):
        if needed[name] <= left:
            chosen.append(name)
            left -= needed[name]
    has_prefit = len(to_fit) < len(groups)
    if needed and not chosen and not has_prefit:
        chosen = [min(needed, key=lambda name: needed[name])]
    return chosen, TimeLimit(now + seconds, chosen[0] if chosen and not has_prefit else None)


def memory_has(memory, keys):
    """Tell whether memory has the results of all keys."""
    return memory is not None and all(
        key is not None and memory.recall(key) is not Absent.MISSING for key in keys
    )


def warn_of_left_out(names, clock):
    """Warn of the teachers that are left out."""
    if names:
        warn_user(
            f"max_time={clock.max_time:g} leaves out the teachers {names}, which would not be "
            f"fitted in the {duration(clock.max_time)}: increase max_time or n_jobs, or use "
            "quicker teachers."
        )


def _try(name, estimator, data, seconds):
    """Try a teacher on two numbers of rows, or on one if it takes too much of the seconds."""
    rows = _shuffled(np.flatnonzero(data.training_rows), data.groups)
    n_many = min(max(len(rows) // SHARE_TO_TRY, FEWEST_TO_TRY), MOST_TO_TRY)
    if len(rows) < 3 * n_many:
        return Trial()
    n_few, unseen = n_many // 8, rows[-n_many:]
    try:
        few = _trial(name, estimator, data, rows[:n_few], unseen[:n_few])
        if (few.by_row + few.labelling) * n_many > LARGEST_SHARE * seconds:
            return few
        many = _trial(name, estimator, data, rows[:n_many], unseen)
    except Exception:  # a few rows may lack a class, or be fewer than its neighbors
        return Trial()
    total = many.by_row * n_many
    many.by_row = max(0.0, total - few.by_row * n_few) / (n_many - n_few)
    many.fixed = max(0.0, total - many.by_row * n_many)
    return many


def _shuffled(rows, groups):
    """Return rows in random order, those of a group together: a ranker needs whole queries."""
    rng = np.random.RandomState(0)
    rows = rng.permutation(rows)
    if groups is None:
        return rows
    names, group = np.unique(groups[rows], return_inverse=True)
    return rows[np.argsort(rng.permutation(len(names))[group], kind="stable")]


def _trial(name, estimator, data, rows, unseen):
    """Fit a teacher on some rows and let it predict others."""
    teacher = FittedTeacher(name, clone(estimator), data.task)
    weight = data.sample_weight
    started = perf_counter()
    own = None if weight is None else weight[rows]
    teacher.fit(safe_indexing(data.X, rows), data.y[rows], own)
    fitted = perf_counter()
    soft_targets = teacher.soft_targets(safe_indexing(data.X, unseen))
    labeled = perf_counter()
    own = None if weight is None else weight[unseen]
    loss = data.task.score(data.y[unseen], soft_targets, own)
    by_row = (fitted - started) / len(rows)
    return Trial(loss, 0.0, by_row, (labeled - fitted) / len(unseen))
