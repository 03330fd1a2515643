"""Writes a fitted student as one C99 file that needs only math.h and allocates nothing."""

import json
import re
from itertools import pairwise

import numpy as np

from skdistill.serving.forward import ForwardPass
from skdistill.serving.writing import write_whole
from skdistill.table.scaling import FURTHEST, HUGE

KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void
volatile while main
"""


def to_c(estimator, path=None, *, name="student"):
    """Write a fitted student as C.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor
    path : str, path-like or None, default=None
        Where the file is written. None only returns the code.
    name : str, default="student"
        Name of the C function, see `ExportMixin.to_c`.

    Returns
    -------
    code : str

    Raises
    ------
    ValueError
        If the student is a custom torch module, if categories above 2**53 are equal as doubles,
        or if `name` is not an identifier in C or is used by C or by the file itself.
    """
    student, inputs = estimator.student_, estimator.inputs_
    if not isinstance(student, ForwardPass):
        raise ValueError(
            f"only a StudentMLP can be written as C, got a {student.kind}: fit with the default "
            "student, StudentNet()."
        )
    folded, head = student.folded(), estimator._head
    constants = "\n".join(["#include <math.h>", "", *_constants(inputs, folded, head)])
    used = re.findall(r"\w+", constants + _function(inputs, folded, head, name=""))
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or name in [*KEYWORDS.split(), *used]:
        raise ValueError(
            f"name must be an identifier that neither C nor the file itself uses, got {name!r}: "
            "take another, such as 'student'."
        )
    function = _function(inputs, folded, head, name)
    code = "\n".join([_comment(estimator, name), constants, function])
    if path is not None:
        write_whole(path, code.encode())
    return code


# ---- the comment at the top


def _comment(estimator, name):
    """Return the comment that says how to call the function."""
    head = estimator._head
    lines = [
        "A student written by skdistill.",
        "",
        f"int {name}(const double *x, double *{head.c_output})",
        "",
        *head.c_comment(_quoted),
        *_comment_on_columns(estimator),
    ]
    return "/*\n" + "\n".join(f" * {line}".rstrip() for line in lines) + "\n */"


def _comment_on_columns(estimator):
    """Yield a line for each column, and one for each category that is given by its rank."""
    encoder = estimator.inputs_.encoder
    n_features = len(encoder.n_categories_)
    names = getattr(estimator, "feature_names_in_", [f"x{j}" for j in range(n_features)])
    categories = dict(zip(np.flatnonzero(encoder.is_categorical_), encoder.categories_))
    yield f"x holds {n_features} values; a missing value is NAN:"
    for j, column in enumerate(names):
        yield f"  x[{j}]: {_quoted(str(column))}"
        if j in categories and not _are_numbers(categories[j]):
            for rank, category in enumerate(categories[j].tolist()):
                yield f"    {rank}: {_quoted(category)}"


def _quoted(value):
    """Return any value as text that cannot end the comment or continue its line."""
    text = json.dumps(value if isinstance(value, (str, int, float)) else str(value))
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\", "\\ ")


def _are_numbers(categories):
    return categories.dtype.kind in "biuf"


# ---- the constants


def _constants(inputs, folded, head):
    """Yield all constants, as static arrays."""
    yield _array("long", "number_columns", inputs.number_columns)
    yield _array("double", "center", inputs.center)
    yield _array("double", "inverse_scale", inputs.inverse_scale)
    if len(inputs.missing_columns):
        yield _array("long", "missing_columns", inputs.missing_columns)
    if folded.bins is not None:
        n_points = [len(points) for points in inputs.split_points]
        yield _array("double", "split_points", np.concatenate(inputs.split_points))
        yield _array("long", "n_points", np.array(n_points))
        yield _array("float", "bin_embedding", folded.bins)
    if folded.periodic is not None:
        for part, array in zip(("frequency", "phase", "weight"), folded.periodic):
            yield _array("float", f"periodic_{part}", array)
    if folded.categories is not None:
        yield _array("long", "category_columns", inputs.category_columns)
        yield _array("long", "n_codes", inputs.n_codes)
        yield _array("double", "category_values", _category_values(inputs))
        yield _array("float", "category_embedding", folded.categories)
    for i, (weight, bias) in enumerate(folded.weights):
        yield _array("float", f"weight{i}", weight)
        yield _array("float", f"bias{i}", bias)
    for name, array in head.c_constants().items():
        yield _array("double", name, array)


def _category_values(inputs):
    """Return what `x` holds for each category: the number itself, or the rank of a string."""
    return np.concatenate([_as_doubles(categories) for categories in inputs.encoder.categories_])


def _as_doubles(categories):
    if not _are_numbers(categories):
        return np.arange(len(categories))
    doubles = categories.astype(np.float64)
    same = np.flatnonzero(doubles[1:] == doubles[:-1])  # they are sorted
    if len(same):
        raise ValueError(
            f"C takes categories as doubles, in which {categories[same[0]]} and "
            f"{categories[same[0] + 1]} are equal: convert them to strings before fit."
        )
    return doubles


def _array(kind, name, array):
    values = np.asarray(array).ravel().tolist() or [0]  # C has no arrays of length zero
    if kind == "long":
        literals = [str(int(value)) for value in values]
    else:
        literals = [_float_literal(value, kind) for value in values]
    rows = [", ".join(literals[i : i + 8]) for i in range(0, len(literals), 8)]
    body = ",\n    ".join(rows)
    return f"static const {kind} {name}[{len(literals)}] = {{\n    {body}\n}};\n"


def _float_literal(value, kind):
    """Return a number with as many digits as its type needs to be read back unchanged."""
    if np.isinf(value):
        return "-INFINITY" if value < 0 else "INFINITY"
    return f"{value:.16e}" if kind == "double" else f"{value:.8e}f"


# ---- the function, block by block in the order of the forward pass


def _function(inputs, folded, head, name):
    """Return the C function."""
    declarations, end = head.c_lines(_buffer(len(folded.weights)))
    blocks = (_numbers, _missing_indicators, _periodic, _bins, _categories, _layers)
    return _FUNCTION % {
        "name": name,
        "output": head.c_output,
        "widest": max(_layer_sizes(folded)),
        "space": max(inputs.layout.n_numbers, 1),
        "n_features": len(inputs.encoder.n_categories_),
        "body": "".join(block(inputs, folded) for block in blocks),
        "declarations": declarations,
        "end": end,
    }


def _layer_sizes(folded):
    """Return the number of inputs of the first layer, then of the outputs of each layer."""
    return [folded.weights[0][0].shape[0], *(bias.size for _, bias in folded.weights)]


def _buffer(i):
    """Return the name of the buffer that holds the inputs of layer i; two take turns."""
    return "ab"[i % 2]


_FUNCTION = """int %(name)s(const double *x, double *%(output)s)
{
    float a[%(widest)d], b[%(widest)d], *h = a;
    double number[%(space)d];
    long i, j, k;
    %(declarations)s
    (void)h; (void)k; (void)number;

    for (j = 0; j < %(n_features)d; j++)
        if (isinf(x[j]))
            return -1;
%(body)s%(end)s}
"""


def _numbers(inputs, folded):
    """Return the block that fills in missing numbers, scales all and clips them smoothly."""
    n_numbers = inputs.layout.n_numbers
    return _NUMBERS % {"n_numbers": n_numbers, "furthest": FURTHEST, "huge": HUGE}


_NUMBERS = """
    for (i = 0; i < %(n_numbers)d; i++) {
        double value = x[number_columns[i]], scaled;
        number[i] = isnan(value) ? center[i] : fmin(fmax(value, -%(furthest)g), %(furthest)g);
        scaled = (number[i] - center[i]) * inverse_scale[i];
        scaled = fmin(fmax(scaled, -%(huge)g), %(huge)g);
        *h++ = (float)(scaled / sqrt(1.0 + (scaled / 3.0) * (scaled / 3.0)));
    }
"""


def _missing_indicators(inputs, folded):
    """Return the block of the missing indicators, or nothing."""
    if not inputs.layout.n_indicators:
        return ""
    return _MISSING_INDICATORS % {"n_indicators": inputs.layout.n_indicators}


_MISSING_INDICATORS = """
    for (i = 0; i < %(n_indicators)d; i++)
        *h++ = isnan(x[number_columns[missing_columns[i]]]) ? 1.0f : 0.0f;
"""


def _periodic(inputs, folded):
    """Return the block of the periodic embedding, or nothing."""
    if folded.periodic is None:
        return ""
    n_embedded, n_frequencies, size = folded.periodic[2].shape
    return _PERIODIC % {"n_embedded": n_embedded, "n_frequencies": n_frequencies, "size": size}


_PERIODIC = """
    for (i = 0; i < %(n_embedded)d; i++) {
        for (k = 0; k < %(size)d; k++)
            h[k] = 0.0f;
        for (j = 0; j < %(n_frequencies)d; j++) {
            long at = i * %(n_frequencies)d + j;
            float cosine = cosf(a[i] * periodic_frequency[at] + periodic_phase[at]);
            for (k = 0; k < %(size)d; k++)
                h[k] += cosine * periodic_weight[at * %(size)d + k];
        }
        h += %(size)d;
    }
"""


def _bins(inputs, folded):
    """Return the block of the bin embedding, or nothing."""
    if folded.bins is None:
        return ""
    return _BINS % {"n_embedded": len(inputs.split_points), "size": folded.bins.shape[1]}


_BINS = """
    {
        const double *points = split_points;
        const float *embedding = bin_embedding;
        for (i = 0; i < %(n_embedded)d; i++) {
            long low = 0, high = n_points[i];
            while (low < high) {
                long middle = (low + high) / 2;
                if (number[i] > points[middle])
                    low = middle + 1;
                else
                    high = middle;
            }
            for (k = 0; k < %(size)d; k++)
                *h++ = embedding[low * %(size)d + k];
            points += n_points[i];
            embedding += (n_points[i] + 1) * %(size)d;
        }
    }
"""


def _categories(inputs, folded):
    """Return the block of the category embedding, or nothing."""
    if folded.categories is None:
        return ""
    n_columns, size = len(inputs.category_columns), folded.categories.shape[1]
    return _CATEGORIES % {"n_columns": n_columns, "size": size}


_CATEGORIES = """
    {
        const double *value = category_values;
        const float *embedding = category_embedding;
        for (i = 0; i < %(n_columns)d; i++) {
            long n_categories = n_codes[i] - 1, code = n_categories; /* missing and unseen */
            for (j = 0; j < n_categories; j++)
                if (x[category_columns[i]] == value[j])
                    code = j;
            for (k = 0; k < %(size)d; k++)
                *h++ = embedding[code * %(size)d + k];
            value += n_categories;
            embedding += n_codes[i] * %(size)d;
        }
    }
"""


def _layers(inputs, folded):
    """Return a block for each linear layer, with a ReLU after all but the last."""
    sizes, blocks = _layer_sizes(folded), []
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        names = {"i": i, "from": _buffer(i), "into": _buffer(i + 1)}
        blocks.append(_LAYER % {"n_in": n_in, "n_out": n_out, **names})
        if i < len(folded.weights) - 1:
            blocks.append(_RELU % {"n_out": n_out, **names})
    return "".join(blocks)


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
    for (j = 0; j < %(n_out)d; j++)
        %(into)s[j] = %(into)s[j] > 0.0f ? %(into)s[j] : 0.0f;
"""
