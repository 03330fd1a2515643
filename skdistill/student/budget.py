"""`Budget`: the widest student that keeps a latency and a size, measured before it is trained."""

import math
import re
from copy import copy
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from inspect import signature
from typing import Any

import numpy as np
from skorch import NeuralNet

from skdistill.effort import Effort
from skdistill.inspection.measuring import microseconds
from skdistill.inspection.pipelines import size_in_bytes
from skdistill.jobs.clock import Clock
from skdistill.jobs.seeds import draw_seed
from skdistill.nets.cloning import clone_net
from skdistill.nets.interface import settle
from skdistill.nets.modules import StudentMLP
from skdistill.nets.training import seeded
from skdistill.sklearn_private import safe_indexing
from skdistill.student.recipe import Candidate
from skdistill.student.student_net import fit_inputs, plain_forward
from skdistill.table.containers import is_frame
from skdistill.warn import warn_user

_SIZE = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*([kKmMgG]?[bB])\s*")
UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
# Widths are multiples of it; narrower layers are hardly smaller or quicker.
FEWEST_UNITS = 8
# Below it, a student is wider and better without embeddings.
FEWEST_UNITS_WITH_EMBEDDINGS = 32
# Embeddings are given up in this order: the first takes most of the time.
EMBEDDINGS = ("n_frequencies", "bin_embedding_size")
ROWS_TO_TIME, REPETITIONS = 50, 5
# What is measured later should keep the latency too.
SHARE_OF_LATENCY = 0.95
MOST_CANDIDATES, MEASURES_OF_ONE, MEASURES_OF_PAIRS = 4, 2, 5


@dataclass
class Cost:
    """What predicting with a student costs: seconds for one row, and bytes of its file."""

    latency: float
    size: int


@dataclass
class Budget:
    """The budget of a student, whose layers are narrowed until it keeps it.

    Parameters
    ----------
    max_latency : float or None
        Seconds.
    max_size : int or None
        Bytes.
    estimator : BaseDistilled
        Unfitted, with its parameters and columns. Copies of it are measured.
    net : skorch.NeuralNet
        Unfitted, as wide as the student may be.
    effort : Effort
    fitted : dict
        Attributes that the estimator will have, as far as they are known.
    """

    max_latency: float | None
    max_size: int | None
    estimator: Any
    net: NeuralNet
    effort: Effort
    fitted: dict = field(default_factory=dict)

    @classmethod
    def of(cls, estimator, net, effort):
        """Return the budget of an estimator, which may be without a limit."""
        size = None if estimator.max_size is None else parse_size(estimator.max_size)
        return cls(estimator.max_latency, size, estimator, net, effort)

    @property
    def is_limited(self):
        """Whether there is anything to keep."""
        return self.max_latency is not None or self.max_size is not None

    def check(self, data, teacher):
        """Check that a student can keep the budget, and return the widest that does.

        Its bins are found by the labels, because there are no soft targets yet.

        Parameters
        ----------
        data : TrainingData
        teacher : TeacherEnsemble or PrecomputedTeacher
            What gives soft targets.

        Returns
        -------
        net : skorch.NeuralNet
            Unfitted. Without a limit, as it was given.

        Raises
        ------
        ValueError
            If no student keeps the budget. The message says what the smallest needs.
        """
        if not self.is_limited:
            return self.net
        names = [name for name, _ in getattr(teacher, "teachers", [])]
        self.fitted = data.task.attributes | _records_of_teachers(names)
        rng = np.random.RandomState(0)
        net, _, cost = self._widest(data, data.task.as_soft_targets(data.y), rng)
        if not self._is_kept(cost):
            raise ValueError(self._refusal(net, cost))
        return net

    def fit_inputs(self, data, soft_targets, rng, teacher):
        """Choose the widest student that keeps the budget, and fit its inputs.

        Parameters
        ----------
        data : TrainingData
        soft_targets : ndarray of shape (n_samples, n_outputs)
        rng : RandomState
        teacher : TeacherEnsemble or PrecomputedTeacher
            Fitted; what the estimator records of it counts.

        Returns
        -------
        net : skorch.NeuralNet
            Unfitted and sized.
        inputs : NetInputs or UnscaledInputs

        Warns
        -----
        UserWarning
            If no student keeps the budget any more, as on a machine that is busier now.
        """
        if not self.is_limited:
            return self.net, fit_inputs(self.net, data, soft_targets, rng)
        names = ("weights_", "scores_", "diversity_")
        self.fitted |= {f"teacher_{name}": getattr(teacher, name) for name in names}
        net, inputs, cost = self._widest(data, soft_targets, rng)
        if not self._is_kept(cost):
            warn_user(
                f"{self._needs(net, cost)} now, when its teachers are fitted. It is trained, "
                f"because {self._words()} could be kept before that."
            )
        return net, inputs

    def _widest(self, data, soft_targets, rng):
        """Return the widest student that keeps the budget, else the smallest, and its cost.

        With embeddings as long as they leave it some width, else without them.
        """
        rows, seed = _rows_to_time(data), draw_seed(rng)
        for embeddings, widths in kinds(self.net):
            net = clone_net(self.net).set_params(**embeddings)
            inputs = fit_inputs(net, data, soft_targets, np.random.RandomState(seed))
            measure = cache(partial(self._cost_of, net, inputs, rows, widths))
            chosen = last_that(lambda i, measure=measure: self._is_kept(measure(i)), len(widths))
            cost = measure(chosen)
            if self._is_kept(cost):
                break
        return net.set_params(**widths[chosen]), inputs, cost

    def _cost_of(self, net, inputs, rows, widths, i):
        """Measure a student as it is before training, which changes neither time nor size."""
        net.set_params(**widths[i])
        trial = clone_net(net, shared=False).set_params(verbose=0, callbacks="disable")
        with seeded(0, "cpu"):
            trial.set_params(device="cpu").initialize()
        longest = settle(clone_net(net), effort=self.effort).max_epochs
        model = copy(self.estimator)
        for name, value in (self.fitted | _records(longest)).items():
            setattr(model, name, value)
        model.inputs_, model.student_ = inputs, plain_forward(trial.module_)
        size = size_in_bytes(model)
        if self.max_latency is None:
            return Cost(0.0, size)
        if not is_frame(rows):
            vars(model).pop("feature_names_in_", None)
        times = [microseconds(model, rows, ROWS_TO_TIME) for _ in range(REPETITIONS)]
        return Cost(min(times) / 1e6, size)  # other work on the machine only adds to it

    def _is_kept(self, cost):
        return self._keeps_latency(cost) and self._keeps_size(cost)

    def _keeps_latency(self, cost):
        return self.max_latency is None or cost.latency <= SHARE_OF_LATENCY * self.max_latency

    def _keeps_size(self, cost):
        return self.max_size is None or cost.size <= self.max_size

    def _refusal(self, net, cost):
        """Return the message that no student keeps the budget, and which budget would do."""
        enough, hint = [], ""
        if not self._keeps_latency(cost):
            enough.append(f"max_latency={_rounded_up(1.1 * cost.latency / SHARE_OF_LATENCY)}")
            hint = (
                ". Most of the time for one row is the fixed time of NumPy's calls, which the C "
                "code of to_c does not take"
            )
        if not self._keeps_size(cost):
            enough.append(f"max_size='{_rounded_up(1.02 * cost.size / 1000)}kB'")
        return f"{self._needs(net, cost)}. Set {' and '.join(enough)}, or more{hint}."

    def _needs(self, net, cost):
        needs = []
        if self.max_latency is not None:
            needs.append(f"{1e6 * cost.latency:.1f} µs for one row on this machine")
        if self.max_size is not None:
            needs.append(f"{cost.size / 1000:.1f} kB")
        units = net.get_params_for("module").get("hidden_sizes")
        what = "it" if units is None else f"the smallest, of hidden_sizes={units},"
        return f"no student keeps {self._words()}: {what} needs {' and '.join(needs)}"

    def _words(self):
        """Return the parameters of the budget, as they were set."""
        names = [name for name in ("max_latency", "max_size") if getattr(self, name) is not None]
        return " and ".join(f"{name}={getattr(self.estimator, name)!r}" for name in names)


def parse_size(size):
    """Return a size in bytes, given as such or as a string like "100kB".

    Parameters
    ----------
    size : int or str

    Returns
    -------
    n_bytes : int

    Raises
    ------
    ValueError
        If the string is not a number above 0 and B, kB, MB or GB.
    """
    if not isinstance(size, str):
        return int(size)
    match = _SIZE.fullmatch(size)
    if match is None or float(match[1]) <= 0:
        raise ValueError(
            f"max_size must be a number of bytes, or a string such as '100kB' or '1.5 MB', got "
            f"{size!r}."
        )
    return int(float(match[1]) * UNITS[match[2].lower()])


def narrowed(hidden_sizes, units):
    """Return the sizes of layers in the same proportions, the widest with so many units."""
    widest = max(hidden_sizes, default=1)
    return tuple(max(1, round(size * units / widest)) for size in hidden_sizes)


def hidden_sizes_of(net):
    """Return the units of a student's hidden layers; None if they cannot be changed.

    Those of a module of one's own, of a student that was cut from a teacher and of one that is
    trained on cannot. An estimator of scikit-learn has none.
    """
    kind, start = getattr(net, "module", None), getattr(net, "start", None)
    if not (isinstance(kind, type) and issubclass(kind, StudentMLP)) or start is not None:
        return None
    return tuple(_module_parameter(net, "hidden_sizes"))


def as_wide_as(student, net):
    """Give an unfitted net the layers and embeddings of a trained student of its kind.

    Parameters
    ----------
    student : ForwardPass
        Anything else leaves the net as it is.
    net : skorch.NeuralNet

    Returns
    -------
    net : skorch.NeuralNet
    """
    if hidden_sizes_of(net) is None or not hasattr(student, "weights"):
        return net
    sizes: dict[str, Any] = {"hidden_sizes": tuple(bias.size for _, bias in student.weights[:-1])}
    for name, arrays in zip(EMBEDDINGS, (student.periodic, student.bins)):
        if arrays is None:
            sizes[name] = 0
    return net.set_params(**{f"module__{name}": value for name, value in sizes.items()})


def kinds(net):
    """Return what a student may be: kinds of embeddings, each with its widths.

    Parameters
    ----------
    net : skorch.NeuralNet

    Returns
    -------
    kinds : list of (embeddings, widths)
        The larger kinds first. `embeddings` is a dict of parameters. `widths` is a list of
        dicts, the narrowest first.
    """
    sizes = hidden_sizes_of(net)
    if sizes is None:
        return [({}, [{}])]
    has = [name for name in EMBEDDINGS if _module_parameter(net, name)]
    without = [{f"module__{name}": 0 for name in has[:n]} for n in range(len(has) + 1)]
    fewest = [FEWEST_UNITS_WITH_EMBEDDINGS] * len(has) + [FEWEST_UNITS]
    return [(off, _widths(sizes, n_units)) for off, n_units in zip(without, fewest)]


def _widths(sizes, fewest):
    widest = max(sizes, default=0)
    units = [*range(min(fewest, widest), widest, FEWEST_UNITS), widest]
    return [{"module__hidden_sizes": narrowed(sizes, n)} for n in units]


def _module_parameter(net, name):
    default = signature(net.module).parameters.get(name, signature(StudentMLP).parameters[name])
    return net.get_params_for("module").get(name, default.default)


def last_that(is_kept, n):
    """Return the last of the indices 0 to n - 1 that is kept, by bisection; 0 if none is.

    Parameters
    ----------
    is_kept : callable
        Tells whether an index is kept. If one is, so are those below it.
    n : int

    Returns
    -------
    index : int
    """
    if is_kept(n - 1):
        return n - 1
    low, high = 0, n - 1
    while high - low > 1 and is_kept(0):
        middle = (low + high) // 2
        low, high = (middle, high) if is_kept(middle) else (low, middle)
    return low


def _rows_to_time(data):
    """Return rows as they are predicted one by one: those of a table of numbers as an array."""
    rows = safe_indexing(data.X, np.arange(min(len(data), ROWS_TO_TIME)))
    encoder = data.encoder
    return encoder.encode(rows) if is_frame(rows) and not encoder.is_categorical_.any() else rows


def _records(n_epochs):
    """Return records of a training that take at least the size of the real ones."""
    history = [
        {"epoch": i + 1, "train_loss": 0.5 + i, "valid_loss": 0.25 + i, "lr": 0.75 + i}
        for i in range(n_epochs)
    ]
    candidates = [
        {**asdict(Candidate(0.5 + i, 0.25 + i, valid_loss=0.75 + i)), "chosen": False}
        for i in range(MOST_CANDIDATES)
    ]
    return {
        "history_": history,
        "candidates_": candidates,
        "fit_times_": Clock().to_dict(),
        "allows_missing_": True,
        "alpha_": 0.5,
        "temperature_": 1.5,
    }


def _records_of_teachers(names):
    """Return records of teachers as large as the real ones."""
    by_name = dict.fromkeys(names, 0.5)
    pairs = {
        f"measure {i}": {name: {**by_name} for name in names} for i in range(MEASURES_OF_PAIRS)
    }
    single = {f"measure {i} of one": {**by_name} for i in range(2)}
    return {
        "teacher_weights_": by_name,
        "teacher_scores_": by_name | {"pool": 0.5},
        "teacher_diversity_": single | pairs,
    }


def _rounded_up(value):
    """Return a number of two digits that is not below another, as text."""
    digits = 1 - math.floor(math.log10(value))
    return f"{math.ceil(value * 10**digits) / 10**digits:.2g}"
