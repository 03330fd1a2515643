"""One sentence on what distillation gained and lost."""

from itertools import pairwise

from skdistill.inspection.displays import spell_ratio
from skdistill.inspection.subjects import ALONE, POOL, STUDENT

SAME = 1.01  # ratios within 1 % of one count as equal


def conclusion(report, n_rows):
    """Summarize in one sentence what distillation gained and lost.

    Parameters
    ----------
    report : DistillationReport
        With "pooled teachers" and "student"; the same net without teachers is mentioned if it is
        there.
    n_rows : int
        Number of rows on which the models were measured.

    Returns
    -------
    sentence : str
        Empty if the teachers, their size or the labels are not known.
    """
    rows = {row.name: row for row in report.rows}
    if POOL not in rows or STUDENT not in rows:
        return ""
    teachers, student = rows[POOL], rows[STUDENT]
    if None in (student.loss, teachers.kilobytes, student.kilobytes):
        return ""
    alone = next((row for row in report.rows if row.name.startswith(ALONE)), None)
    least, name = student.least_loss, student.loss_name
    size = student.kilobytes / teachers.kilobytes
    speed = teachers.microseconds / student.microseconds
    of_others = [
        max(student.loss, least) / max(row.loss, least) for row in (teachers, alone) if row
    ]
    gains = [size < SAME, speed > 1 / SAME, *(ratio < SAME for ratio in of_others)]
    turns = [one != next_one for one, next_one in pairwise(gains)]
    smaller, than = _change(size, "larger", "smaller", "large")
    faster, than_too = _change(speed, "faster", "slower", "fast")
    sentence = (
        f"the student is {smaller}{'' if than == than_too else f' {than}'} "
        f"{'but' if turns[0] else 'and'} {faster} {than_too} the pooled teachers, "
        f"{'but' if turns[1] else 'and'} its {name} is "
        f"{' '.join(_change(of_others[0], 'higher', 'lower', 'high'))} theirs"
    )
    if alone:
        sentence += (
            f"{', though' if turns[2] else ' and'} "
            f"{' '.join(_change(of_others[1], 'higher', 'lower', 'high'))} that of the "
            f"{alone.name.replace(' on ', ' trained on ')}"
        )
    return f"On {n_rows:,} held-out rows, {sentence}."


def _change(ratio, up, down, same):
    """Spell a ratio: ("18 times faster", "than"), ("40% larger", "than") or ("as high", "as")."""
    if 1 / SAME < ratio < SAME:
        return f"as {same}", "as"
    word, times = (up, ratio) if ratio > 1 else (down, 1 / ratio)
    in_percent = times < 2 or (word == "lower" and times < 100)  # "3 times lower" reads two ways
    size = f"{abs(ratio - 1):.0%}" if in_percent else f"{spell_ratio(times)} times"
    return f"{size} {word}", "than"
