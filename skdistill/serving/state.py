"""A fitted student as arrays and levels, and back: what every kind of file holds."""

from itertools import pairwise

import numpy as np

from skdistill.serving.forward import ForwardPass
from skdistill.table.net_inputs import NetInputs

WAVES = ("frequency", "phase", "weight", "bias")


def to_plain(inputs, student):
    """All that predicting needs, without a type of our own.

    Parameters
    ----------
    inputs : skdistill.table.net_inputs.NetInputs
        Fitted, and not `one_hot`.
    student : ForwardPass

    Returns
    -------
    plain : dict
        "arrays": dict of str to ndarray of numbers. "levels": list of ndarray, the
        levels of each categorical column, strings or numbers.
    """
    arrays = inputs.to_arrays()
    levels = arrays.pop("levels")
    for i, (weight, bias) in enumerate(student.weights):
        # Half the length of a file; lossless, since training ends with rounding to it.
        arrays[f"layer{i}.weight"], arrays[f"layer{i}.bias"] = weight.astype(np.float16), bias
    if student.waves is not None:
        arrays |= {f"waves.{name}": array for name, array in zip(WAVES, student.waves)}
    if student.steps is not None:
        arrays["step_vectors"] = student.steps
    if student.levels is not None:
        arrays["level_vectors"] = student.levels
    return {"arrays": arrays, "levels": levels}


def from_plain(plain):
    """Build a student from what `to_plain` returned.

    Returns
    -------
    inputs : skdistill.table.net_inputs.NetInputs
    student : ForwardPass

    Raises
    ------
    ValueError
        If an array is missing, is one too many, or does not fit the others.
    """
    arrays = plain["arrays"]
    n_layers = sum(name.startswith("layer") and name.endswith(".weight") for name in arrays)
    wanted = {"is_categorical", "number_columns", "flag_columns"}
    wanted |= {"center", "inverse_scale", "split_points"}
    wanted |= {f"layer{i}.{part}" for i in range(n_layers) for part in ("weight", "bias")}
    waves = [f"waves.{name}" for name in WAVES if "waves.frequency" in arrays]
    optional = {name for name in ("step_vectors", "level_vectors") if name in arrays}
    _require(n_layers > 0, "it has no layers")
    strange = set(arrays) ^ (wanted | set(waves) | optional)
    _require(not strange, f"of its arrays {sorted(strange)} are missing or unknown")
    matrices = [arrays[f"layer{i}.weight"] for i in range(n_layers)]
    halves = all(matrix.dtype == np.float16 for matrix in matrices)
    _require(halves, "its layers' weights are not float16")
    _check_inputs(arrays, plain["levels"])
    inputs = NetInputs.from_arrays(
        arrays["is_categorical"],
        plain["levels"],
        arrays["number_columns"],
        arrays["center"],
        arrays["inverse_scale"],
        arrays["split_points"],
        arrays["flag_columns"],
    )
    student = ForwardPass(
        inputs.layout,
        [(m.astype(np.float32), arrays[f"layer{i}.bias"]) for i, m in enumerate(matrices)],
        waves=tuple(arrays[name] for name in waves) or None,
        steps=arrays.get("step_vectors"),
        levels=arrays.get("level_vectors"),
    )
    _check_net(student)
    return inputs, student


def _check_inputs(arrays, levels):
    categorical = arrays["is_categorical"]
    _require(categorical.ndim == 1 and categorical.dtype == bool, "is_categorical is no mask")
    n_categories = int(categorical.sum())
    n_numbers = len(categorical) - n_categories
    _require(
        len(levels) == n_categories,
        f"it has the levels of {len(levels)} columns, but {n_categories} are categorical",
    )
    columns = arrays["number_columns"]
    _require(
        columns.ndim == 1
        and columns.dtype.kind == "i"
        and np.array_equal(np.sort(columns), np.flatnonzero(~categorical)),
        f"number_columns are not the {n_numbers} columns that is_categorical leaves",
    )
    for name in ("center", "inverse_scale"):
        _require_array(arrays, name, (n_numbers,), np.float64)
        _require(np.isfinite(arrays[name]).all(), f"{name} is not finite")
    points = arrays["split_points"]
    fits = points.ndim == 2 and points.dtype == np.float64 and len(points) <= n_numbers
    _require(fits, f"split_points is {points.dtype} of shape {points.shape}")
    _require((points[:, 1:] >= points[:, :-1]).all(), "split_points are not sorted")
    flags = arrays["flag_columns"]
    _require(
        flags.ndim == 1
        and flags.dtype.kind == "i"
        and ((flags >= 0) & (flags < n_numbers)).all()
        and len(np.unique(flags)) == len(flags),
        f"flag_columns names others than its {n_numbers} columns of numbers",
    )


def _check_net(student):
    layout = student.layout
    n_curved = layout.n_curved
    width = layout.n_numbers + layout.n_flags
    arrays: dict[str, tuple] = {}
    if student.waves is not None:
        weight = student.waves[2]
        _require(weight.ndim == 3, f"waves.weight has shape {weight.shape}")
        _, n_waves, size = weight.shape
        shapes = [(n_curved, n_waves)] * 2 + [(n_curved, n_waves, size), (n_curved, size)]
        arrays |= {
            f"waves.{name}": (a, shape) for name, a, shape in zip(WAVES, student.waves, shapes)
        }
        width += n_curved * size
    if student.steps is not None:
        _require(student.steps.ndim == 3, f"step_vectors has shape {student.steps.shape}")
        size = student.steps.shape[2]
        arrays["step_vectors"] = (student.steps, (n_curved, layout.n_bins, size))
        width += n_curved * size
    if student.levels is not None:
        _require(student.levels.ndim == 2, f"level_vectors has shape {student.levels.shape}")
        size = student.levels.shape[1]
        arrays["level_vectors"] = (student.levels, (sum(layout.n_levels), size))
        width += len(layout.n_levels) * size
    elif layout.n_levels:
        raise ValueError("its arrays disagree: there are categories, but no level_vectors")
    sizes = [width, *(bias.size for _, bias in student.weights)]
    for i, ((weight, bias), (n_in, n_out)) in enumerate(zip(student.weights, pairwise(sizes))):
        arrays[f"layer{i}.weight"] = (weight, (n_in, n_out))
        arrays[f"layer{i}.bias"] = (bias, (n_out,))
    for name, (array, shape) in arrays.items():
        _require_array({name: array}, name, shape, np.float32)


def _require_array(arrays, name, shape, dtype):
    got = arrays[name]
    _require(
        got.shape == shape and got.dtype == dtype,
        f"{name} is {got.dtype} of shape {got.shape}, the others ask for {np.dtype(dtype)} of "
        f"shape {shape}",
    )


def _require(condition, what):
    if not condition:
        raise ValueError(f"its arrays disagree: {what}")
