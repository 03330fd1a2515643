"""A student cut from a torch teacher's layers, which begins with the teacher's weights."""

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

TAKEN = (
    "student_from_teacher takes a fitted NetClassifier over StudentMLP; a fitted skorch net whose "
    "module is an nn.Sequential of nn.Linear, BatchNorm1d, activations and dropout that ends with "
    "nn.Linear (or a softmax behind it), or does nothing but apply one; or such an nn.Sequential"
)


def student_from_teacher(net, keep=None, width=None):
    """Cut a student out of a trained torch teacher, to start from the teacher's weights.

    The student keeps the teacher's first and last hidden layers, or those in `keep`. One
    that is dropped is not skipped but taken for linear (its ReLU for half of what comes in)
    and multiplied into the next, so that what is kept finds what it was trained on. Of a
    layer that is narrowed those units stay whose weights, coming in and going out, have the
    largest product of norms.

    Parameters
    ----------
    net : NetClassifier, skorch.NeuralNet or torch.nn.Sequential
        Fitted: a `NetClassifier` over `StudentMLP`, or a skorch net whose module is, or does
        nothing but apply, an ``nn.Sequential`` of ``nn.Linear``, ``nn.BatchNorm1d`` and
        layers without weights. A softmax at its end is left out: students return logits.
    keep : sequence of int, default=None
        The hidden layers that stay, counted from 0, or from -1 backwards. None: the first
        and the last.
    width : int or sequence of int, default=None
        Units of each layer that stays; None for all of them.

    Returns
    -------
    student : StudentNet or skorch.NeuralNet
        Unfitted, for ``DistilledClassifier(student=…)``; each training begins with the
        teacher's weights. From a `NetClassifier`, a `StudentNet` that sees a table as its
        teacher did, with the same scales, categories and bins, whatever `categorical_features`
        says. From a skorch net, one of its class and settings; its module gets X in float32
        as it is, so what is before the net in a pipeline has to be applied before.

    Raises
    ------
    TypeError
        If `net` is of another kind, or not fitted.
    ValueError
        If `keep` or `width` names what the teacher does not have. In
        `DistilledClassifier.fit`, if the table has not as many columns and classes as the
        teacher's.

    Notes
    -----
    A teacher that was fitted on the rows that the student is given has seen the labels of
    those that judge the student, so the first ``valid_loss`` of its `history_` are too good.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdistill import DistilledClassifier, NetClassifier, TensorNet
    >>> from skdistill import StudentMLP, student_from_teacher
    >>> X, y = load_iris(return_X_y=True)
    >>> net = TensorNet(StudentMLP, module__hidden_sizes=(64, 64, 64), max_epochs=5)
    >>> teacher = NetClassifier(net, random_state=0)
    >>> student = student_from_teacher(teacher.fit(X, y), width=16)
    >>> student.module__hidden_sizes
    (16, 16)
    >>> clf = DistilledClassifier([("net", teacher)], student, random_state=0).fit(X, y)
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
        return StudentNet(LayerStack, module__layers=_cut_stack(stack, keep, width))
    raise TypeError(f"{TAKEN}, got {type(net).__name__}, or one that is not fitted.")


@dataclass
class _Layer:
    """A linear layer, and what a batch norm behind it does to its units."""

    weight: np.ndarray  # (n_out, n_in)
    bias: np.ndarray
    scale: np.ndarray | float = 1.0
    shift: np.ndarray | float = 0.0
    slope: float = 1.0  # of the line that its activation is nearest to
    units: np.ndarray | None = None  # those that stay

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
        """Weight and bias of a linear map in place of layer, batch norm and activation."""
        scale = np.broadcast_to(self.slope * self.scale, self.bias.shape)
        return scale[:, None] * self.weight, scale * self.bias + self.slope * self.shift

    def after(self, weight, bias):
        """The layer on what goes into another, which is dropped."""
        return replace(self, weight=self.weight @ weight, bias=self.weight @ bias + self.bias)


def _cut(layers, keep, width):
    """The layers that stay, as wide as they are to be.

    Parameters
    ----------
    layers : list of _Layer
        The last of them is the output.
    keep, width
        As in `student_from_teacher`.

    Returns
    -------
    kept : list of int
        Indices of the hidden layers that stay.
    layers : list of _Layer
        These and the output.
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
    """Keep the units that matter most, in their order."""
    coming_in = np.linalg.norm(layer.folded()[0], axis=1)
    going_out = np.linalg.norm(following.weight, axis=0)
    units = np.sort(np.argsort(-coming_in * going_out, kind="stable")[:n_units])
    narrowed = replace(layer, weight=layer.weight[units], bias=layer.bias[units], units=units)
    return narrowed, replace(following, weight=following.weight[:, units])


def _from_net_classifier(teacher, keep, width):
    module = teacher.net_.module_
    if not is_student_mlp(module):
        raise TypeError(f"{TAKEN}, got a NetClassifier over {type(module).__name__}.")
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
    return StudentNet(
        start={"inputs": teacher.inputs_.to_arrays(), "arrays": arrays},
        module__hidden_sizes=tuple(len(layer.bias) for layer in cut[:-1]),
        module__dropout=module.dropout.p,
        module__n_frequencies=0 if module.periodic is None else module.periodic.frequency.shape[1],
        module__bin_embedding_size=0 if module.bins is None else module.bins.increment.shape[2],
        module__category_embedding_size=0
        if module.categories is None
        else module.categories.vector.shape[1],
    )


def _cut_stack(stack, keep, width):
    """The same for a plain stack of modules, as an `nn.Sequential`."""
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
    """The plain stack that a module is, or applies, on the processor and in float32."""
    module = copy.deepcopy(module).cpu().float().eval()
    if isinstance(module, nn.Sequential):
        return module
    children = list(module.children())
    if len(children) == 1 and isinstance(children[0], nn.Sequential):
        _, blocks = _blocks(children[0])
        if _does_as(module, children[0], blocks[0][0].in_features):
            return children[0]
    raise TypeError(f"{TAKEN}, got a module {type(module).__name__} that is none.")


def _does_as(module, stack, n_features):
    """Whether a module does nothing but apply its stack."""
    X = torch.linspace(-1, 1, 4 * n_features).sin().view(4, n_features)
    with torch.inference_mode():
        try:
            return torch.equal(module(X), stack(X))
        except (TypeError, ValueError, RuntimeError):  # it takes other things than a table
            return False


def _blocks(stack):
    """A stack as the modules before its first linear layer, and pairs (linear, followers)."""
    modules = list(_flattened(stack))
    if modules and isinstance(modules[-1], (nn.Softmax, nn.LogSoftmax)):
        modules.pop()
    for module in modules:
        has_weights = next(module.parameters(), None) is not None
        if has_weights and not isinstance(module, (nn.Linear, nn.BatchNorm1d)):
            raise TypeError(f"{TAKEN}, got one with {module}.")
    places = [i for i, module in enumerate(modules) if isinstance(module, nn.Linear)]
    if len(places) < 2 or places[-1] != len(modules) - 1:
        raise TypeError(
            f"{TAKEN}, and has one hidden layer at least, got "
            f"{[type(module).__name__ for module in modules]}."
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
    """A layer behind a linear one, for those of its units that stay."""
    if not isinstance(module, nn.BatchNorm1d):
        return module
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim:  # the number of batches is of the whole layer
            tensor.data = tensor.data[units]
    module.num_features = len(units)
    return module


def _slope(followers):
    """Slope of the line that comes nearest to the activation of a standard normal number."""
    z = torch.special.ndtri((torch.arange(1000) + 0.5) / 1000)
    activated = z[:, None]
    for module in followers:
        if not isinstance(module, nn.BatchNorm1d):
            activated = module(activated)
    return float(z @ activated[:, 0] / (z @ z))


def _scale_and_shift(norm):
    """What a batch norm does to a unit once it is trained."""
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
    """Indices of the hidden layers that stay, each from 0 on."""
    if n_hidden == 0:
        raise ValueError("the teacher has no hidden layer to cut a student from.")
    if keep is None:
        return sorted({0, n_hidden - 1})
    asked = list(keep) if isinstance(keep, Sequence) else [keep]
    if all(isinstance(i, Integral) for i in asked):
        kept = [int(i) + (n_hidden if i < 0 else 0) for i in asked]
        if kept and sorted(set(kept)) == kept and kept[0] >= 0 and kept[-1] < n_hidden:
            return kept
    raise ValueError(
        f"keep must name some of the teacher's hidden layers 0 to {n_hidden - 1}, in their order "
        f"and each once, got {keep!r}."
    )


def _check_width(width, most):
    """Units of each layer that stays."""
    if width is None:
        return most
    widths = list(width) if isinstance(width, Sequence) else [width] * len(most)
    fits = len(widths) == len(most) and all(isinstance(each, Integral) for each in widths)
    if not fits or any(not 1 <= each <= limit for each, limit in zip(widths, most)):
        raise ValueError(
            f"width must be an int, or {len(most)} of them, and at most as wide as the teacher's "
            f"layers, {most}, got {width!r}."
        )
    return widths
