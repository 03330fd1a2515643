"""
Three layers teach two
======================

The example with which distillation began: nets of 784-128-128-10 teach a smaller one of
784-64-10 to read digits. The loss of a row is ``alpha·T²·KL(p ‖ q) + (1 − alpha)·CE(y, q)``, with
the probabilities p of the teachers and q of the student, both at temperature T in the first term.
"""

# %%
# The digits of scikit-learn have 8 × 8 pixels; here they are enlarged to 28 × 28. Few of them
# are for training: where there are many labels, a teacher has little to add.
import tempfile

import matplotlib.pyplot as plt
import torch
from scipy.ndimage import zoom
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skdistill import (
    DistilledClassifier,
    NetClassifier,
    StudentMLP,
    StudentNet,
    TensorNet,
    compare,
    student_from_teacher,
)

images, y = load_digits(return_X_y=True)
X = zoom(images.reshape(-1, 8, 8), (1, 3.5, 3.5), order=1).reshape(-1, 784)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, stratify=y, random_state=0
)

# %%
# Teachers and student are plain layers, without embeddings and dropout. Three optimizers train
# three teachers.
optimizers = {
    "SGD": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9, "lr": 0.01},
    "Adam": {"optimizer": torch.optim.Adam, "lr": 2e-3},
    "Adagrad": {"optimizer": torch.optim.Adagrad, "lr": 2e-2},
}
plain = {"module__dropout": 0.0, "module__n_frequencies": 0, "module__bin_embedding_size": 0}


def net(kind, hidden_sizes, optimizer, max_epochs):
    sizes = {"module__hidden_sizes": hidden_sizes, "max_epochs": max_epochs}
    return kind(StudentMLP, **sizes, **plain, **optimizers[optimizer])


teachers = [
    (name, NetClassifier(net(TensorNet, (128, 128), name, max_epochs=25), random_state=0))
    for name in optimizers
]

# %%
# The net of two layers is trained on labels, and taught by the pool, by each optimizer. `memory`
# keeps the teachers, so that all students after the first only train themselves.
memory = tempfile.TemporaryDirectory()
common = {"cv": 2, "memory": memory.name, "keep_teachers": True, "random_state": 0}
on_labels, taught = {}, {}
for name in optimizers:
    small = net(StudentNet, (64,), name, max_epochs=30)
    on_labels[name] = NetClassifier(small, random_state=0).fit(X_train, y_train)
    taught[name] = DistilledClassifier(teachers, small, **common).fit(X_train, y_train)

models = {"pool": taught["SGD"].teacher_}
models |= {f"labels, {name}": model for name, model in on_labels.items()}
models |= {f"student, {name}": model for name, model in taught.items()}
report = compare(models, X_test, y_test)
print(report)

# %%
# A student can start from a teacher's weights, too: `student_from_teacher` leaves the second
# layer out, and keeps the 64 most important units of the first.
teacher = clone(dict(teachers)["Adam"]).fit(X_train, y_train)
cut = student_from_teacher(teacher, keep=[0], width=64)
starts = {"fresh": None, "from the teacher": cut.start}
epochs = [1, 3, 10]


def loss_of(student, **params):
    clf = DistilledClassifier(teachers, student, **common, **params).fit(X_train, y_train)
    return log_loss(y_test, clf.predict_proba(X_test))


by_start = {
    name: [
        loss_of(net(StudentNet, (64,), "Adam", max_epochs=n).set_params(start=start))
        for n in epochs
    ]
    for name, start in starts.items()
}

# %%
# In the classical way there are no synthetic rows, `augmenter=None`: only the rows of X, with
# the teachers' probabilities beside the labels. The labels of the digits are clean, and each
# teacher has seen but half of the rows, so that the labels know more: the best alpha is small.
# What the teachers know comes with the synthetic rows, which the students above had.
alphas, temperatures = [0.0, 0.25, 0.5, 0.75, 1.0], [1.0, 4.0]
student = net(StudentNet, (64,), "Adam", max_epochs=30)
by_temperature = {
    T: [loss_of(student, augmenter=None, alpha=alpha, temperature=T) for alpha in alphas]
    for T in temperatures
}
memory.cleanup()

# %%
# The log loss of the test rows; lower is better, and the dashed line is the pool.
fig, axes = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
left, middle, right = axes
losses = [log_loss(y_test, model.predict_proba(X_test)) for model in models.values()]
left.plot(list(optimizers), losses[1:4], "o", color="tab:gray", label="on labels")
left.plot(list(optimizers), losses[4:], "o", color="tab:blue", label="taught by the pool")
left.set(title="By optimizer", ylabel="log loss")
left.margins(x=0.2)
for (name, losses_by_epochs), color in zip(by_start.items(), ["tab:blue", "tab:orange"]):
    middle.plot(epochs, losses_by_epochs, "o-", color=color, label=name)
middle.set(title="By start", xlabel="epochs", xscale="log")
middle.set_xticks(epochs, epochs, minor=False)
middle.minorticks_off()
for (T, losses_by_alpha), shade in zip(by_temperature.items(), [0.4, 0.8]):
    right.plot(alphas, losses_by_alpha, "o-", color=plt.cm.Blues(shade), label=f"T = {T:g}")
right.set(title="Without synthetic rows", xlabel="alpha")
for ax in axes:
    ax.axhline(losses[0], color="black", linestyle="--", linewidth=1)
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
