"""Compare students that start from their teacher's weights with students that start fresh.

    python benchmarks/bench_warm_start.py

The teacher is a torch net with three layers of 256 units. `student_from_teacher` cuts two
students from it: one without the middle layer, and one that is also half as wide.
`DistilledClassifier` distills each from the cross-fitted teacher, once from the teacher's weights
and once from a fresh start, for at most 5, 20 and 100 epochs, each with its own learning rate
schedule and early stopping. The log loss is that on held-out rows.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time

import numpy as np
from common import load_split, mean_and_spread, save
from sklearn.base import clone
from sklearn.metrics import log_loss

from skdistill import (
    DistilledClassifier,
    NetClassifier,
    StudentMLP,
    TensorNet,
    student_from_teacher,
)

EPOCHS = (5, 20, 100)
CUTS = {"2 × 256": {}, "2 × 128": {"width": 128}}
MAX_TEST_ROWS = 10_000


def main():
    """Train all students and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="letter")
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="tiny, written nowhere")
    arguments = parser.parse_args()
    epochs, cuts = EPOCHS, CUTS
    if arguments.smoke:
        arguments.data, arguments.rows, arguments.seeds = "digits", 300, 1
        epochs, cuts = (2,), {"2 × 128": CUTS["2 × 128"]}
    started = time.process_time()
    runs, teachers = [], []
    for seed in range(arguments.seeds):
        teacher_loss, students = one_seed(arguments, seed, epochs, cuts)
        teachers.append(teacher_loss)
        runs += students
    print(f"teacher: log loss {mean_and_spread(teachers)}")
    for line in table(runs, epochs, cuts):
        print(line)
    print(f"{time.process_time() - started:.0f} s of one core")
    if not arguments.smoke:
        save("warm_start", {**vars(arguments), "teacher": teachers, "runs": runs})


def one_seed(arguments, seed, epochs, cuts):
    """Return the log loss of the teacher, and that of each student with its epochs."""
    X, X_test, y, y_test = load_split(arguments.data, seed, arguments.rows)
    X_test, y_test = X_test[:MAX_TEST_ROWS], y_test[:MAX_TEST_ROWS]
    net = TensorNet(StudentMLP, module__hidden_sizes=(256, 256, 256), max_epochs=max(epochs))
    teacher = NetClassifier(net, random_state=seed)
    fitted = clone(teacher).fit(X, y)
    runs = []
    with tempfile.TemporaryDirectory() as memory:  # the teacher is cross-fitted once a seed
        for shape, cut in cuts.items():
            warm = student_from_teacher(fitted, **cut)
            for start, student in {
                "warm": warm,
                "fresh": clone(warm).set_params(start=None),
            }.items():
                for n in epochs:
                    clf = DistilledClassifier(
                        [("net", teacher)],
                        clone(student).set_params(max_epochs=n),
                        alpha=0.5,
                        memory=memory,
                        random_state=seed,
                    ).fit(X, y)
                    loss = log_loss(y_test, clf.predict_proba(X_test), labels=clf.classes_)
                    what = {"shape": shape, "start": start, "max_epochs": n, "seed": seed}
                    runs.append({**what, "log_loss": loss, "epochs": len(clf.history_)})
                    print(runs[-1], flush=True)
    return log_loss(y_test, fitted.predict_proba(X_test), labels=fitted.classes_), runs


def table(runs, epochs, cuts):
    """Yield the lines of a Markdown table."""
    yield "| student | start | " + " | ".join(f"{n} epochs" for n in epochs) + " |"
    yield "|---|---|" + "---:|" * len(epochs)
    for shape in cuts:
        for start in ("fresh", "warm"):
            cells = []
            for n in epochs:
                of_cell = (shape, start, n)
                these = [r for r in runs if (r["shape"], r["start"], r["max_epochs"]) == of_cell]
                trained = np.mean([r["epochs"] for r in these])
                cells.append(f"{mean_and_spread([r['log_loss'] for r in these])} ({trained:.0f})")
            yield f"| {shape} | {start} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
