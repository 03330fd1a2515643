"""A fitted student as one ONNX graph, with its preprocessing inside."""

from pathlib import Path

import numpy as np

from skdistill.serving.forward import ForwardPass

OPSET = 17
OPSET_ML = 3
ML = "ai.onnx.ml"
OUTPUTS = ("label", "probabilities")
FURTHEST = 1e100  # beyond it numbers are clipped, so that their squares stay finite


def to_onnx(estimator, path=None, *, dtype="float32", int8=False, X=None, max_changed=0.01):
    """Write a fitted student as an ONNX model.

    Parameters
    ----------
    estimator : DistilledClassifier
    path : str, path-like or None
        None: only return the model.
    dtype : {"float32", "float64"}, default="float32"
        Of the numbers that the graph takes.
    int8 : bool, default=False
        Store the layers' weights in eight bits.
    X : table of shape (n_samples, n_features), default=None
        With `int8`: rows on which the answers are compared.
    max_changed : float, default=0.01
        With `int8`: share of the rows of X that may get another class.

    Returns
    -------
    model : onnx.ModelProto
        Inputs: "X" of shape (n_samples, n_features) where all columns are numbers, else
        one input of shape (n_samples, 1) for each column, by its name. Outputs: "label"
        and "probabilities".

    Raises
    ------
    ValueError
        If the student is a torch module of your own, if a level is neither string nor
        number, if a column that is an input of its own is called like an output, or if eight
        bits change too many answers; nothing is written then.
    """
    onnx = _onnx()
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}.")
    graph = Graph()
    inputs = _declare_inputs(estimator, dtype)
    names = [value.name for value in inputs]
    label, proba = write_student(graph, estimator, names, dtype)
    classes = _labels(estimator.classes_)
    outputs = [
        onnx.helper.make_tensor_value_info(label, _element_type(classes), [None]),
        onnx.helper.make_tensor_value_info(proba, onnx.TensorProto.FLOAT, [None, len(classes)]),
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "skdistill", inputs, outputs, graph.initializers),
        opset_imports=[onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(ML, OPSET_ML)],
        producer_name="skdistill",
        ir_version=8,  # of this opset's time, so that runtimes of that time read it too
    )
    onnx.checker.check_model(model, full_check=True)
    if int8:
        from skdistill.serving.onnx_quantization import in_eight_bits

        model = in_eight_bits(model, X, max_changed)
    if path is not None:
        Path(path).write_bytes(model.SerializeToString())
    return model


class Graph:
    """Nodes and constants in the order of their making, under names that are ours alone."""

    def __init__(self, prefix="skdistill"):
        self.prefix = prefix
        self.nodes = []
        self.initializers = []

    def __call__(self, op_type, *inputs, output=None, domain="", **attributes):
        """Add a node; arrays among its inputs become constants. Returns its output's name."""
        names = [name if isinstance(name, str) else self.constant(name) for name in inputs]
        name = f"{self.prefix}_{op_type}_{len(self.nodes)}"
        output = output or f"{name}_out"
        node = _onnx().helper.make_node(
            op_type, names, [output], name=name, domain=domain, **attributes
        )
        self.nodes.append(node)
        return output

    def constant(self, array):
        """Add an initializer. Returns its name."""
        name = f"{self.prefix}_constant_{len(self.initializers)}"
        array = np.asarray(array)
        if array.dtype.kind in "OU":
            array = array.astype(object)
        self.initializers.append(_onnx().numpy_helper.from_array(array, name))
        return name


def write_student(graph, estimator, inputs, dtype, *, label=OUTPUTS[0], proba=OUTPUTS[1]):
    """Add the nodes of a fitted student to a graph.

    Parameters
    ----------
    graph : Graph
    estimator : DistilledClassifier
    inputs : list of str
        One name of a matrix of floats, or a name for each column.
    dtype : {"float32", "float64"}
    label, proba : str
        Names of the outputs.

    Returns
    -------
    label, proba : str
    """
    student = estimator.student_
    if not isinstance(student, ForwardPass):
        kind = type(student.module).__name__
        raise ValueError(
            f"only a StudentMLP is written to ONNX, and this student is a {kind}: export it with "
            "torch.onnx.export(clf.student_.module, ...), which takes the rows that "
            "clf.inputs_.transform(X) returns."
        )
    matrix = (
        inputs[0] if len(inputs) == 1 and len(estimator.inputs_.encoder.categories_) == 0 else None
    )
    numbers, categories = _split_columns(graph, estimator.inputs_, inputs, matrix, dtype)
    logits = _forward(graph, estimator.inputs_, student, numbers, categories, dtype)
    best = graph("ArgMax", logits, axis=1, keepdims=0)
    graph("Gather", _labels(estimator.classes_), best, axis=0, output=label)
    # In double precision, as numpy does it, so that rows sum to one.
    exact = graph("Softmax", graph("Cast", logits, to=_type("float64")), axis=1)
    graph("Cast", exact, to=_type("float32"), output=proba)
    return label, proba


def _split_columns(graph, inputs, names, matrix, dtype):
    """Names of a matrix of numbers and of a matrix of level codes; None for what is not there."""
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
    """The code of each level; whatever is no level gets the last."""
    attributes = {"values_int64s": list(range(len(categories))), "default_int64": int(unseen)}
    kind = categories.dtype.kind
    if kind == "U" or (kind == "O" and all(isinstance(level, str) for level in categories)):
        return graph(
            "LabelEncoder", column, domain=ML, keys_strings=categories.tolist(), **attributes
        )
    if kind not in "biuf":
        raise ValueError(
            f"a column has categories such as {categories[0]!r}, but ONNX knows only strings and "
            "numbers: convert them to strings before fit."
        )
    if as_floats or kind == "f":
        column = graph("Cast", column, to=_type("float32"))
        keys = categories.astype(np.float32)
        if len(np.unique(keys)) < len(keys):
            raise ValueError("a category has categories that float32 cannot tell apart.")
        if not len(keys):  # a column without any level; no LabelEncoder without keys
            attributes["values_int64s"], keys = [int(unseen)], np.zeros(1, np.float32)
        return graph("LabelEncoder", column, domain=ML, keys_floats=keys.tolist(), **attributes)
    keys = categories.astype(np.int64).tolist()
    return graph("LabelEncoder", column, domain=ML, keys_int64s=keys, **attributes)


def _forward(graph, inputs, student, numbers, categories, dtype):
    """The forward pass of `skdistill.serving.forward`, node by node."""
    folded = student.folded()
    parts = []
    if numbers is not None:
        missing = graph("IsNaN", numbers)
        numbers = graph("Where", missing, _center(inputs, dtype), numbers)
        scaled = _scaled(graph, inputs, numbers, dtype)
        parts.append(scaled)
        if len(inputs.missing_columns):
            flagged = graph("Gather", missing, inputs.missing_columns.astype(np.int64), axis=1)
            parts.append(graph("Cast", flagged, to=_type("float32")))
        if folded.periodic is not None:
            curved = _first_columns(graph, scaled, inputs)
            parts.append(_periodic(graph, curved, *folded.periodic))
        if folded.bins is not None:
            curved = _first_columns(graph, numbers, inputs)
            parts.append(_step_vectors(graph, inputs, folded, curved, dtype))
    if categories is not None:
        rows = graph("Add", categories, folded.category_offsets.astype(np.int64))
        parts.append(_look_up(graph, folded.categories, rows))
    h = graph("Concat", *parts, axis=1)
    for weight, bias in folded.weights[:-1]:
        h = graph("Relu", graph("Gemm", h, weight, bias))
    return graph("Gemm", h, *folded.weights[-1])


def _center(inputs, dtype):
    """What a missing number is taken for: in float32 on the same step as in doubles."""
    if dtype == "float64":
        return inputs.center
    below, points = _rounded_down(inputs.center), inputs.split_points
    stands = (inputs.center[: len(points), None] > points).sum(1)
    is_right = (below[: len(points), None] > _rounded_down(points)).sum(1) == stands
    above = np.nextafter(below, np.float32(np.inf))
    center = inputs.center.astype(np.float32)
    center[: len(points)] = np.where(is_right, below[: len(points)], above[: len(points)])
    return center


def _scaled(graph, inputs, numbers, dtype):
    if dtype == "float32":
        # The difference to the center is where digits are lost: it is taken in doubles.
        numbers = graph("Cast", numbers, to=_type("float64"))
    else:
        numbers = graph("Clip", numbers, np.array(-FURTHEST), np.array(FURTHEST))
    scaled = graph("Mul", graph("Sub", numbers, inputs.center), inputs.inverse_scale)
    third = graph("Mul", scaled, np.array(1 / 3))
    bend = graph("Sqrt", graph("Add", graph("Mul", third, third), np.array(1.0)))
    return graph("Cast", graph("Div", scaled, bend), to=_type("float32"))


def _first_columns(graph, numbers, inputs):
    """Only the numbers that have periodic and bins."""
    n_numbers, n_embedded = inputs.layout.n_numbers, inputs.layout.n_embedded
    if n_embedded == n_numbers:
        return numbers
    return graph("Slice", numbers, np.array([0]), np.array([n_embedded]), np.array([1]))


def _periodic(graph, x, frequency, phase, weight):
    columns = graph("Unsqueeze", x, np.array([2]))
    angles = graph("Add", graph("Mul", columns, frequency), phase)
    by_number = graph("Transpose", graph("Cos", angles), perm=[1, 0, 2])
    embedded = graph("Transpose", graph("MatMul", by_number, weight), perm=[1, 0, 2])
    return graph("Flatten", embedded, axis=1)


def _step_vectors(graph, inputs, folded, numbers, dtype):
    points = inputs.split_points
    if dtype == "float32":
        points = _rounded_down(points)  # then x > point is what it is in doubles
    columns = graph("Unsqueeze", numbers, np.array([2]))
    exceeds = graph("Cast", graph("Greater", columns, points), to=_type("int32"))
    bins = graph("ReduceSum", exceeds, np.array([2]), keepdims=0)
    rows = graph("Add", bins, folded.bin_offsets.astype(np.int32))
    return _look_up(graph, folded.bins, rows)


def _look_up(graph, vectors, rows):
    return graph("Flatten", graph("Gather", vectors, rows, axis=0), axis=1)


def _rounded_down(points):
    """The largest float32 that is not above each point."""
    rounded = points.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > points, below, rounded)


def _declare_inputs(estimator, dtype):
    helper = _onnx().helper
    table = estimator.inputs_.encoder
    n_features = len(table.is_categorical_)
    number = _type(dtype)
    if all(categories.dtype.kind in "biuf" for categories in table.categories_):
        return [helper.make_tensor_value_info("X", number, [None, n_features])]
    names = getattr(estimator, "feature_names_in_", [f"x{j}" for j in range(n_features)])
    taken = [name for name in OUTPUTS if name in names]
    if taken:
        raise ValueError(
            f"a column is called {taken[0]!r}, as an output of the graph is: fit on a table in "
            "which it has another name."
        )
    kinds = dict(zip(np.flatnonzero(table.is_categorical_), table.categories_))
    types = [_element_type(kinds[j]) if j in kinds else number for j in range(n_features)]
    return [
        helper.make_tensor_value_info(str(name), kind, [None, 1])
        for name, kind in zip(names, types)
    ]


def _element_type(categories):
    """How ONNX is given one of these: as strings, integers or floats."""
    kind = categories.dtype.kind
    return _type("float32" if kind == "f" else "int64" if kind in "biu" else "str")


def _labels(classes):
    """Class labels as ONNX knows them."""
    kind = classes.dtype.kind
    if kind in "biu":
        return classes.astype(np.int64)
    if kind == "f":
        return classes.astype(np.float32)
    if not all(isinstance(label, str) for label in classes.tolist()):
        raise ValueError(f"ONNX knows strings and numbers as labels, got {classes[0]!r}.")
    return classes.astype(object)


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
