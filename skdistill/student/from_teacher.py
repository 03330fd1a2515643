"""`student_from_teacher`, which cuts a student from a torch teacher's layers and weights."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNet
from torch import nn

from skdistill.nets.modules import LayerStack, is_student_mlp
from skdistill.student.student_net import StudentNet

# Weights that are trained already need smaller steps than new ones.
LR = 4e-3
EXPECTED = (
    "expected an nn.Sequential of Linear, BatchNorm1d, activation and dropout layers that ends "
    "with Linear, or with a softmax after it. Pass such a stack, a fitted skorch net over one or "
    "over a module that only applies one, or a fitted NetClassifier over StudentMLP."
)


def student_from_teacher(net, keep=None, width=None):
    """Cut a student from a trained torch teacher; it starts from the teacher's weights.

    Parameters
    ----------
    net : NetClassifier, skorch.NeuralNet or torch.nn.Sequential
        A fitted `NetClassifier` over `StudentMLP`, a fitted skorch net over a stack of layers,
        or the stack itself. A stack is an ``nn.Sequential`` of ``nn.Linear``,
        ``nn.BatchNorm1d`` and layers without weights that ends with ``nn.Linear``. A module
        that only applies such a stack works as well. A final softmax is dropped, because
        students return logits.
    keep : sequence of int, default=None
        Indices of the hidden layers to keep, in ascending order; -1 is the last. None keeps
        the first and the last.
    width : int or sequence of int, default=None
        Number of units of each kept layer. None keeps all units.

    Returns
    -------
    student : StudentNet or skorch.NeuralNet
        Unfitted, for ``DistilledClassifier(student=…)``. Each training starts from the
        teacher's weights. A `NetClassifier` gives a `StudentNet` with the teacher's scaling,
        categories and bins; `categorical_features` does not change them. A skorch net gives a
        net of the same class and settings. Its module gets X unchanged, in float32, so apply
        the preceding steps of a pipeline yourself.

    Raises
    ------
    TypeError
        If `net` is not fitted, or of another type.
    ValueError
        If the teacher does not have the layers in `keep` or the units in `width`, or has no
        hidden layer. `DistilledClassifier.fit` raises it if the table has another number of
        columns or classes than the teacher's.

    See Also
    --------
    StudentNet : The default student.
    NetClassifier : A torch teacher.

    Notes
    -----
    A dropped hidden layer h ↦ relu(W h + b) is replaced by the linear map h ↦ (W h + b) / 2 and
    multiplied into the next layer. So the next layer gets nearly the input that it was trained
    on. For other activations, 1/2 is replaced by the slope of the line that fits the activation
    best under a standard normal input. A narrowed layer keeps the units with the largest
    product of two norms: of their incoming and of their outgoing weights.

    If the teacher was fitted on the rows of the student, it has seen the labels of the
    validation rows. The first ``valid_loss`` values of `history_` are then too low.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import DistilledClassifier, NetClassifier, TensorNet
    >>> from skdistill import StudentMLP, student_from_teacher
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TensorNet(StudentMLP, module__hidden_sizes=(64, 64, 64), max_epochs=5)
    >>> teacher = NetClassifier(net, random_state=0)
    >>> student = student_from_teacher(teacher.fit(X, y), width=16).set_params(max_epochs=5)
    >>> student.module__hidden_sizes
    (16, 16)
    >>> clf = DistilledClassifier(
    ...     [("net", teacher)], student, cv=2, augmenter=None, random_state=0
    ... ).fit(X, y)
    >>> clf.predict_proba(X).shape
    (150, 3)
    """
    if hasattr(net, "inputs_") and hasattr(net, "net_"):
        return _from_net_classifier(net, keep, width)
    if isinstance(net, NeuralNet) and net.initialized_:
        stack = _stack_of(net.module_)
        params = clone(net).get_params(deep=False)
        kept = {
            name: value
            for name, value in params.items()
            if not name.startswith(("module", "criterion"))
        }
        return type(net)(LayerStack, module__layers=_cut_stack(stack, keep, width), **kept)
    if isinstance(net, nn.Sequential):
        stack = _stack_of(net)
        return StudentNet(LayerStack, lr=LR, module__layers=_cut_stack(stack, keep, width))
    is_unfitted = isinstance(net, NeuralNet) or (hasattr(net, "net") and not hasattr(net, "net_"))
    kind = f"{'an unfitted' if is_unfitted else 'a'} {type(net).__name__}"
    raise TypeError(f"cannot cut a student from {kind}: {EXPECTED}")


@dataclass
class _Layer:
    """A linear layer, and the scale and shift of the batch norm after it."""

    weight: np.ndarray  # (n_out, n_in)
    bias: np.ndarray
    scale: np.ndarray | float = 1.0
    shift: np.ndarray | float = 0.0
    slope: float = 1.0  # of the line that fits its activation best
    units: np.ndarray | None = None  # indices of the kept units

    @classmethod
    def of(cls, linear, followers=()):
        layer = cls(_array(linear.weight), np.zeros(linear.out_features), slope=_slope(followers))
        if linear.bias is not None:
            layer.bias = _array(linear.bias)
        for norm in (each for each in followers if isinstance(each, nn.BatchNorm1d)):
            scale, shift = _scale_and_shift(norm)
            layer.scale, layer.shift = layer.scale * scale, layer.shift * scale + shift
        return layer

    def folded(self):
        """Return weight and bias of the linear map for layer, batch norm and activation."""
        scale = np.broadcast_to(self.slope * self.scale, self.bias.shape)
        return scale[:, None] * self.weight, scale * self.bias + self.slope * self.shift

    def after(self, weight, bias):
        """Return the layer after a linear map of its input, as one layer."""
        return replace(self, weight=self.weight @ weight, bias=self.weight @ bias + self.bias)


def _cut(layers, keep, width):
    """Select and narrow the layers of the student.

    Parameters
    ----------
    layers : list of _Layer
        The hidden layers and the output layer.
    keep, width
        As in `student_from_teacher`.

    Returns
    -------
    kept : list of int
        Indices of the kept hidden layers.
    layers : list of _Layer
        The kept hidden layers and the output layer.
    """
    n_hidden = len(layers) - 1
    kept = _check_keep(keep, n_hidden)
    widths = _check_width(width, [len(layers[i].bias) for i in kept])
    cut = []
    dropped = None
    for i, layer in enumerate(layers):
        if dropped is not None:
            layer = layer.after(*dropped)
        if i in kept or i == n_hidden:
            cut.append(layer)
            dropped = None
        else:
            dropped = layer.folded()
    for i, n_units in enumerate(widths):
        cut[i], cut[i + 1] = _narrow(cut[i], cut[i + 1], n_units)
    return kept, cut


def _narrow(layer, following, n_units):
    """Keep the units with the largest weights, in their order."""
    incoming = np.linalg.norm(layer.folded()[0], axis=1)
    outgoing = np.linalg.norm(following.weight, axis=0)
    units = np.sort(np.argsort(-incoming * outgoing, kind="stable")[:n_units])
    narrowed = replace(layer, weight=layer.weight[units], bias=layer.bias[units], units=units)
    return narrowed, replace(following, weight=following.weight[:, units])


def _from_net_classifier(teacher, keep, width):
    module = teacher.net_.module_
    if not is_student_mlp(module):
        raise TypeError(
            f"cannot cut a student from a NetClassifier over {type(module).__name__}: {EXPECTED}"
        )
    layers = [_Layer.of(layer, [nn.ReLU()]) for layer in module.hidden]
    kept, cut = _cut([*layers, _Layer.of(module.out)], keep, width)
    is_layer = ("hidden.", "out.")
    arrays = {
        name: _array(tensor)
        for name, tensor in module.state_dict().items()
        if not name.startswith(is_layer)
    }
    for i, layer in enumerate(cut):
        name = f"hidden.{i}" if i < len(kept) else "out"
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = layer.weight, layer.bias
    own = teacher.net_.get_params_for("module")
    return StudentNet(
        lr=LR,
        start={"inputs": teacher.inputs_.to_arrays(), "arrays": arrays},
        module__hidden_sizes=tuple(len(layer.bias) for layer in cut[:-1]),
        module__dropout=module.dropout.p,
        module__n_frequencies=0 if module.periodic is None else module.periodic.frequency.shape[1],
        module__bin_embedding_size=0 if module.bins is None else module.bins.increment.shape[1],
        module__category_embedding_size=0
        if module.categories is None
        else module.categories.vector.shape[1],
        **{f"module__{name}": own[name] for name in own if name == "bin_dropout"},
    )


def _cut_stack(stack, keep, width):
    """Cut a student from a stack of modules; return it as an `nn.Sequential`."""
    before, blocks = _blocks(stack)
    kept, cut = _cut([_Layer.of(*block) for block in blocks], keep, width)
    modules = before
    for i, layer in zip([*kept, len(blocks) - 1], cut):
        linear = nn.Linear(layer.weight.shape[1], layer.weight.shape[0])
        linear.load_state_dict(
            {"weight": torch.as_tensor(layer.weight), "bias": torch.as_tensor(layer.bias)}
        )
        modules += [linear, *(_narrowed(each, layer.units) for each in blocks[i][1])]
    return nn.Sequential(*modules)


def _stack_of(module):
    """Return the stack that a module is or applies, on the CPU and in float32."""
    module = copy.deepcopy(module).cpu().float().eval()
    if isinstance(module, nn.Sequential):
        return module
    children = list(module.children())
    if len(children) == 1 and isinstance(children[0], nn.Sequential):
        _, blocks = _blocks(children[0])
        if _only_applies(module, children[0], blocks[0][0].in_features):
            return children[0]
    raise TypeError(f"cannot cut a student from a {type(module).__name__} module: {EXPECTED}")


def _only_applies(module, stack, n_features):
    """Tell whether a module does nothing but apply its stack."""
    X = torch.linspace(-1, 1, 4 * n_features).sin().view(4, n_features)
    with torch.inference_mode():
        try:
            return torch.equal(module(X), stack(X))
        except Exception:  # its input is not a table
            return False


def _blocks(stack):
    """Split a stack into the modules before its first linear layer, and (linear, followers)."""
    modules = list(_flattened(stack))
    if modules and isinstance(modules[-1], (nn.Softmax, nn.LogSoftmax)):
        modules.pop()
    for module in modules:
        has_weights = next(module.parameters(), None) is not None
        if has_weights and not isinstance(module, (nn.Linear, nn.BatchNorm1d)):
            raise TypeError(f"cannot cut a student from a stack with {module}: {EXPECTED}")
    places = [i for i, module in enumerate(modules) if isinstance(module, nn.Linear)]
    if len(places) < 2 or places[-1] != len(modules) - 1:
        raise TypeError(
            f"cannot cut a student from the layers {[type(each).__name__ for each in modules]}: "
            f"it needs at least one hidden layer; {EXPECTED}"
        )
    ends = [*places[1:], len(modules)]
    blocks = [(modules[i], modules[i + 1 : end]) for i, end in zip(places, ends)]
    return modules[: places[0]], blocks


def _flattened(stack):
    for module in stack:
        if isinstance(module, nn.Sequential):
            yield from _flattened(module)
        else:
            yield module


def _narrowed(module, units):
    """Narrow a module that follows a linear layer to the kept units."""
    if not isinstance(module, nn.BatchNorm1d):
        return module
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim:  # not the number of batches, a scalar
            tensor.data = tensor.data[units]
    module.num_features = len(units)
    return module


def _slope(followers):
    """Return the slope of the best linear fit to the activation, for standard normal input."""
    z = torch.special.ndtri((torch.arange(1000) + 0.5) / 1000)
    activated = z[:, None]
    for module in followers:
        if not isinstance(module, nn.BatchNorm1d):
            activated = module(activated)
    return float(z @ activated[:, 0] / (z @ z))


def _scale_and_shift(norm):
    """Return the scale and shift that a trained batch norm applies to each unit."""
    scale, shift = np.ones(norm.num_features), np.zeros(norm.num_features)
    if norm.running_var is not None:
        scale = 1 / np.sqrt(_array(norm.running_var) + norm.eps)
        shift = -scale * _array(norm.running_mean)
    if norm.affine:
        scale, shift = _array(norm.weight) * scale, _array(norm.weight) * shift + _array(norm.bias)
    return scale, shift


def _array(tensor):
    return tensor.detach().cpu().float().numpy().copy()


def _check_keep(keep, n_hidden):
    """Check `keep`; return the indices of the kept hidden layers, all non-negative."""
    if n_hidden == 0:
        raise ValueError(
            "the teacher has no hidden layer to cut a student from: pass one with at least one."
        )
    if keep is None:
        return sorted({0, n_hidden - 1})
    indices = list(keep) if isinstance(keep, Sequence) else [keep]
    if all(isinstance(i, Integral) for i in indices):
        kept = [int(i) + (n_hidden if i < 0 else 0) for i in indices]
        if kept and sorted(set(kept)) == kept and kept[0] >= 0 and kept[-1] < n_hidden:
            return kept
    raise ValueError(
        f"keep must name some of the teacher's hidden layers 0 to {n_hidden - 1}, in ascending "
        f"order and without repeats, got {keep!r}."
    )


def _check_width(width, most):
    """Check `width`; return the number of units of each kept layer."""
    if width is None:
        return most
    widths = list(width) if isinstance(width, Sequence) else [width] * len(most)
    fits = len(widths) == len(most) and all(isinstance(each, Integral) for each in widths)
    if not fits or any(not 1 <= each <= limit for each, limit in zip(widths, most)):
        raise ValueError(
            f"width must be an int, or {len(most)} of them, and at most the widths of the "
            f"teacher's layers, {most}, got {width!r}."
        )
    return widths
