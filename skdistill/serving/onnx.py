"""Writes a fitted student, preprocessing included, as one ONNX graph."""

import numpy as np

from skdistill.serving.estimator_forward import EstimatorForward
from skdistill.serving.forward import ForwardPass
from skdistill.serving.onnx_estimator import write_estimator
from skdistill.serving.writing import write_whole
from skdistill.table.categories import hold_strings
from skdistill.table.scaling import FURTHEST, HUGE

OPSET = 17
OPSET_ML = 3
ML = "ai.onnx.ml"


def to_onnx(
    estimator, path=None, *, dtype="float32", int8=False, X=None, max_changed=0.01, zipmap=False
):
    """Write a fitted student as an ONNX model.

    Parameters
    ----------
    estimator : DistilledClassifier or DistilledRegressor
    path, dtype, int8, X, max_changed, zipmap
        See `ExportMixin.to_onnx`.

    Returns
    -------
    model : onnx.ModelProto

    Raises
    ------
    ValueError
        See `ExportMixin.to_onnx`; nothing is written then.
    """
    onnx = _onnx()
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}.")
    student = estimator.student_
    if int8 and isinstance(student, EstimatorForward):
        raise ValueError(
            f"int8=True stores the weights of a net in eight bits, but the student is a "
            f"{student.kind}: export it with int8=False."
        )
    graph, head = Graph(), estimator._head
    inputs, outputs = _declare_inputs(estimator, dtype), head.declare(graph)
    keys = head.keys_of_maps() if zipmap else None
    write_student(graph, estimator, [value.name for value in inputs], dtype)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "skdistill", inputs, outputs, graph.initializers),
        opset_imports=[onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(ML, OPSET_ML)],
        producer_name="skdistill",
        ir_version=8,  # as old as the opset, so that runtimes of that time can read it
    )
    onnx.checker.check_model(model, full_check=True)
    if int8:
        from skdistill.serving.onnx_quantization import in_eight_bits

        model = in_eight_bits(model, X, max_changed, head)
    if zipmap:
        add_zipmap(model, keys)
    if path is not None:
        write_whole(path, model.SerializeToString())
    return model


def add_zipmap(model, labels):
    """Make each row of probabilities a map from label to probability, in place.

    Parameters
    ----------
    model : onnx.ModelProto
        Of a classifier.
    labels : ndarray of shape (n_classes,)
        What `ClassifierHead.keys_of_maps` returns.
    """
    helper, TensorProto = _onnx().helper, _onnx().TensorProto
    proba, matrix = model.graph.output[1].name, "probability_matrix"
    for node in model.graph.node:
        node.output[:] = [matrix if name == proba else name for name in node.output]
    keys, kind = ("classlabels_int64s", TensorProto.INT64)
    if labels.dtype == object:
        keys, kind = ("classlabels_strings", TensorProto.STRING)
    zipped = helper.make_node(
        "ZipMap", [matrix], [proba], "ZipMap", domain=ML, **{keys: labels.tolist()}
    )
    model.graph.node.append(zipped)
    number = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    rows = helper.make_sequence_type_proto(helper.make_map_type_proto(kind, number))
    model.graph.output[1].CopyFrom(helper.make_value_info(proba, rows))
    _onnx().checker.check_model(model)


class Graph:
    """Nodes and constants in the order in which they are added, under unique names.

    Parameters
    ----------
    prefix : str, default="skdistill"
        Start of all names.
    """

    def __init__(self, prefix="skdistill"):
        self.prefix = prefix
        self.nodes = []
        self.initializers = []

    def __call__(self, op_type, *inputs, output=None, domain="", n_outputs=1, **attributes):
        """Add a node and return the name of its first output; input arrays become constants."""
        names = [name if isinstance(name, str) else self.constant(name) for name in inputs]
        name = f"{self.prefix}_{op_type}_{len(self.nodes)}"
        output = output or f"{name}_out"
        outputs = [output, *(f"{name}_out{i}" for i in range(1, n_outputs))]
        node = _onnx().helper.make_node(
            op_type, names, outputs, name=name, domain=domain, **attributes
        )
        self.nodes.append(node)
        return output

    def cast(self, name, kind, output=None):
        """Add a conversion to a type, such as "float64", and return the name of its output."""
        return self("Cast", name, to=_type(kind), output=output)

    def declare(self, name, kind, shape):
        """Return the declaration of an output of a model."""
        return _onnx().helper.make_tensor_value_info(name, _type(kind), shape)

    def constant(self, array):
        """Add a constant and return its name."""
        name = f"{self.prefix}_constant_{len(self.initializers)}"
        array = np.asarray(array)
        if array.dtype.kind in "OU":
            array = array.astype(object)
        self.initializers.append(_onnx().numpy_helper.from_array(array, name))
        return name


def write_student(graph, estimator, inputs, dtype, outputs=None, output_dtype=None):
    """Add the nodes of a fitted student to a graph.

    Parameters
    ----------
    graph : Graph
    estimator : DistilledClassifier or DistilledRegressor
    inputs : list of str
        The name of one matrix of floats, or one name for each column.
    dtype : {"float32", "float64"}
        Type of the numbers among the inputs.
    outputs : list of str, default=None
        Names of the predictions; None for those of the estimator's head.
    output_dtype : {"float32", "float64"}, default=None
        Type of predictions that are numbers; None for that of the head.
    """
    student = estimator.student_
    if not isinstance(student, (ForwardPass, EstimatorForward)):
        raise ValueError(
            f"only a StudentMLP can be written by to_onnx, got a {student.kind}: export it with "
            "torch.onnx.export(clf.student_.module, ...), which takes the rows that "
            "clf.inputs_.transform(X) returns."
        )
    matrix = (
        inputs[0] if len(inputs) == 1 and len(estimator.inputs_.encoder.categories_) == 0 else None
    )
    numbers, categories = _split_columns(graph, estimator.inputs_, inputs, matrix, dtype)
    forward = _forward if isinstance(student, ForwardPass) else _estimator_forward
    logits = forward(graph, estimator.inputs_, student, numbers, categories, dtype)
    head = estimator._head
    head.write(graph, logits, outputs or head.names, output_dtype)


def _split_columns(graph, inputs, names, matrix, dtype):
    """Return the names of the matrices of numbers and of category codes; None for no columns."""
    number_columns, category_columns = inputs.number_columns, inputs.category_columns
    if matrix is not None:
        if inputs.are_in_place:
            return matrix, None
        return graph("Gather", matrix, number_columns.astype(np.int64), axis=1), None
    if len(names) == 1 and len(inputs.encoder.is_categorical_) > 1:
        columns = {
            int(j): graph("Gather", names[0], np.array([j]), axis=1) for j in category_columns
        }
        numbers = graph("Gather", names[0], number_columns.astype(np.int64), axis=1)
    else:
        columns = dict(enumerate(names))
        numbers = [columns[j] for j in number_columns]
        numbers = graph("Concat", *numbers, axis=1) if numbers else None
    codes = [
        _codes(graph, columns[int(j)], found, n_codes - 1, as_floats=len(names) == 1)
        for j, found, n_codes in zip(category_columns, inputs.encoder.categories_, inputs.n_codes)
    ]
    return (
        numbers if len(number_columns) else None,
        graph("Concat", *codes, axis=1) if codes else None,
    )


def _codes(graph, column, categories, unseen, *, as_floats):
    """Return the codes of a column; a value that is not a category gets the code `unseen`."""
    attributes = {"values_int64s": list(range(len(categories))), "default_int64": int(unseen)}
    kind = categories.dtype.kind
    if hold_strings(categories):
        return graph(
            "LabelEncoder", column, domain=ML, keys_strings=categories.tolist(), **attributes
        )
    if kind not in "biuf":
        raise ValueError(
            f"categories must be strings or numbers in ONNX, got {categories[0]!r}: convert them "
            "to strings before fit."
        )
    if as_floats or kind == "f":
        column = graph("Cast", column, to=_type("float32"))
        keys = categories.astype(np.float32)
        if len(np.unique(keys)) < len(keys):
            raise ValueError(
                "the model takes this column as float32, in which some of its categories are "
                "equal: convert them to strings before fit."
            )
        if not len(keys):  # a column without categories; LabelEncoder needs a key
            attributes["values_int64s"], keys = [int(unseen)], np.zeros(1, np.float32)
        return graph("LabelEncoder", column, domain=ML, keys_floats=keys.tolist(), **attributes)
    keys = categories.astype(np.int64).tolist()
    return graph("LabelEncoder", column, domain=ML, keys_int64s=keys, **attributes)


def _forward(graph, inputs, student, numbers, categories, dtype):
    """Add the forward pass of `ForwardPass`, node by node; return the name of the logits."""
    folded = student.folded()
    parts = []
    if numbers is not None:
        numbers, parts = _numbers(graph, inputs, numbers, dtype)
        if folded.periodic is not None:
            embedded = _embedded_columns(graph, parts[0], inputs)
            parts.append(_periodic_embedding(graph, embedded, *folded.periodic))
        if folded.bins is not None:
            embedded = _embedded_columns(graph, numbers, inputs)
            parts.append(_bin_embedding(graph, inputs, folded, embedded, dtype))
    if categories is not None:
        rows = graph("Add", categories, folded.category_offsets.astype(np.int64))
        parts.append(_look_up(graph, folded.categories, rows))
    h = graph("Concat", *parts, axis=1)
    for weight, bias in folded.weights[:-1]:
        h = graph("Relu", graph("Gemm", h, weight, bias))
    return graph("Gemm", h, *folded.weights[-1])


def _estimator_forward(graph, inputs, student, numbers, categories, dtype):
    """Add the encoding of `NetInputs` with one-hot categories, and the nodes of an estimator."""
    parts = []
    if numbers is not None:
        _, parts = _numbers(graph, inputs, numbers, dtype)
    if categories is not None:
        n_codes = inputs.n_codes
        codes = graph("Add", categories, (np.cumsum(n_codes) - n_codes).astype(np.int64))
        zero_and_one = np.array([0, 1], dtype=np.float32)
        one_hot = graph("OneHot", codes, np.array([n_codes.sum()]), zero_and_one, axis=-1)
        parts.append(graph("ReduceSum", one_hot, np.array([1]), keepdims=0))
    rows = graph("Concat", *parts, axis=1)
    return write_estimator(graph, rows, student, inputs.layout.width)


def _numbers(graph, inputs, numbers, dtype):
    """Return the completed numbers, and a list of them scaled and of the missing indicators."""
    missing = graph("IsNaN", numbers)
    numbers = graph("Where", missing, _center(inputs, dtype), numbers)
    parts = [_scaled(graph, inputs, numbers, dtype)]
    if len(inputs.missing_columns):
        indicators = graph("Gather", missing, inputs.missing_columns.astype(np.int64), axis=1)
        parts.append(graph("Cast", indicators, to=_type("float32")))
    return numbers, parts


def _center(inputs, dtype):
    """Return what replaces missing numbers, in the same bins in float32 as in doubles."""
    if dtype == "float64":
        return inputs.center
    largest = np.finfo(np.float32).max
    center = inputs.center.clip(-largest, largest)
    below = _rounded_down(center)
    above = np.nextafter(below, largest)
    center = center.astype(np.float32)
    for j, points in enumerate(inputs.split_points):
        bin_of_center = points.searchsorted(inputs.center[j])
        is_right = _rounded_down(points).searchsorted(below[j]) == bin_of_center
        center[j] = below[j] if is_right else above[j]
    return center


def _scaled(graph, inputs, numbers, dtype):
    """Add the scaling and smooth clipping of `NetInputs`."""
    if dtype == "float32":
        # In doubles, since the difference to the center would lose digits in float32.
        numbers = graph("Cast", numbers, to=_type("float64"))
    numbers = graph("Clip", numbers, np.array(-FURTHEST), np.array(FURTHEST))
    scaled = graph("Mul", graph("Sub", numbers, inputs.center), inputs.inverse_scale)
    scaled = graph("Clip", scaled, np.array(-HUGE), np.array(HUGE))
    third = graph("Mul", scaled, np.array(1 / 3))
    bend = graph("Sqrt", graph("Add", graph("Mul", third, third), np.array(1.0)))
    return graph("Cast", graph("Div", scaled, bend), to=_type("float32"))


def _embedded_columns(graph, numbers, inputs):
    """Return only the numbers that have a periodic and a bin embedding."""
    n_numbers, n_embedded = inputs.layout.n_numbers, inputs.layout.n_embedded
    if n_embedded == n_numbers:
        return numbers
    return graph("Slice", numbers, np.array([0]), np.array([n_embedded]), np.array([1]))


def _periodic_embedding(graph, x, frequency, phase, weight):
    columns = graph("Unsqueeze", x, np.array([2]))
    angles = graph("Add", graph("Mul", columns, frequency), phase)
    by_number = graph("Transpose", graph("Cos", angles), perm=[1, 0, 2])
    embedded = graph("Transpose", graph("MatMul", by_number, weight), perm=[1, 0, 2])
    return graph("Flatten", embedded, axis=1)


def _bin_embedding(graph, inputs, folded, numbers, dtype):
    points = np.concatenate(inputs.split_points)
    n_points = np.array([len(each) for each in inputs.split_points])
    if dtype == "float32":
        points = _rounded_down(points)  # a float32 exceeds it if and only if it exceeds the point
    columns = graph("Gather", numbers, np.repeat(np.arange(len(n_points)), n_points), axis=1)
    exceeds = graph("Cast", graph("Greater", columns, points), to=_type("int32"))
    # Points that are exceeded, up to the end of each column; the difference is the bin.
    sums = graph("CumSum", graph("Pad", exceeds, np.array([0, 1, 0, 0])), np.array(1))
    ends = np.cumsum(n_points)
    bins = graph("Sub", *(graph("Gather", sums, at, axis=1) for at in (ends, ends - n_points)))
    rows = graph("Add", bins, folded.bin_offsets.astype(np.int32))
    return _look_up(graph, folded.bins, rows)


def _look_up(graph, embedding, rows):
    return graph("Flatten", graph("Gather", embedding, rows, axis=0), axis=1)


def _rounded_down(points):
    """Return the largest float32 that does not exceed each point."""
    rounded = points.astype(np.float32)
    below = np.nextafter(rounded, -np.finfo(np.float32).max)
    return np.where(rounded > points, below, rounded)


def _declare_inputs(estimator, dtype):
    """Return the declared inputs: one matrix if no column holds strings, else one a column."""
    helper = _onnx().helper
    encoder = estimator.inputs_.encoder
    n_features = len(encoder.is_categorical_)
    number = _type(dtype)
    if all(categories.dtype.kind in "biuf" for categories in encoder.categories_):
        return [helper.make_tensor_value_info("X", number, [None, n_features])]
    names = getattr(estimator, "feature_names_in_", [f"x{j}" for j in range(n_features)])
    taken = [name for name in estimator._head.names if name in names]
    if taken:
        raise ValueError(
            f"a column is named {taken[0]!r}, like an output of the model: rename the column "
            "before fit."
        )
    kinds = dict(zip(np.flatnonzero(encoder.is_categorical_), encoder.categories_))
    types = [_element_type(kinds[j]) if j in kinds else number for j in range(n_features)]
    return [
        helper.make_tensor_value_info(str(name), kind, [None, 1])
        for name, kind in zip(names, types)
    ]


def _element_type(categories):
    """Return the ONNX type of categories: strings, integers or floats."""
    kind = categories.dtype.kind
    return _type("float32" if kind == "f" else "int64" if kind in "biu" else "str")


def _type(name):
    TensorProto = _onnx().TensorProto
    return {
        "float32": TensorProto.FLOAT,
        "float64": TensorProto.DOUBLE,
        "int64": TensorProto.INT64,
        "int32": TensorProto.INT32,
        "str": TensorProto.STRING,
    }[name]


def _onnx():
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError("to_onnx needs onnx: pip install 'skdistill[onnx]'") from error
    return onnx
