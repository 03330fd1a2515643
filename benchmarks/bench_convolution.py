"""Convolution to convolution: a residual net and a forest teach a net with depthwise convolutions.

    python benchmarks/bench_convolution.py

The teachers are a ResNet of basic blocks and a random forest on the pixels of fashion_mnist. The
student has inverted residuals, as MobileNetV2, and at most a tenth of the ResNet's parameters.
It is trained on labels, on the labels of shifted images too, and by the teachers, which label
as many shifted images. Nothing is chosen by the test rows.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time

import numpy as np
import torch
from common import load_split, mean_and_spread, recorded, save
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from torch import nn
from torch.nn import functional as F

from skdistill import (
    DistilledClassifier,
    NetClassifier,
    StudentNet,
    TableClassifier,
    TensorNet,
)

TEACHER_EPOCHS, STUDENT_EPOCHS = 10, 12  # those of a student are over twice the rows
TREES = 100
MODELS = ("resnet", "forest", "pool", "labels", "labels, shifted images", "student")


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut, as in torchvision's ResNet."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.first = convolution(n_in, n_out, stride=stride)
        self.second = convolution(n_out, n_out)
        is_same = stride == 1 and n_in == n_out
        self.shortcut = nn.Identity() if is_same else convolution(n_in, n_out, 1, stride=stride)

    def forward(self, X):
        return F.relu(self.second(F.relu(self.first(X))) + self.shortcut(X))


class InvertedResidual(nn.Module):
    """A wider depthwise convolution between two narrow layers, as in torchvision's MobileNetV2."""

    def __init__(self, n_in, n_out, stride, expansion):
        super().__init__()
        width = n_in * expansion
        self.layers = nn.Sequential(
            convolution(n_in, width, 1),
            nn.ReLU6(),
            convolution(width, width, stride=stride, groups=width),
            nn.ReLU6(),
            convolution(width, n_out, 1),
        )
        self.is_residual = stride == 1 and n_in == n_out

    def forward(self, X):
        return X + self.layers(X) if self.is_residual else self.layers(X)


def convolution(n_in, n_out, size=3, *, stride=1, groups=1):
    """Return a convolution with batch norm."""
    layer = nn.Conv2d(
        n_in, n_out, size, stride=stride, padding=size // 2, groups=groups, bias=False
    )
    return nn.Sequential(layer, nn.BatchNorm2d(n_out))


class ImageNet(nn.Module):
    """A stem, blocks, the mean over all places and a linear layer."""

    def __init__(self, stem, blocks, width, n_classes):
        super().__init__()
        self.stem = nn.Sequential(convolution(1, stem, stride=2), nn.ReLU())
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Linear(width, n_classes)
        self.to(memory_format=torch.channels_last)  # twice as fast on a CPU

    def forward(self, X):
        X = X.contiguous(memory_format=torch.channels_last)
        return self.out(self.blocks(self.stem(X)).mean((2, 3)))


class ResNet(ImageNet):
    """Three basic blocks."""

    def __init__(self, n_classes, widths=(24, 48, 96)):
        a, b, c = widths
        blocks = [BasicBlock(a, a, 1), BasicBlock(a, b, 2), BasicBlock(b, c, 2)]
        super().__init__(a, blocks, c, n_classes)


class MobileNet(ImageNet):
    """Four inverted residuals."""

    def __init__(self, n_classes, widths=(16, 24, 32), expansion=3):
        a, b, c = widths
        sizes = [(a, a, 1), (a, b, 2), (b, b, 1), (b, c, 2)]
        blocks = [InvertedResidual(*each, expansion) for each in sizes]
        super().__init__(a, blocks, c, n_classes)


def main():
    """Measure the seeds that the JSON lacks, write it and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--smoke", action="store_true", help="tiny, written nowhere")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.data, arguments.rows, arguments.seeds = "digits", 200, [0]
    runs = [] if arguments.smoke else recorded("convolution").get("runs", [])
    for seed in arguments.seeds:
        if seed not in {run["seed"] for run in runs}:
            runs += measure(arguments, seed)
            if not arguments.smoke:
                save("convolution", {"data": arguments.data, "rows": arguments.rows, "runs": runs})
    print(*table(runs), sep="\n")


def measure(arguments, seed):
    """Return the accuracy and log loss of each model on the test rows of a split."""
    *images, y, y_test = load_split(arguments.data, seed, arguments.rows)
    X, X_test = map(as_images, images)
    y, y_test = np.asarray(y), np.asarray(y_test)
    n_epochs = (1, 1) if arguments.smoke else (TEACHER_EPOCHS, STUDENT_EPOCHS)
    shifted = shift(X, np.random.RandomState(seed))
    runs, started = [], time.perf_counter()

    def record(name, fitted):
        proba = fitted.predict_proba(X_test)
        accuracy = float((fitted.classes_[proba.argmax(1)] == y_test).mean())
        loss = log_loss(y_test, proba, labels=fitted.classes_)
        run = {"seed": seed, "model": name, "accuracy": accuracy, "log_loss": loss}
        runs.append(run | {"seconds": round(time.perf_counter() - started)})
        print(runs[-1], flush=True)

    teachers = [
        ("resnet", NetClassifier(net(TensorNet, ResNet, n_epochs[0], train_split=None))),
        ("forest", TableClassifier(RandomForestClassifier(TREES, min_samples_leaf=2))),
    ]
    student = net(StudentNet, MobileNet, n_epochs[1])
    clf = DistilledClassifier(
        teachers, student, cv=2, augmenter=None, keep_teachers=True, random_state=seed
    ).fit(X, y, X_unlabeled=shifted)
    for name, fitted in {**clf.teacher_.named_teachers_, "pool": clf.teacher_}.items():
        record(name, fitted)
    record("student", clf)
    # On labels alone it sees each image twice as often, and makes as many steps.
    for name, rows, labels, epochs in (
        ("labels", X, y, 2 * n_epochs[1]),
        ("labels, shifted images", np.concatenate([X, shifted]), np.tile(y, 2), n_epochs[1]),
    ):
        own = net(StudentNet, MobileNet, epochs, train_split=None)
        record(name, NetClassifier(own, random_state=seed).fit(rows, labels))
    return runs


def net(kind, module, max_epochs, **params):
    """Return a net for images; batch norm keeps no average of the weights."""
    how = {"lr": 4e-3, "batch_size": 128, "ema_decay": 0.0, "max_epochs": max_epochs}
    return kind(module, **how, **params)


def as_images(X):
    """Return rows of pixels as images of shape (n_samples, 1, height, width), around zero."""
    X = X.to_numpy(np.float32)
    side = round(X.shape[1] ** 0.5)
    return (X / X.max() * 2 - 1).reshape(-1, 1, side, side)


def shift(X, rng, by=2):
    """Return images shifted by at most so many pixels each way, half of them mirrored."""
    padded = np.pad(X, ((0, 0), (0, 0), (by, by), (by, by)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, X.shape[2:], axis=(2, 3))
    down, right = rng.randint(2 * by + 1, size=(2, len(X)))
    shifted = windows[np.arange(len(X)), :, down, right]
    is_mirrored = rng.rand(len(X)) < 0.5
    shifted[is_mirrored] = shifted[is_mirrored, :, :, ::-1]
    return shifted


def count(module):
    """Return the number of a module's parameters."""
    return sum(each.numel() for each in module.parameters())


def table(runs):
    """Yield a Markdown table of the models."""
    yield "| model | parameters | accuracy | log loss |\n|---|---:|---:|---:|"
    sizes = dict.fromkeys(MODELS[3:], count(MobileNet(10))) | {"resnet": count(ResNet(10))}
    for name in MODELS:
        own = [run for run in runs if run["model"] == name]
        cells = [
            name,
            f"{sizes[name]:,}" if name in sizes else "",
            mean_and_spread([100 * run["accuracy"] for run in own], ".2f") + " %",
            mean_and_spread([run["log_loss"] for run in own]),
        ]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
