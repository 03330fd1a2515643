"""A fitted student as one C99 file: no dependency but math.h, no allocation."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np

from skdistill.serving.forward import ForwardPass

KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while main
"""


def to_c(estimator, path=None, *, name="student"):
    """Write a fitted student as C.

    Parameters
    ----------
    estimator : DistilledClassifier
    path : str, path-like or None
        None: only return the code.
    name : str, default="student"
        Of the function: ``int student(const double *x, double *proba)``, which returns the
        index of the most probable class, or -1 where an input is infinite. A missing
        value is NAN. A category that is a number is given as it is; one that is a string
        as its rank among the categories, which the file's first comment lists.

    Returns
    -------
    code : str

    Raises
    ------
    ValueError
        If the student is a torch module of your own, or `name` is no name in C, or one
        that the file uses itself.
    """
    student, inputs = estimator.student_, estimator.inputs_
    if not isinstance(student, ForwardPass):
        raise ValueError(
            f"only a StudentMLP is written as C, and this student is a "
            f"{type(student.module).__name__}."
        )
    folded = student.folded()
    code = "\n".join(["#include <math.h>", "", *_tables(inputs, folded)])
    function = _function(inputs, folded, name="%")  # which is no word
    taken = KEYWORDS.split() + re.findall(r"\w+", code + function)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in taken:
        raise ValueError(
            f"name must be a name in C that is not taken by C or the file itself, got {name!r}."
        )
    code = f"{_comment(estimator, name)}\n{code}\n{function.replace('%', name, 1)}"
    if path is not None:
        Path(path).write_text(code)
    return code


def _comment(estimator, name):
    table = estimator.inputs_.encoder
    names = getattr(
        estimator, "feature_names_in_", [f"x{j}" for j in range(len(table.n_categories_))]
    )
    categories = dict(zip(np.flatnonzero(table.is_categorical_), table.categories_))
    lines = [
        "A student of skdistill.",
        "",
        f"int {name}(const double *x, double *proba)",
        "",
        f"returns the most probable class, and writes {len(estimator.classes_)} probabilities:",
        *(f"  proba[{k}]: {_quoted(one)}" for k, one in enumerate(estimator.classes_.tolist())),
        f"x holds {len(names)} values, a missing one as NAN:",
    ]
    for j, column in enumerate(names):
        lines.append(f"  x[{j}]: {_quoted(str(column))}")
        if j in categories and not _are_numbers(categories[j]):
            lines += [
                f"    {k}: {_quoted(level)}" for k, level in enumerate(categories[j].tolist())
            ]
    return "/*\n" + "\n".join(f" * {line}".rstrip() for line in lines) + "\n */"


def _quoted(value):
    """As it may stand in a comment, whatever it is."""
    text = json.dumps(value if isinstance(value, (str, int, float)) else str(value))
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\", "\\ ")


def _are_numbers(categories):
    return categories.dtype.kind in "biuf"


def _tables(inputs, folded):
    """All constants, as static arrays."""
    yield _array("long", "number_columns", inputs.number_columns)
    yield _array("double", "center", inputs.center)
    yield _array("double", "inverse_scale", inputs.inverse_scale)
    if len(inputs.missing_columns):
        yield _array("long", "missing_columns", inputs.missing_columns)
    if folded.bins is not None:
        yield _array("double", "split_points", inputs.split_points)
        yield _array("float", "bin_vectors", folded.bins)
    if folded.periodic is not None:
        for part, array in zip(("frequency", "phase", "weight"), folded.periodic):
            yield _array("float", f"periodic_{part}", array)
    if folded.categories is not None:
        given = [
            categories.astype(np.float64)
            if _are_numbers(categories)
            else np.arange(len(categories))
            for categories in inputs.encoder.categories_
        ]
        yield _array("long", "category_columns", inputs.category_columns)
        yield _array("long", "n_codes", inputs.n_codes)
        yield _array("double", "category_values", np.concatenate(given))
        yield _array("float", "category_vectors", folded.categories)
    for i, (weight, bias) in enumerate(folded.weights):
        yield _array("float", f"weight{i}", weight)
        yield _array("float", f"bias{i}", bias)


def _array(kind, name, array):
    values = np.asarray(array).ravel().tolist() or [0]  # C has no arrays of length zero
    if kind == "long":
        words = [str(int(value)) for value in values]
    else:
        digits, suffix = (17, "") if kind == "double" else (9, "f")
        words = [
            ("-INFINITY" if value < 0 else "INFINITY")
            if np.isinf(value)
            else f"{value:.{digits - 1}e}{suffix}"
            for value in values
        ]
    rows = [", ".join(words[i : i + 8]) for i in range(0, len(words), 8)]
    return f"static const {kind} {name}[{len(words)}] = {{\n    " + ",\n    ".join(rows) + "\n};\n"


def _function(inputs, folded, name):
    layout = inputs.layout
    sizes = [folded.weights[0][0].shape[0], *(bias.size for _, bias in folded.weights)]
    parts = [_NUMBERS, _INDICATORS if layout.n_indicators else ""]
    if folded.periodic is not None:
        parts.append(_PERIODIC)
    if folded.bins is not None:
        parts.append(_BINS)
    if folded.categories is not None:
        parts.append(_CATEGORIES)
    layers = [
        _LAYER % {"i": i, "n_in": n_in, "n_out": n_out, "into": "ba"[i % 2], "from": "ab"[i % 2]}
        + (_RELU % {"n": n_out, "h": "ba"[i % 2]} if i < len(sizes) - 2 else "")
        for i, (n_in, n_out) in enumerate(pairwise(sizes))
    ]
    values = {
        "name": name,
        "widest": max(sizes),
        "n_features": len(inputs.encoder.n_categories_),
        "n_numbers": layout.n_numbers,
        "n_embedded": layout.n_embedded,
        "space": max(layout.n_numbers, 1),
        "n_indicators": layout.n_indicators,
        "n_points": inputs.split_points.shape[1],
        "n_frequencies": folded.periodic[0].shape[1] if folded.periodic is not None else 0,
        "periodic_size": folded.periodic[2].shape[2] if folded.periodic is not None else 0,
        "bin_embedding_size": folded.bins.shape[1] if folded.bins is not None else 0,
        "category_embedding_size": folded.categories.shape[1]
        if folded.categories is not None
        else 0,
        "n_category_columns": len(layout.n_categories),
        "n_classes": sizes[-1],
        "logits": "ba"[(len(sizes) - 2) % 2],
        "body": "",
    }
    values["body"] = "".join(part % values for part in parts) + "".join(layers)
    return _FUNCTION % values


_FUNCTION = """int %(name)s(const double *x, double *proba)
{
    float a[%(widest)d], b[%(widest)d], *h = a;
    double number[%(space)d], total = 0.0;
    long i, j, k, best = 0;
    (void)h; (void)k; (void)number;

    for (j = 0; j < %(n_features)d; j++)
        if (isinf(x[j]))
            return -1;
%(body)s
    for (j = 1; j < %(n_classes)d; j++)
        if (%(logits)s[j] > %(logits)s[best])
            best = j;
    for (j = 0; j < %(n_classes)d; j++)
        total += proba[j] = exp((double)%(logits)s[j] - (double)%(logits)s[best]);
    for (j = 0; j < %(n_classes)d; j++)
        proba[j] /= total;
    return (int)best;
}
"""

_NUMBERS = """
    for (i = 0; i < %(n_numbers)d; i++) {
        double value = x[number_columns[i]], scaled;
        number[i] = isnan(value) ? center[i] : fmin(fmax(value, -1e100), 1e100);
        scaled = (number[i] - center[i]) * inverse_scale[i];
        *h++ = (float)(scaled / sqrt(1.0 + (scaled / 3.0) * (scaled / 3.0)));
    }
"""

_INDICATORS = """
    for (i = 0; i < %(n_indicators)d; i++)
        *h++ = isnan(x[number_columns[missing_columns[i]]]) ? 1.0f : 0.0f;
"""

_PERIODIC = """
    for (i = 0; i < %(n_embedded)d; i++) {
        for (k = 0; k < %(periodic_size)d; k++)
            h[k] = 0.0f;
        for (j = 0; j < %(n_frequencies)d; j++) {
            long at = i * %(n_frequencies)d + j;
            float wave = cosf(a[i] * periodic_frequency[at] + periodic_phase[at]);
            for (k = 0; k < %(periodic_size)d; k++)
                h[k] += wave * periodic_weight[at * %(periodic_size)d + k];
        }
        h += %(periodic_size)d;
    }
"""

_BINS = """
    for (i = 0; i < %(n_embedded)d; i++) {
        const double *points = split_points + i * %(n_points)d;
        long step = i * (%(n_points)d + 1);
        for (j = 0; j < %(n_points)d; j++)
            step += number[i] > points[j];
        for (k = 0; k < %(bin_embedding_size)d; k++)
            *h++ = bin_vectors[step * %(bin_embedding_size)d + k];
    }
"""

_CATEGORIES = """
    {
        const double *value = category_values;
        const float *vector = category_vectors;
        for (i = 0; i < %(n_category_columns)d; i++) {
            long n_categories = n_codes[i] - 1, code = n_categories; /* missing and unseen */
            for (j = 0; j < n_categories; j++)
                if (x[category_columns[i]] == value[j])
                    code = j;
            for (k = 0; k < %(category_embedding_size)d; k++)
                *h++ = vector[code * %(category_embedding_size)d + k];
            value += n_categories;
            vector += n_codes[i] * %(category_embedding_size)d;
        }
    }
"""

_LAYER = """
    for (j = 0; j < %(n_out)d; j++)
        %(into)s[j] = bias%(i)d[j];
    for (i = 0; i < %(n_in)d; i++) {
        const float *row = weight%(i)d + i * %(n_out)d, input = %(from)s[i];
        if (input != 0.0f)
            for (j = 0; j < %(n_out)d; j++)
                %(into)s[j] += input * row[j];
    }
"""

_RELU = """
    for (j = 0; j < %(n)d; j++)
        %(h)s[j] = %(h)s[j] > 0.0f ? %(h)s[j] : 0.0f;
"""
