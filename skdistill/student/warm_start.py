"""`warm_start`: a student that is trained on from where the last `fit` left it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from skorch import NeuralNet

from skdistill.nets.modules import StudentMLP
from skdistill.serving.forward import ForwardPass
from skdistill.student.budget import narrowed
from skdistill.student.from_teacher import LR


@dataclass
class PresentStudent:
    """What a fitted estimator knows of its student.

    Parameters
    ----------
    student : ForwardPass or TorchForward
    inputs : NetInputs or UnscaledInputs
    columns : dict
        ``n_features_in_`` and the like.
    attributes : dict
        Of the task, such as ``classes_``.
    has_budget : bool
        Whether sizes that are given are only the largest, because of `max_latency` or `max_size`.
    """

    student: Any
    inputs: Any
    columns: dict
    attributes: dict
    has_budget: bool

    @classmethod
    def of(cls, estimator):
        """Return the present student of an estimator; None without `warm_start` or a fit."""
        if not (estimator.warm_start and estimator.__sklearn_is_fitted__()):
            return None
        fitted = {name: each for name, each in vars(estimator).items() if name.endswith("_")}
        columns = {name: each for name, each in fitted.items() if name.endswith("_in_")}
        has_budget = estimator.max_latency is not None or estimator.max_size is not None
        return cls(estimator.student_, estimator.inputs_, columns, fitted, has_budget)

    def start(self, net: NeuralNet, data):
        """Let a net start from this student.

        Parameters
        ----------
        net : skorch.NeuralNet
            Unfitted; it is changed.
        data : TrainingData
            Its targets get the unit in which this student was trained.

        Raises
        ------
        ValueError
            If the rows have other columns or classes, if other columns are categorical, or if the
            student is no `StudentMLP`.
        """
        data.resume(self.attributes)
        expected = self.columns | {name: self.attributes[name] for name in data.task.attributes}
        given = data.columns | data.task.attributes
        for name in sorted(expected | given):
            before, now = expected.get(name), given.get(name)
            if before is None or now is None or not np.array_equal(before, now):
                raise ValueError(
                    f"warm_start goes on with a student whose {name} is {before}, but of the rows "
                    f"given it is {now}: fit on rows of the same columns and classes, or set "
                    "warm_start=False."
                )
        if not (isinstance(self.student, ForwardPass) and net.module is StudentMLP):
            raise ValueError(
                "warm_start goes on with a StudentNet over StudentMLP, but the student is or was "
                f"of another module, {net.module!r:.80}: set warm_start=False."
            )
        self._check_categorical(data)
        sizes = _sizes(self.student)
        own = net.get_params_for("module")
        for name, size in sizes.items():
            if name not in own or (self.has_budget and _is_narrowed(size, own[name])):
                net.set_params(**{f"module__{name}": size})
        start = {"inputs": self.inputs.to_arrays(), "arrays": _parameters(self.student)}
        net.set_params(start=start, lr=LR if net.lr == "auto" else net.lr)

    def _check_categorical(self, data):
        """Check that the columns that are categorical are those that the student embeds."""
        before, now = self.inputs.encoder.is_categorical_, data.encoder.is_categorical_
        if not np.array_equal(before, now):
            names = self.columns.get("feature_names_in_", np.arange(len(before)))
            raise ValueError(
                f"warm_start goes on with a student whose categorical columns are "
                f"{names[before].tolist()}, but of the rows given they are {names[now].tolist()}: "
                "convert the columns to the types that they had, name those with categories in "
                "categorical_features, or set warm_start=False."
            )


def _sizes(student):
    """Return the sizes of a student's module, as the parameters of `StudentMLP`."""
    return {
        "hidden_sizes": tuple(bias.size for _, bias in student.weights[:-1]),
        "n_frequencies": 0 if student.periodic is None else student.periodic[0].shape[1],
        "bin_embedding_size": 0 if student.bins is None else student.bins.shape[1],
        "category_embedding_size": 0 if student.categories is None else student.categories.shape[1],
    }


def _is_narrowed(size, largest):
    """Tell whether a budget may have made this size of the largest one."""
    if not isinstance(size, tuple):
        return size == 0  # embeddings are given up as a whole
    units = max(size, default=0)
    return units <= max(largest, default=0) and size == narrowed(largest, units)


def _parameters(student):
    """Return the arrays of a student as the parameters of `StudentMLP`, by name."""
    *hidden, out = student.weights
    layers = {f"hidden.{i}": layer for i, layer in enumerate(hidden)} | {"out": out}
    arrays = {f"{name}.weight": weight.T for name, (weight, _) in layers.items()}
    arrays |= {f"{name}.bias": bias for name, (_, bias) in layers.items()}
    if student.periodic is not None:
        names = ("frequency", "phase", "weight", "bias")
        arrays |= {f"periodic.{name}": array for name, array in zip(names, student.periodic)}
    if student.bins is not None:
        arrays["bins.increment"] = _increments(student.bins, student.layout.n_bins)
    if student.categories is not None:
        arrays["categories.vector"] = student.categories
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def _increments(table, n_bins):
    """Return the increments of which `BinEmbedding` makes a table of one vector per bin."""
    increments = np.diff(table, axis=0, prepend=table[:1])
    first = np.cumsum([0, *n_bins[:-1]])
    increments[first] = table[first]
    return increments
