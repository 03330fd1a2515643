"""What the command `fit` does with a table: teachers, student, comparison."""

import warnings

from skdistill.jobs.progress import duration


def divide(task, X, y, *, test_size, seed):
    """Split the rows with `train_test_split`; a class of one row stays in the training part."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    how, strata = {"test_size": test_size, "random_state": seed}, task.strata(y)
    if strata is None:
        return train_test_split(X, y, **how)
    single = strata.map(strata.value_counts()) == 1
    X_train, X_test, y_train, y_test = train_test_split(
        X[~single], y[~single], stratify=strata[~single], **how
    )
    X_train, y_train = pd.concat([X_train, X[single]]), pd.concat([y_train, y[single]])
    return X_train, X_test, y_train, y_test


def fit(arguments, task, X, y, **params):
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
    student = task.estimators()[0](keep_teachers=True, **given | params)
    with warnings.catch_warnings():
        # The command has named these columns, with its own remedy.
        warnings.filterwarnings("ignore", r"Column .* has .* categories in", UserWarning)
        student.fit(X, y)
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


def fit_baseline(arguments, task, student, X, y):
    """Train the student's net without teachers."""
    if not arguments.quiet:
        seconds = duration(student.fit_times_["student"])
        print(
            f"For comparison, the same net is trained on the {task.trained_on} alone: about "
            f"{seconds}.",
            flush=True,
        )
    return student._on_labels().fit(X, y)


def compare(task, teachers, baseline, student, X, y):
    """Return the report: single teachers first, sorted from worst to best."""
    from skdistill.inspection.report import DistillationReport

    models = {task.baseline: baseline}
    return DistillationReport.from_estimator(student, X, y, teachers=teachers, models=models)
