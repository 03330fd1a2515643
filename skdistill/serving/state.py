"""Conversion of a fitted student to plain arrays and back, behind pickle and safetensors."""

import re
from itertools import pairwise

import numpy as np

from skdistill.serving.forward import ForwardPass
from skdistill.serving.old_formats import upgrade
from skdistill.table.net_inputs import NetInputs

PERIODIC = ("frequency", "phase", "weight", "bias")
REQUIRED = {"is_categorical", "number_columns", "missing_columns"}
REQUIRED |= {"center", "inverse_scale", "split_points", "n_bins"}
EMBEDDINGS = ("bin_embedding", "category_embedding")
_LAYER = re.compile(r"layer(0|[1-9]\d{0,2})\.(weight|bias)")
LARGEST_UNIT = 1e37  # float32 ends at 3e38


def to_plain(inputs, student):
    """Return all that predicting needs, in types of numpy only.

    Parameters
    ----------
    inputs : skdistill.table.net_inputs.NetInputs
        Fitted, without `one_hot`.
    student : ForwardPass

    Returns
    -------
    plain : dict
        "arrays" is a dict of str to numeric ndarray. "categories" is a list with one ndarray
        for each categorical column, which holds strings or numbers.
    """
    arrays = inputs.to_arrays()
    categories = arrays.pop("categories")
    for i, (weight, bias) in enumerate(student.weights):
        # This halves the file, and loses nothing: training ends by rounding to float16.
        arrays[f"layer{i}.weight"], arrays[f"layer{i}.bias"] = weight.astype(np.float16), bias
    if student.periodic is not None:
        arrays |= {f"periodic.{name}": array for name, array in zip(PERIODIC, student.periodic)}
    if student.bins is not None:
        arrays["bin_embedding"] = student.bins
    if student.categories is not None:
        arrays["category_embedding"] = student.categories
    return {"arrays": arrays, "categories": categories}


def is_array_name(name):
    """Tell whether `to_plain` may return an array of this name."""
    periodic = (f"periodic.{part}" for part in PERIODIC)
    return name in REQUIRED or name in (*EMBEDDINGS, *periodic) or bool(_LAYER.fullmatch(name))


def from_plain(plain):
    """Build a student from what `to_plain` returned.

    Parameters
    ----------
    plain : dict

    Returns
    -------
    inputs : skdistill.table.net_inputs.NetInputs
    student : ForwardPass

    Raises
    ------
    ValueError
        If an array is missing or unknown, or does not fit the others.
    """
    arrays = upgrade(plain["arrays"])
    n_layers = sum(name.startswith("layer") and name.endswith(".weight") for name in arrays)
    wanted = REQUIRED | {f"layer{i}.{part}" for i in range(n_layers) for part in ("weight", "bias")}
    periodic = [f"periodic.{name}" for name in PERIODIC if "periodic.frequency" in arrays]
    optional = {name for name in EMBEDDINGS if name in arrays}
    _require(n_layers > 0, "there are no layers")
    unexpected = set(arrays) ^ (wanted | set(periodic) | optional)
    _require(not unexpected, f"{sorted(unexpected)} are missing or unknown")
    matrices = [arrays[f"layer{i}.weight"] for i in range(n_layers)]
    dtypes = sorted({str(matrix.dtype) for matrix in matrices})
    _require(dtypes == ["float16"], f"the layers' weights are {dtypes}, expected float16")
    _check_inputs(arrays, plain["categories"])
    inputs = NetInputs.from_arrays(
        arrays["is_categorical"],
        plain["categories"],
        arrays["number_columns"],
        arrays["center"],
        arrays["inverse_scale"],
        arrays["split_points"],
        arrays["n_bins"],
        arrays["missing_columns"],
    )
    student = ForwardPass(
        inputs.layout,
        [(W.astype(np.float32), arrays[f"layer{i}.bias"]) for i, W in enumerate(matrices)],
        periodic=tuple(arrays[name] for name in periodic) or None,
        bins=arrays.get("bin_embedding"),
        categories=arrays.get("category_embedding"),
    )
    _check_net(student)
    _check_stays_finite(inputs, student)
    return inputs, student


def _check_inputs(arrays, categories):
    """Check the arrays of `NetInputs` against each other."""
    categorical = arrays["is_categorical"]
    is_mask = categorical.ndim == 1 and categorical.dtype == bool
    _require(is_mask, "is_categorical is not a boolean mask")
    n_categorical = int(categorical.sum())
    n_numbers = len(categorical) - n_categorical
    _require(
        len(categories) == n_categorical,
        f"there are categories of {len(categories)} columns, but {n_categorical} are categorical",
    )
    columns = arrays["number_columns"]
    _require(
        columns.ndim == 1
        and columns.dtype.kind == "i"
        and np.array_equal(np.sort(columns), np.flatnonzero(~categorical)),
        f"number_columns does not list the {n_numbers} columns that is_categorical leaves out",
    )
    for name in ("center", "inverse_scale"):
        _require_array(arrays, name, (n_numbers,), np.float64)
        _require(np.isfinite(arrays[name]).all(), f"{name} is not finite")
    _check_bins(arrays["split_points"], arrays["n_bins"], n_numbers)
    indicators = arrays["missing_columns"]
    _require(
        indicators.ndim == 1
        and indicators.dtype.kind == "i"
        and ((indicators >= 0) & (indicators < n_numbers)).all()
        and len(np.unique(indicators)) == len(indicators),
        f"missing_columns must be distinct indices into the {n_numbers} number_columns",
    )


def _check_bins(points, n_bins, n_numbers):
    """Check the split points, and how many of them each column has."""
    fits = n_bins.ndim == 1 and n_bins.dtype.kind == "i" and len(n_bins) <= n_numbers
    _require(fits, f"n_bins is {n_bins.dtype} of shape {n_bins.shape}")
    are_counts = ((n_bins > 0) & (n_bins <= len(points) + 1)).all()
    _require(are_counts, "n_bins are not numbers of bins")
    expected = (int((n_bins - 1).sum()),)
    _require_array({"split_points": points}, "split_points", expected, np.float64)
    _require(not np.isnan(points).any(), "split_points are not numbers")
    of_columns = np.split(points, np.cumsum(n_bins - 1))
    is_sorted = all((each[1:] >= each[:-1]).all() for each in of_columns)
    _require(is_sorted, "split_points are not sorted")


def _check_net(student):
    """Check the arrays of the net against the layout and against each other."""
    layout = student.layout
    has_embedding = student.categories is not None or not layout.n_categories
    _require(has_embedding, "there are categories, but no category_embedding")
    embeddings, width = _expected_embeddings(student)
    for name, (array, shape) in embeddings.items():
        _require_array({name: array}, name, shape, np.float32)
    sizes = [
        layout.n_numbers + layout.n_indicators + width,
        *(bias.size for _, bias in student.weights),
    ]
    for i, ((weight, bias), (n_in, n_out)) in enumerate(zip(student.weights, pairwise(sizes))):
        layer = {f"layer{i}.weight": weight, f"layer{i}.bias": bias}
        _require_array(layer, f"layer{i}.weight", (n_in, n_out), np.float32)
        _require_array(layer, f"layer{i}.bias", (n_out,), np.float32)


def _expected_embeddings(student):
    """Return (array, expected shape) of the embeddings by name, and how many units they give."""
    layout, expected, width = student.layout, {}, 0
    n_embedded = layout.n_embedded
    if student.periodic is not None:
        weight = student.periodic[2]
        _require(weight.ndim == 3, f"periodic.weight has shape {weight.shape}")
        n_frequencies, size = weight.shape[1:]
        of_frequencies = (n_embedded, n_frequencies)
        shapes = (of_frequencies, of_frequencies, (*of_frequencies, size), (n_embedded, size))
        for name, array, shape in zip(PERIODIC, student.periodic, shapes):
            expected[f"periodic.{name}"] = (array, shape)
        width += n_embedded * size
    if student.bins is not None:
        shape = student.bins.shape
        _require(len(shape) == 2 and shape[1] > 0, f"bin_embedding has shape {shape}")
        expected["bin_embedding"] = (student.bins, (sum(layout.n_bins), shape[1]))
        width += len(layout.n_bins) * shape[1]
    if student.categories is not None:
        shape = student.categories.shape
        _require(len(shape) == 2 and shape[1] > 0, f"category_embedding has shape {shape}")
        expected["category_embedding"] = (student.categories, (sum(layout.n_categories), shape[1]))
        width += len(layout.n_categories) * shape[1]
    return expected, width


def _check_stays_finite(inputs, student):
    """Check that no row, however extreme, makes the net overflow.

    A bound on the size of each unit is carried from layer to layer.
    """
    try:
        with np.errstate(over="raise", invalid="raise"):
            scaled = _largest_numbers(inputs)
    except FloatingPointError:
        _require(False, "center or inverse_scale overflow")
    bounds = [scaled, np.ones(student.layout.n_indicators)]
    if student.periodic is not None:
        frequency, phase, weight, bias = (np.abs(part, dtype=float) for part in student.periodic)
        angles = 7 * (frequency * scaled[: len(frequency), None] + phase)
        _require(_is_small(angles), "periodic.frequency or periodic.phase is not finite, or huge")
        bounds.append((weight.sum(axis=1) + bias).ravel())
    if student.bins is not None:
        bounds += _largest_by_column(student.bins, student.layout.n_bins)
    if student.categories is not None:
        bounds += _largest_by_column(student.categories, student.layout.n_categories)
    bound = np.concatenate(bounds).astype(float)
    _require(_is_small(bound), "an embedding is not finite, or huge")
    for i, (weight, bias) in enumerate(student.weights):
        bound = bound @ np.abs(weight) + np.abs(bias)
        _require(_is_small(bound), f"the weights of layer{i} are not finite, or huge")


def _largest_by_column(embedding, counts):
    """Return the largest size of each unit of an embedding, for one column after the other."""
    return [np.abs(each).max(axis=0) for each in np.split(embedding, np.cumsum(counts)[:-1])]


def _largest_numbers(inputs):
    """Return the largest size of each scaled number, from rows of extreme numbers."""
    largest = np.finfo(np.float64).max
    row = np.full((1, len(inputs.encoder.is_categorical_)), np.nan)
    n_numbers, scaled = inputs.layout.n_numbers, np.zeros(inputs.layout.n_numbers)
    for number in (0.0, 1.0, -1.0, largest, -largest):
        row[:, inputs.number_columns] = number
        scaled = np.maximum(scaled, np.abs(inputs.pack(row)[0, :n_numbers]))
    return scaled


def _is_small(array):
    return not array.size or array.max() < LARGEST_UNIT  # False for NaN


def _require_array(arrays, name, shape, dtype):
    got = arrays[name]
    _require(
        got.shape == shape and got.dtype == dtype,
        f"{name} is {got.dtype} of shape {got.shape}, expected {np.dtype(dtype)} of shape {shape}",
    )


def _require(condition, message):
    if not condition:
        raise ValueError(f"its arrays disagree: {message}")
