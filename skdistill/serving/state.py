"""A fitted student as arrays and categories, and back: what every kind of file holds."""

from itertools import pairwise

import numpy as np

from skdistill.serving.forward import ForwardPass
from skdistill.table.net_inputs import NetInputs

PERIODIC = ("frequency", "phase", "weight", "bias")


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
        "arrays": dict of str to ndarray of numbers. "categories": list of ndarray, the
        categories of each categorical column, strings or numbers.
    """
    arrays = inputs.to_arrays()
    categories = arrays.pop("categories")
    for i, (weight, bias) in enumerate(student.weights):
        # Half the length of a file; lossless, since training ends with rounding to it.
        arrays[f"layer{i}.weight"], arrays[f"layer{i}.bias"] = weight.astype(np.float16), bias
    if student.periodic is not None:
        arrays |= {f"periodic.{name}": array for name, array in zip(PERIODIC, student.periodic)}
    if student.bins is not None:
        arrays["bin_vectors"] = student.bins
    if student.categories is not None:
        arrays["category_vectors"] = student.categories
    return {"arrays": arrays, "categories": categories}


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
    wanted = {"is_categorical", "number_columns", "missing_columns"}
    wanted |= {"center", "inverse_scale", "split_points"}
    wanted |= {f"layer{i}.{part}" for i in range(n_layers) for part in ("weight", "bias")}
    periodic = [f"periodic.{name}" for name in PERIODIC if "periodic.frequency" in arrays]
    optional = {name for name in ("bin_vectors", "category_vectors") if name in arrays}
    _require(n_layers > 0, "it has no layers")
    strange = set(arrays) ^ (wanted | set(periodic) | optional)
    _require(not strange, f"of its arrays {sorted(strange)} are missing or unknown")
    matrices = [arrays[f"layer{i}.weight"] for i in range(n_layers)]
    halves = all(matrix.dtype == np.float16 for matrix in matrices)
    _require(halves, "its layers' weights are not float16")
    _check_inputs(arrays, plain["categories"])
    inputs = NetInputs.from_arrays(
        arrays["is_categorical"],
        plain["categories"],
        arrays["number_columns"],
        arrays["center"],
        arrays["inverse_scale"],
        arrays["split_points"],
        arrays["missing_columns"],
    )
    student = ForwardPass(
        inputs.layout,
        [(m.astype(np.float32), arrays[f"layer{i}.bias"]) for i, m in enumerate(matrices)],
        periodic=tuple(arrays[name] for name in periodic) or None,
        bins=arrays.get("bin_vectors"),
        categories=arrays.get("category_vectors"),
    )
    _check_net(student)
    return inputs, student


def _check_inputs(arrays, categories):
    categorical = arrays["is_categorical"]
    _require(categorical.ndim == 1 and categorical.dtype == bool, "is_categorical is no mask")
    n_categories = int(categorical.sum())
    n_numbers = len(categorical) - n_categories
    _require(
        len(categories) == n_categories,
        f"it has the categories of {len(categories)} columns, but {n_categories} are categorical",
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
    indicators = arrays["missing_columns"]
    _require(
        indicators.ndim == 1
        and indicators.dtype.kind == "i"
        and ((indicators >= 0) & (indicators < n_numbers)).all()
        and len(np.unique(indicators)) == len(indicators),
        f"missing_columns names others than its {n_numbers} columns of numbers",
    )


def _check_net(student):
    layout = student.layout
    n_embedded = layout.n_embedded
    width = layout.n_numbers + layout.n_indicators
    arrays: dict[str, tuple] = {}
    if student.periodic is not None:
        weight = student.periodic[2]
        _require(weight.ndim == 3, f"periodic.weight has shape {weight.shape}")
        _, n_frequencies, size = weight.shape
        shapes = [(n_embedded, n_frequencies)] * 2 + [
            (n_embedded, n_frequencies, size),
            (n_embedded, size),
        ]
        arrays |= {
            f"periodic.{name}": (a, shape)
            for name, a, shape in zip(PERIODIC, student.periodic, shapes)
        }
        width += n_embedded * size
    if student.bins is not None:
        _require(student.bins.ndim == 3, f"bin_vectors has shape {student.bins.shape}")
        size = student.bins.shape[2]
        arrays["bin_vectors"] = (student.bins, (n_embedded, layout.n_bins, size))
        width += n_embedded * size
    if student.categories is not None:
        _require(
            student.categories.ndim == 2, f"category_vectors has shape {student.categories.shape}"
        )
        size = student.categories.shape[1]
        arrays["category_vectors"] = (student.categories, (sum(layout.n_categories), size))
        width += len(layout.n_categories) * size
    elif layout.n_categories:
        raise ValueError("its arrays disagree: there are categories, but no category_vectors")
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
