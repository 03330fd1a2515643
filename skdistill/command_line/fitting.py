"""What the command `fit` does with a table: teachers, student, comparison, conclusion."""

import warnings
from itertools import pairwise

from skdistill.effort import EFFORTS
from skdistill.jobs.progress import duration

STUDENT, TEACHERS, BASELINE = "student", "pooled teachers", "same net on labels"
SAME = 1.01  # ratios within 1 % of one count as equal


def divide(X, y, *, test_size, seed):
    """Split the rows with `train_test_split`; a class of one row stays in the training part."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    single = y.map(y.value_counts()) == 1
    X_train, X_test, y_train, y_test = train_test_split(
        X[~single], y[~single], test_size=test_size, random_state=seed, stratify=y[~single]
    )
    X_train, y_train = pd.concat([X_train, X[single]]), pd.concat([y_train, y[single]])
    return X_train, X_test, y_train, y_test


def fit(arguments, X, y, **params):
    """Fit teachers and student; return both."""
    from skdistill.classifier import DistilledClassifier

    given = {
        "teachers": _chosen_teachers(arguments),
        "effort": arguments.effort,
        "max_time": arguments.max_time,
        "n_jobs": arguments.jobs,
        "random_state": arguments.seed,
        "verbose": 0 if arguments.quiet else 1,
    }
    clf = DistilledClassifier(keep_teachers=True, **given | params)
    with warnings.catch_warnings():
        # The command has named these columns, with its own remedy.
        warnings.filterwarnings("ignore", r"Column .* has .* categories in", UserWarning)
        clf.fit(X, y)
    # The file holds the student only: unfitted teachers would need torch to be loaded.
    teachers, clf.teachers = clf.teacher_, None
    del clf.teacher_
    return teachers, clf


def _chosen_teachers(arguments):
    """Return the default teachers that were named; None for all of them."""
    if arguments.teachers is None:
        return None
    from skdistill.teachers.defaults import default_teachers

    teachers = dict(default_teachers(arguments.effort))
    strange = [name for name in arguments.teachers if name not in teachers]
    if strange:
        raise ValueError(
            f"--teachers names {strange}, but --effort {arguments.effort} has {list(teachers)}: "
            "choose among these, or another effort ('high' has all, 'low' the quickest)."
        )
    return [(name, teachers[name]) for name in dict.fromkeys(arguments.teachers)]


def fit_baseline(arguments, clf, X, y):
    """Train the student's net on the labels alone."""
    from sklearn.base import clone

    from skdistill.nets.interface import settle
    from skdistill.student.student_net import StudentNet
    from skdistill.teachers.net_classifier import NetClassifier

    if not arguments.quiet:
        seconds = duration(clf.fit_times_["student"])
        print(
            f"For comparison, the same net is trained on the labels alone: about {seconds}.",
            flush=True,
        )
    net = StudentNet() if clf.student is None else clone(clf.student)
    net = settle(net, effort=EFFORTS[arguments.effort])
    return NetClassifier(net, random_state=arguments.seed).fit(X, y)


def compare(teachers, baseline, student, X, y):
    """Return the report: single teachers first, sorted from worst to best."""
    from skdistill.inspection.report import Report
    from skdistill.inspection.report import compare as measure

    models = {f"teacher {each.name}": each for each in teachers.teachers_}
    models |= {TEACHERS: teachers, BASELINE: baseline, STUDENT: student}
    rows = measure(models, X, y, reference=TEACHERS).rows
    single = [row for row in rows if row.name not in (TEACHERS, BASELINE, STUDENT)]
    single.sort(key=lambda row: -row.log_loss)
    return Report([*single, *rows[len(single) :]], reference=TEACHERS)


def conclusion(report, n_rows):
    """Summarize in one sentence what distillation gained and lost.

    Parameters
    ----------
    report : Report
        With the models "student", "pooled teachers" and "same net on labels".
    n_rows : int
        Number of held-out rows on which the models were compared.

    Returns
    -------
    sentence : str
    """
    student, teachers, baseline = report[STUDENT], report[TEACHERS], report[BASELINE]
    size = student.kilobytes / teachers.kilobytes
    speed = teachers.microseconds / student.microseconds
    # The table shows four digits; smaller losses count as equal.
    loss, *others = (max(row.log_loss, 1e-4) for row in (student, teachers, baseline))
    of_teachers, of_labels = (loss / other for other in others)
    gains = [size < SAME, speed > 1 / SAME, of_teachers < SAME, of_labels < SAME]
    turns = [one != next_one for one, next_one in pairwise(gains)]
    smaller, than = _change(size, "larger", "smaller", "large")
    faster, than_too = _change(speed, "faster", "slower", "fast")
    return (
        f"On {n_rows:,} held-out rows, the student is {smaller}"
        f"{'' if than == than_too else f' {than}'} {'but' if turns[0] else 'and'} "
        f"{faster} {than_too} the pooled teachers, {'but' if turns[1] else 'and'} its log loss is "
        f"{' '.join(_change(of_teachers, 'higher', 'lower', 'high'))} theirs"
        f"{', though' if turns[2] else ' and'} "
        f"{' '.join(_change(of_labels, 'higher', 'lower', 'high'))} that of the same net trained "
        "on labels."
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
