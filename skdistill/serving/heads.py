"""What becomes of a student's outputs, for each kind of estimator, in all that leaves Python.

A head knows the names and shapes of the predictions, and the nodes of ONNX and the lines of C that
compute them. The estimators do the same in numpy.
"""

import numpy as np

from skdistill.table.target import LARGEST_LOGARITHM, Target

# No output of a net that `load` accepts is larger, see `state.LARGEST_UNIT`.
LARGEST_OUTPUT = 1e37


class ClassifierHead:
    """Logits become probabilities, and the label of the largest one.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    """

    names = ("label", "probabilities")
    skl2onnx_options = {"zipmap": False}
    c_output = "proba"

    def __init__(self, classes):
        self.classes = classes

    def check(self, n_outputs):
        """Check the fitted attributes of a file.

        Parameters
        ----------
        n_outputs : int
            Of the net.

        Raises
        ------
        ValueError
        """
        if len(self.classes) != n_outputs or n_outputs < 2:
            raise ValueError(
                f"it has {len(self.classes)} classes, but its net has {n_outputs} outputs"
            )
        if not (self.classes[1:] > self.classes[:-1]).all():
            raise ValueError("its labels are not sorted, or not distinct")

    def declare(self, graph):
        """Return the declared outputs of an ONNX model."""
        label, proba = self.names
        kinds = {"f": "float32", "O": "str"}
        kind = kinds.get(self._labels_in_onnx().dtype.kind, "int64")
        return [
            graph.declare(label, kind, [None]),
            graph.declare(proba, "float32", [None, len(self.classes)]),
        ]

    def write(self, graph, logits, names, dtype=None):
        """Add the nodes of the predictions to a graph.

        Parameters
        ----------
        graph : skdistill.serving.onnx.Graph
        logits : str
            Name of the outputs of the net.
        names : list of str
            Names of the predictions, in the order of `names`.
        dtype : {"float32", "float64"} or None, default=None
            Type of predictions that are numbers; None is that of `declare`.
        """
        label, proba = names
        best = graph("ArgMax", logits, axis=1, keepdims=0)
        graph("Gather", self._labels_in_onnx(), best, axis=0, output=label)
        # In double precision, as in numpy, so that rows sum to one.
        exact = graph("Softmax", graph.cast(logits, "float64"), axis=1)
        graph.cast(exact, dtype or "float32", output=proba)

    def keys_of_maps(self):
        """Return the labels as the keys that ONNX knows.

        Raises
        ------
        ValueError
            If they are neither integers nor strings.
        """
        labels = self._labels_in_onnx()
        if labels.dtype.kind == "f":
            raise ValueError(
                f"zipmap=True needs labels that are integers or strings, got {self.classes[0]!r}: "
                "export with zipmap=False."
            )
        return labels

    def _labels_in_onnx(self):
        """Return the class labels in a dtype that ONNX knows."""
        kind = self.classes.dtype.kind
        if kind in "biu":
            return self.classes.astype(np.int64)
        if kind == "f":
            return self.classes.astype(np.float32)
        others = [label for label in self.classes.tolist() if not isinstance(label, str)]
        if others:
            raise ValueError(
                f"labels must be strings or numbers in ONNX, got {others[0]!r}: convert them to "
                "strings before fit."
            )
        return self.classes.astype(object)

    def change(self, before, after, X):
        """Return how much the predictions of two `OnnxStudent` differ, as number and as text."""
        changed = np.mean(before.predict(X) != after.predict(X))
        return changed, f"{changed:.2%} of {len(X)} predictions"

    def c_comment(self, quoted):
        """Return what the C function returns and writes, line by line."""
        classes = self.classes.tolist()
        return [
            "returns the index of the most probable class, or -1 if a value is infinite.",
            f"It writes {len(classes)} probabilities:",
            *(f"  proba[{k}]: {quoted(label)}" for k, label in enumerate(classes)),
        ]

    def c_constants(self):
        """Return the arrays of doubles that the C function needs beside the net's, by name."""
        return {}

    def c_lines(self, logits):
        """Return the C code that declares variables, and that which ends the function."""
        end = _PROBABILITIES % {"n_classes": len(self.classes), "logits": logits}
        return "double total = 0.0;\n    long best = 0;", end


_PROBABILITIES = """
    for (j = 1; j < %(n_classes)d; j++)
        if (%(logits)s[j] > %(logits)s[best])
            best = j;
    for (j = 0; j < %(n_classes)d; j++)
        total += proba[j] = exp((double)%(logits)s[j] - (double)%(logits)s[best]);
    for (j = 0; j < %(n_classes)d; j++)
        proba[j] /= total;
    return (int)best;
"""


class RegressorHead:
    """Outputs become targets in the unit of y, and sorted quantiles.

    Parameters
    ----------
    target : Target
    quantiles : list of float
        The net's last outputs, of the first target.
    n_targets : int
    """

    skl2onnx_options: dict = {}
    c_output = "y"

    def __init__(self, target: Target, quantiles, n_targets):
        self.target = target
        self.quantiles = quantiles
        self.n_targets = n_targets

    @property
    def names(self):
        """The names of the outputs in ONNX; that of the targets is skl2onnx's."""
        return ("variable", "quantiles") if self.quantiles else ("variable",)

    def check(self, n_outputs):
        """Check the fitted attributes of a file, as `ClassifierHead.check` does."""
        target, levels = self.target, self.quantiles
        for name, array in (("target_center_", target.center), ("target_scale_", target.scale)):
            if array.dtype != np.float64 or array.shape != (self.n_targets,):
                raise ValueError(
                    f"{name} is {array.dtype} of shape {array.shape}, but n_outputs_ is "
                    f"{self.n_targets}"
                )
        if target.link not in ("identity", "log"):
            raise ValueError(f"its link_ is {target.link!r:.100}, expected 'identity' or 'log'")
        are_sorted = all(a < b for a, b in zip([0, *levels], [*levels, 1]))
        if not are_sorted or (levels and self.n_targets > 1):
            raise ValueError(
                f"its quantiles_ are {levels!r:.100}, expected sorted numbers between 0 and 1, and "
                "none for several targets"
            )
        if n_outputs != self.n_targets + len(levels):
            raise ValueError(
                f"it has {self.n_targets} targets and {len(levels)} quantiles, but its net has "
                f"{n_outputs} outputs"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            ends = [target.predictions(sign * LARGEST_OUTPUT) for sign in (-1, 1)]
            ends += [target.unscaled(sign * LARGEST_OUTPUT) for sign in (-1, 1) if levels]
        if not (np.isfinite(ends).all() and (target.scale > 0).all()):
            raise ValueError(
                "its target_center_ or target_scale_ is not finite, not above 0, or so large that "
                "predictions could be infinite"
            )

    def declare(self, graph):
        """Return the declared outputs of an ONNX model."""
        sizes = self.n_targets, len(self.quantiles)
        # Doubles: a float32 has seven digits, of which a large center takes some.
        return [graph.declare(name, "float64", [None, n]) for name, n in zip(self.names, sizes)]

    def write(self, graph, outputs, names, dtype=None):
        """Add the nodes of the predictions to a graph, as `ClassifierHead.write` does."""
        outputs, dtype, n = graph.cast(outputs, "float64"), dtype or "float64", self.n_targets
        targets = self._columns(graph, outputs, 0, n) if self.quantiles else outputs
        if self.target.link == "log":
            targets = graph("Exp", graph("Min", targets, np.array(LARGEST_LOGARITHM)))
        graph.cast(self._unscaled(graph, targets), dtype, output=names[0])
        if len(names) > 1:
            k = len(self.quantiles)
            values = self._unscaled(graph, self._columns(graph, outputs, n, n + k))
            if self.target.link == "log":
                values = graph("Max", values, np.array(0.0))
            ascending = graph("TopK", values, np.array([k]), largest=0, sorted=1, n_outputs=2)
            graph.cast(ascending, dtype, output=names[1])

    def _columns(self, graph, matrix, start, end):
        return graph("Slice", matrix, np.array([start]), np.array([end]), np.array([1]))

    def _unscaled(self, graph, outputs):
        return graph("Add", graph("Mul", outputs, self.target.scale), self.target.center)

    def keys_of_maps(self):
        """Refuse maps from labels to probabilities."""
        raise ValueError(
            "zipmap=True maps labels to probabilities, but a regressor has none: export with "
            "zipmap=False."
        )

    def change(self, before, after, X):
        """Return how much the predictions of two `OnnxStudent` differ, as number and as text."""
        squares = [np.square(before.predict(X) - after.predict(X)).reshape(len(X), -1)]
        if self.quantiles:
            one, other = (each.predict(X, quantiles=True) for each in (before, after))
            squares.append(np.square(one - other))
        changed = np.sqrt(np.mean(np.hstack(squares) / self.target.scale**2))
        return changed, f"predictions by {changed:.2%} of target_scale_ (root mean square)"

    def c_comment(self, quoted):
        """Return what the C function returns and writes, line by line."""
        written = [f"target {k}" for k in range(self.n_targets)] if self.n_targets > 1 else ["y"]
        written += [f"its quantile {level:g}" for level in self.quantiles]
        return [
            "returns 0, or -1 if a value is infinite.",
            f"It writes {len(written)} numbers:",
            *(f"  y[{k}]: {each}" for k, each in enumerate(written)),
        ]

    def c_constants(self):
        """Return the arrays of doubles that the C function needs beside the net's, by name."""
        return {"target_center": self.target.center, "target_scale": self.target.scale}

    def c_lines(self, outputs):
        """Return the C code that declares variables, and that which ends the function."""
        value = f"(double){outputs}[j]"
        if self.target.link == "log":
            value = f"exp(fmin({value}, {LARGEST_LOGARITHM:.1f}))"
        names = {
            "outputs": outputs,
            "value": value,
            "n_targets": self.n_targets,
            "n_outputs": self.n_targets + len(self.quantiles),
            "clip": "        value = fmax(value, 0.0);\n" if self.target.link == "log" else "",
        }
        quantiles = _QUANTILES % names if self.quantiles else ""
        return "", _TARGETS % names + quantiles + "    return 0;\n"


_TARGETS = """
    for (j = 0; j < %(n_targets)d; j++)
        y[j] = target_center[j] + target_scale[j] * %(value)s;
"""

# Each is inserted below those that are larger.
_QUANTILES = """
    for (j = %(n_targets)d; j < %(n_outputs)d; j++) {
        double value = target_center[0] + target_scale[0] * (double)%(outputs)s[j];
%(clip)s        for (k = j; k > %(n_targets)d && y[k - 1] > value; k--)
            y[k] = y[k - 1];
        y[k] = value;
    }
"""
