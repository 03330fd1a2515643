"""Nets trained by Hugging Face Accelerate, in as many processes as run this file.

torchrun --nproc_per_node 2 tests/accelerated.py FOLDER
"""

import json
import sys
from pathlib import Path

import pytest
from skorch import NeuralNet
from skorch.hf import AccelerateMixin

from skdistill import DistillationLoss, NetClassifier, StudentMLP, StudentNet, TensorNet
from tests.small import numeric_rows, quick_classifier, two_trees

accelerate = pytest.importorskip("accelerate", reason="pip install 'skdistill[accelerate]'")

# Without dropout, whose masks would differ between one process and two.
SMALL = {
    "module__hidden_sizes": (8,), "module__dropout": 0.0, "max_epochs": 4, "batch_size": 20
}  # fmt: skip
NEW_ROWS = 7  # no multiple of the processes


class AcceleratedStudent(AccelerateMixin, StudentNet):
    """A student that several processes train."""


class AcceleratedNet(AccelerateMixin, TensorNet):
    """A teacher's net that several processes train."""


class AcceleratedSkorchNet(AccelerateMixin, NeuralNet):
    """A net whose processes would not stop together."""


class SeenRows(StudentMLP):
    """A module that notes the first number of each row that it is trained on."""

    seen: list = []

    def forward(self, X):
        if self.training:
            self.seen.append(X[:, 0].tolist())
        return super().forward(X)


def distilled(student, **params):
    X, y = numeric_rows(200)
    return quick_classifier(two_trees(), student, **params).fit(X, y)


def refusal(student, **params):
    """What is told of a student that is refused."""
    with pytest.raises(ValueError, match="processes") as told:
        distilled(student, **params)
    return str(told.value)


def what_a_process_finds():
    """Return what the tests ask about, of nets trained by all processes together."""
    accelerator = accelerate.Accelerator(cpu=True)
    X, y = numeric_rows(200)
    own = {"accelerator": accelerator, **SMALL}
    student = AcceleratedStudent(**own)
    clf = distilled(student)
    net = NetClassifier(AcceleratedNet(StudentMLP, **own), random_state=0).fit(X, y)
    found = {
        "n_processes": accelerator.num_processes,
        "student": clf.predict_proba(X[:NEW_ROWS]).tolist(),
        "history": clf.history_,
        # Of an even number of rows two processes leave none out.
        "of all rows": distilled(student, validation_fraction=None)
        .predict_proba(X[:NEW_ROWS])
        .tolist(),
        "teacher": net.predict_proba(X[:NEW_ROWS]).tolist(),
    }
    SeenRows.seen = []
    one_epoch = AcceleratedNet(SeenRows, **own | {"max_epochs": 1}, train_split=None)
    NetClassifier(one_epoch, random_state=0).fit(X, y)
    found["seen"] = SeenRows.seen
    if accelerator.num_processes > 1:
        settings = {"n_jobs": 2, "memory": "cache", "max_time": 9, "random_state": None}
        found["refused"] = {name: refusal(student, **{name: settings[name]}) for name in settings}
        plain = AcceleratedSkorchNet(StudentMLP, DistillationLoss, accelerator=accelerator)
        found["refused"]["plain"] = refusal(plain)
    return found, accelerator.process_index


if __name__ == "__main__":
    found, index = what_a_process_finds()
    Path(sys.argv[1], f"{index}.json").write_text(json.dumps(found))
