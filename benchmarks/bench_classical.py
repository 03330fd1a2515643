"""Distillation in the classical way: nets of three layers teach a net of two, on images.

    python benchmarks/bench_classical.py

The teachers are nets of 784-128-128-10 on the pixels of fashion_mnist, trained by SGD, Adam and
Adagrad. The student is a net of 784-64-10. It is trained on labels, by one teacher and by the
pool of the three, by each of the optimizers. Its start is fresh, or the first layer of the
teacher, half as wide. A grid of alpha and temperature has no synthetic rows, as Hinton et al.
had none; a curve over alpha has them. "student" is `DistilledClassifier` with its default alpha,
temperature and augmenter, "shifted images" that of a pool with a forest in it, which labels
shifted images instead of mixed ones. Nothing is chosen by the test rows.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time

import numpy as np
import torch
from bench_convolution import shift
from common import load_split, mean_and_spread, recorded, save
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss

from skdistill import (
    DistilledClassifier,
    NetClassifier,
    StudentMLP,
    StudentNet,
    TensorNet,
    student_from_teacher,
)

OPTIMIZERS = {
    "SGD": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "lr": 0.05},
    "Adam": {"optimizer": torch.optim.Adam, "lr": 2e-3},
    "Adagrad": {"optimizer": torch.optim.Adagrad, "lr": 2e-2},
}
TEACHER, STUDENT = (128, 128), (64,)
EPOCHS, EPOCHS_ON_LABELS = 30, 50  # on labels it stops early
FEW_EPOCHS = 3
TREES, COPIES = 200, 4  # of the forest; of each image
ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
TEMPERATURES = (1.0, 2.0, 4.0)
MODELS = ("labels", "teacher", "pool", "student of one", "classical", "student", "shifted images")
CLASSICAL = {"alpha": 0.5, "temperature": 2.0, "augmenter": None}


def main():
    """Measure the seeds that the JSON lacks, write it and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--smoke", action="store_true", help="tiny, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.data, arguments.rows, arguments.seeds = "digits", 300, [0]
    runs = [] if arguments.smoke else recorded("classical").get("runs", [])
    for seed in arguments.seeds:
        done = {run["model"] for run in select(runs, seed=seed)}
        runs += measure(arguments, seed, done)
        if not arguments.smoke:
            save("classical", {"data": arguments.data, "rows": arguments.rows, "runs": runs})
    for lines in (models_table(runs), grid_table(runs), gains(runs)):
        print(*lines, sep="\n", end="\n\n")


def net(kind, hidden_sizes, optimizer, max_epochs=EPOCHS_ON_LABELS):
    """Return a net of plain layers, without embeddings of the pixels and without dropout."""
    return kind(
        StudentMLP,
        module__hidden_sizes=hidden_sizes,
        module__n_frequencies=0,
        module__bin_embedding_size=0,
        module__dropout=0.0,
        max_epochs=max_epochs,
        **OPTIMIZERS[optimizer],
    )


class Split:
    """One split of the images, and what was measured on it.

    Parameters
    ----------
    arguments : Namespace
    seed : int
    memory : str
        Folder where teachers are kept, so that each is cross-fitted once.
    """

    def __init__(self, arguments, seed, memory):
        self.X, self.X_test, self.y, self.y_test = load_split(arguments.data, seed, arguments.rows)
        self.X, self.X_test = (X.to_numpy(np.float32) for X in (self.X, self.X_test))
        self.seed, self.memory = seed, memory
        self.few, self.full, self.on_labels = FEW_EPOCHS, EPOCHS, EPOCHS_ON_LABELS
        if arguments.smoke:
            self.few, self.full, self.on_labels = 1, 2, 2
        self.started, self.runs = time.perf_counter(), []

    def record(self, fitted, name, **what):
        """Record accuracy and log loss of a fitted model on the test rows, and return it."""
        proba = fitted.predict_proba(self.X_test)
        hits = fitted.classes_[proba.argmax(1)] == np.asarray(self.y_test)
        scores = {
            "accuracy": float(hits.mean()),
            "log_loss": log_loss(self.y_test, proba, labels=fitted.classes_),
            "seconds": round(time.perf_counter() - self.started, 1),  # since the split's begin
        }
        self.runs.append({"seed": self.seed, "model": name, **what, **scores})
        print(self.runs[-1], flush=True)
        return fitted

    def on_labels_alone(self, net, name, by):
        """Train a net on labels, and record it."""
        fitted = NetClassifier(net, random_state=self.seed).fit(self.X, self.y)
        return self.record(fitted, name, by=by)

    def distill(self, teachers, student, name, what, X_unlabeled=None, **params):
        """Distill teachers into a student, and record it."""
        params |= {"keep_teachers": True, "random_state": self.seed, "memory": self.memory}
        clf = DistilledClassifier(teachers, student, **params)
        clf.fit(self.X, self.y, X_unlabeled=X_unlabeled)
        return self.record(clf, name, **what)


def measure(arguments, seed, done=()):
    """Return the accuracy and log loss of the models that are not done, on a split's test rows."""
    parts = {
        "student": measure_models, "shifted images": measure_shifted, "warm": measure_starts,
        "curve": measure_alphas,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as memory:
        split = Split(arguments, seed, memory)
        teachers = [
            (name, NetClassifier(net(TensorNet, TEACHER, name, split.on_labels)))
            for name in OPTIMIZERS
        ]
        for model, measure_part in parts.items():
            if model not in done:
                measure_part(split, teachers)
    return split.runs


def measure_models(split, teachers):
    """Measure teachers and students by each optimizer."""
    for name, teacher in teachers:
        split.on_labels_alone(teacher.net, "teacher", name)
        split.on_labels_alone(net(StudentNet, STUDENT, name, split.on_labels), "labels", name)
        student, by = net(StudentNet, STUDENT, name, split.full), {"by": name}
        split.distill([(name, teacher)], student, "student of one", by)
        taught = split.distill(teachers, student, "student", by)
        split.distill(teachers, student, "classical", by, **CLASSICAL)
    split.record(taught.teacher_, "pool", by="all")


def measure_shifted(split, teachers):
    """Measure students of shifted images, which nets and a forest have labeled."""
    forest = RandomForestClassifier(TREES, min_samples_leaf=2)
    rng = np.random.RandomState(split.seed)
    side = round(split.X.shape[1] ** 0.5)
    images = split.X.reshape(-1, 1, side, side)
    shifted = np.concatenate([shift(images, rng, by=1) for _ in range(COPIES)])
    shifted = shifted.reshape(-1, side * side)
    for name in OPTIMIZERS:
        student, by = net(StudentNet, STUDENT, name, split.full), {"by": name}
        how = {"augmenter": None, "X_unlabeled": shifted}
        split.distill([*teachers, ("forest", forest)], student, "shifted images", by, **how)


def measure_starts(split, teachers):
    """Measure students that start with half of the teacher's first layer, and fresh ones."""
    teacher = clone(dict(teachers)["Adam"]).set_params(random_state=split.seed)
    cut = student_from_teacher(teacher.fit(split.X, split.y), keep=[0], width=STUDENT[0])
    for epochs in (split.few, split.full):
        for name, start in {"warm": cut.start, "fresh": None}.items():
            student = net(StudentNet, STUDENT, "Adam", epochs).set_params(start=start)
            split.distill(teachers, student, name, {"by": "Adam", "epochs": epochs})


def measure_alphas(split, teachers):
    """Measure a curve over alpha with synthetic rows, and a grid with temperatures without."""
    student = net(StudentNet, STUDENT, "Adam", split.full)
    for alpha in ALPHAS:
        what = {"by": "Adam", "alpha": alpha}
        split.distill(teachers, student, "curve", what | {"temperature": 1.0}, alpha=alpha)
        for T in TEMPERATURES if alpha else TEMPERATURES[:1]:  # at alpha 0 they are the same
            loss = {"alpha": alpha, "temperature": T}
            split.distill(teachers, student, "grid", what | loss, augmenter=None, **loss)


def select(runs, **what):
    """Return the runs with these values, in the order of their seeds."""
    chosen = [run for run in runs if all(run.get(key) == each for key, each in what.items())]
    return sorted(chosen, key=lambda run: run["seed"])


def means(runs):
    """Return accuracy and log loss as mean ± standard deviation, for a table."""
    accuracy = mean_and_spread([100 * run["accuracy"] for run in runs], ".2f")
    return f"{accuracy} % | {mean_and_spread([run['log_loss'] for run in runs])}"


def models_table(runs):
    """Yield a table of models by optimizer, and of the two starts."""
    yield "| model | by | accuracy | log loss |\n|---|---|---:|---:|"
    for model in MODELS:
        for by in dict.fromkeys(run["by"] for run in select(runs, model=model)):
            yield f"| {model} | {by} | {means(select(runs, model=model, by=by))} |"
    for start in ("fresh", "warm"):
        for epochs in dict.fromkeys(run["epochs"] for run in select(runs, model=start)):
            these = select(runs, model=start, epochs=epochs)
            yield f"| {start}, {epochs} epochs | Adam | {means(these)} |"


def grid_table(runs):
    """Yield a table of log losses over alpha, by temperature and with synthetic rows."""
    columns = [("grid", T) for T in TEMPERATURES] + [("curve", 1.0)]
    heads = [f"T = {T:g}" for T in TEMPERATURES] + ["T = 1, synthetic rows"]
    yield f"| alpha | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}"
    for alpha in ALPHAS:
        cells = [
            select(runs, model=model, alpha=alpha, temperature=T if alpha else 1.0)
            for model, T in columns
        ]
        losses = [mean_and_spread([run["log_loss"] for run in each]) for each in cells]
        yield f"| {alpha:g} | {' | '.join(losses)} |"


def gains(runs):
    """Yield by how many standard errors students are above the net on labels, in pairs."""
    for by in OPTIMIZERS:
        labels = select(runs, model="labels", by=by)
        for model in ("classical", "student", "shifted images"):
            gains = []
            for measure, sign in (("accuracy", 1), ("log_loss", -1)):
                pairs = zip(select(runs, model=model, by=by), labels)
                steps = np.array([sign * (one[measure] - other[measure]) for one, other in pairs])
                error = steps.std(ddof=1) / len(steps) ** 0.5 if len(steps) > 1 else np.nan
                gains.append(f"{measure} {steps.mean():+.4f}, {steps.mean() / error:.1f} SE")
            yield f"{model} by {by}, better than on labels: {'; '.join(gains)}"


if __name__ == "__main__":
    main()
