"""What the command `fit` does with a table: teachers, student, comparison."""

import warnings
from typing import Any, NamedTuple

from skdistill.jobs.progress import duration

FEWEST_QUERIES = 3  # two for the folds of the teachers, and one held out


class Part(NamedTuple):
    """Rows of a table, with their targets, and for a ranking their queries as "qid"."""

    X: Any
    y: Any
    of_rows: dict

    def take(self, rows):
        """Return the rows at these places."""
        of_rows = {name: values.iloc[rows] for name, values in self.of_rows.items()}
        return Part(self.X.iloc[rows], self.y.iloc[rows], of_rows)


def divide(task, table, *, test_size, seed):
    """Divide rows into those to train on and those held out.

    A class of one row stays in the training part, and a query stays whole.
    """
    import numpy as np
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    rows = np.arange(len(table.X))
    how, strata = {"test_size": test_size, "random_state": seed}, task.strata(table.y)
    if "qid" in table.of_rows:
        n_queries = table.of_rows["qid"].nunique()
        if n_queries < FEWEST_QUERIES:
            raise ValueError(
                f"--query names {n_queries} different queries, of which some are held out: a "
                f"ranking needs at least {FEWEST_QUERIES}."
            )
        train, test = next(GroupShuffleSplit(1, **how).split(rows, groups=table.of_rows["qid"]))
    elif strata is None:
        train, test = train_test_split(rows, **how)
    else:
        single = (strata.map(strata.value_counts()) == 1).to_numpy()
        train, test = train_test_split(rows[~single], stratify=strata[~single], **how)
        train = np.concatenate([train, rows[single]])
    return table.take(train), table.take(test)


def fit(arguments, task, table, **params):
    """Fit teachers and student; return both."""
    given = {
        "teachers": _chosen_teachers(arguments, task),
        "effort": arguments.effort,
        "max_time": arguments.max_time,
        "n_jobs": arguments.jobs,
        "random_state": arguments.seed,
        "verbose": 0 if arguments.quiet else 1,
    }
    if arguments.quantiles is not None:
        given["quantiles"] = arguments.quantiles
    student = task.estimator()(keep_teachers=True, **given | params)
    with warnings.catch_warnings():
        # The command has named these columns, with its own remedy.
        warnings.filterwarnings("ignore", r"Column .* has .* categories in", UserWarning)
        student.fit(table.X, table.y, **table.of_rows)
    # The file holds the student only: unfitted teachers would need torch to be loaded.
    teachers, student.teachers = student.teacher_, None
    del student.teacher_
    return teachers, student


def _chosen_teachers(arguments, task):
    """Return the default teachers that were named; None for all of them."""
    if arguments.teachers is None:
        return None
    from skdistill.teachers.defaults import default_teachers

    teachers = dict(default_teachers(arguments.effort, task=task.name))
    strange = [name for name in arguments.teachers if name not in teachers]
    if strange:
        raise ValueError(
            f"--teachers names {strange}, but --effort {arguments.effort} has {list(teachers)}: "
            "choose among these, or another effort ('high' has all, 'low' the quickest)."
        )
    return [(name, teachers[name]) for name in dict.fromkeys(arguments.teachers)]


def fit_baseline(arguments, task, student, table):
    """Train the student's net without teachers."""
    if not arguments.quiet:
        seconds = duration(student.fit_times_["student"])
        print(
            f"For comparison, the same net is trained on the {task.trained_on} alone: about "
            f"{seconds}.",
            flush=True,
        )
    return student._on_labels().fit(table.X, table.y, **table.of_rows)


def compare(task, teachers, baseline, student, table):
    """Return the report: single teachers first, sorted from worst to best."""
    from skdistill.inspection.report import DistillationReport

    models = {task.baseline: baseline}
    return DistillationReport.from_estimator(
        student, table.X, table.y, teachers=teachers, models=models, **table.of_rows
    )
