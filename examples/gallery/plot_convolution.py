"""
Convolution to convolution
==========================

A residual net and a forest on pixels teach a net of depthwise convolutions, with a tenth of the
weights. Any torch module that maps rows to logits can be a teacher, or the student; ``fit`` takes
images as they are, of shape (n_samples, channels, height, width).
"""

# %%
# Three kinds of models
# ---------------------
#
# A residual block adds to its input what two full convolutions make of it. An inverted residual
# widens its input, looks at each channel by itself, and narrows it again: far fewer weights.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn


def convolution(n_in, n_out, size=3, groups=1):
    layer = nn.Conv2d(n_in, n_out, size, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(n_out))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, width))

    def forward(self, X):
        return nn.functional.relu(X + self.layers(X))


class InvertedResidual(nn.Module):
    def __init__(self, width, expansion=3):
        super().__init__()
        wide = expansion * width
        self.layers = nn.Sequential(
            convolution(width, wide, 1), nn.ReLU6(),
            convolution(wide, wide, groups=wide), nn.ReLU6(),
            convolution(wide, width, 1),
        )  # fmt: skip

    def forward(self, X):
        return X + self.layers(X)


class Net(nn.Module):
    def __init__(self, n_classes, block, width, n_blocks=2):
        super().__init__()
        self.layers = nn.Sequential(
            convolution(1, width),
            nn.ReLU(),
            nn.MaxPool2d(2),
            *[block(width) for _ in range(n_blocks)],
        )
        self.out = nn.Linear(width, n_classes)

    def forward(self, X):
        return self.out(self.layers(X).mean((2, 3)))


# %%
# Teachers and student
# --------------------
#
# Both nets are trained by a :class:`~skdistill.TensorNet`, the teacher on labels by
# :class:`~skdistill.NetClassifier`. The forest gets each image as a row of pixels. Munge would mix
# the pixels of several images, so ``augmenter=None``. In its place, the teachers label images that
# are shifted by one pixel: ``X_unlabeled``. A shifted image may look like another digit, which a
# label that is copied along with it does not tell, and a teacher does.

from skdistill import DistilledClassifier, NetClassifier, TensorNet

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32).reshape(-1, 1, 8, 8)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=600, random_state=0)


def net(block, width, max_epochs):
    sizes = {"module__block": block, "module__width": width}
    return TensorNet(Net, **sizes, lr=0.01, max_epochs=max_epochs)


def shifted(images):
    steps = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    return np.concatenate([np.roll(images, step, axis=(2, 3)) for step in steps])


def flatten(images):
    return images.reshape(len(images), -1)


teachers = [
    ("residual", NetClassifier(net(Residual, 32, 25), random_state=0)),
    ("forest", make_pipeline(FunctionTransformer(flatten), RandomForestClassifier(200))),
]
student = net(InvertedResidual, 16, 30)
clf = DistilledClassifier(
    teachers, student, augmenter=None, cv=3, keep_teachers=True, random_state=0
).fit(X_train, y_train, X_unlabeled=shifted(X_train))

alone = NetClassifier(student, random_state=0).fit(X_train, y_train)
X_all, y_all = np.concatenate([X_train, shifted(X_train)]), np.tile(y_train, 5)
on_copies = NetClassifier(student, random_state=0).fit(X_all, y_all)

# %%
# What it brought
# ---------------

models = {
    "pool": clf.teacher_,
    "residual net": clf.teacher_.named_teachers_["residual"],
    "student on labels": alone,
    "on labels of shifted copies": on_copies,
    "student": clf,
}


def n_weights(module):
    return sum(each.numel() for each in module.parameters())


large, small = n_weights(Net(10, Residual, 32)), n_weights(Net(10, InvertedResidual, 16))
print(f"weights: {large:,} of the residual net, {small:,} of the student")
losses = {}
for name, model in models.items():
    proba = model.predict_proba(X_test)
    losses[name] = log_loss(y_test, proba)
    accuracy = accuracy_score(y_test, proba.argmax(axis=1))
    print(f"{name:28} accuracy {accuracy:.1%}  log loss {losses[name]:.4f}")

# %%

fig, ax = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
colors = [*["0.7"] * 4, "C0"]
bars = ax.barh(list(losses), losses.values(), color=colors, height=0.6)
ax.bar_label(bars, fmt="%.3f", padding=4)
ax.invert_yaxis()
ax.margins(x=0.12)
ax.set(xlabel="log loss on new images, lower is better", title="Depthwise convolutions, distilled")
ax.spines[["top", "right"]].set_visible(False)
