"""What the command `fit` does with a table: teachers, student, comparison, conclusion."""

import warnings
from itertools import pairwise

from skdistill.effort import EFFORTS
from skdistill.jobs.progress import duration

STUDENT, TEACHERS = "student", "pooled teachers"
SAME = 1.01  # ratios within 1 % of one count as equal


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
    from sklearn.base import clone

    from skdistill.nets.interface import settle
    from skdistill.student.student_net import StudentNet

    if not arguments.quiet:
        seconds = duration(student.fit_times_["student"])
        print(
            f"For comparison, the same net is trained on the {task.trained_on} alone: about "
            f"{seconds}.",
            flush=True,
        )
    net = StudentNet() if student.student is None else clone(student.student)
    net = settle(net, effort=EFFORTS[arguments.effort])
    return task.estimators()[1](net, random_state=arguments.seed).fit(X, y)


def compare(task, teachers, baseline, student, X, y):
    """Return the report: single teachers first, sorted from worst to best."""
    from skdistill.inspection.report import Report
    from skdistill.inspection.report import compare as measure

    models = {f"teacher {each.name}": each for each in teachers.teachers_}
    models |= {TEACHERS: teachers, task.baseline: baseline, STUDENT: student}
    rows = measure(models, X, y, reference=TEACHERS).rows
    single = sorted(rows[:-3], key=lambda row: -row.loss)
    return Report([*single, *rows[-3:]], reference=TEACHERS)


def conclusion(report, n_rows):
    """Summarize in one sentence what distillation gained and lost.

    Parameters
    ----------
    report : Report
        With the models "pooled teachers" and "student", and between them the same net without
        teachers.
    n_rows : int
        Number of held-out rows on which the models were compared.

    Returns
    -------
    sentence : str
    """
    teachers, baseline, student = report.rows[-3:]
    size = student.kilobytes / teachers.kilobytes
    speed = teachers.microseconds / student.microseconds
    least, name = student.least_loss, student.loss_name
    loss, *others = (max(row.loss, least) for row in (student, teachers, baseline))
    of_teachers, of_labels = (loss / other for other in others)
    gains = [size < SAME, speed > 1 / SAME, of_teachers < SAME, of_labels < SAME]
    turns = [one != next_one for one, next_one in pairwise(gains)]
    smaller, than = _change(size, "larger", "smaller", "large")
    faster, than_too = _change(speed, "faster", "slower", "fast")
    return (
        f"On {n_rows:,} held-out rows, the student is {smaller}"
        f"{'' if than == than_too else f' {than}'} {'but' if turns[0] else 'and'} "
        f"{faster} {than_too} the pooled teachers, {'but' if turns[1] else 'and'} its {name} is "
        f"{' '.join(_change(of_teachers, 'higher', 'lower', 'high'))} theirs"
        f"{', though' if turns[2] else ' and'} "
        f"{' '.join(_change(of_labels, 'higher', 'lower', 'high'))} that of the same net trained "
        f"on {baseline.name.split()[-1]}."
    )


def _change(ratio, up, down, same):
    """Spell a ratio: ("18 times faster", "than"), ("40% larger", "than") or ("as high", "as")."""
    from skdistill.inspection.displays import spell_ratio

    if 1 / SAME < ratio < SAME:
        return f"as {same}", "as"
    word, times = (up, ratio) if ratio > 1 else (down, 1 / ratio)
    in_percent = times < 2 or (word == "lower" and times < 100)  # "3 times lower" reads two ways
    size = f"{abs(ratio - 1):.0%}" if in_percent else f"{spell_ratio(times)} times"
    return f"{size} {word}", "than"
