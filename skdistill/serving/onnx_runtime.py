"""The student's ONNX graph in onnxruntime, in eight bits, and in skl2onnx pipelines."""

import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np

from skdistill._frames import as_objects, column_of, is_frame
from skdistill._levels import is_missing


class OnnxStudent:
    """An ONNX file of `DistilledClassifier.to_onnx` in onnxruntime, asked like a classifier.

    Parameters
    ----------
    model : str, path-like, bytes or onnx.ModelProto
    n_threads : int, default=1
        Small nets lose more to a second thread than they win.

    Examples
    --------
    >>> from skdistill import OnnxStudent
    >>> student = OnnxStudent("student.onnx")  # doctest: +SKIP
    >>> student.predict_proba(X)  # doctest: +SKIP
    """

    def __init__(self, model, *, n_threads=1):
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(
                "OnnxStudent needs onnxruntime: pip install 'skdistill[onnx]'"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = n_threads
        if hasattr(model, "SerializeToString"):
            model = model.SerializeToString()
        elif not isinstance(model, bytes):
            model = Path(model).read_bytes()
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = [(one.name, one.type) for one in self.session.get_inputs()]

    def predict(self, X):
        """The most probable class of each row, ndarray of shape (n_samples,)."""
        return self.session.run(["label"], self.feed(X))[0]

    def predict_proba(self, X):
        """Class probabilities, ndarray of shape (n_samples, n_classes), float32."""
        return self.session.run(["probabilities"], self.feed(X))[0]

    def feed(self, X):
        """A table as the graph's inputs: a matrix, or a column of shape (n_samples, 1) each."""
        name, kind = self.inputs[0]
        if len(self.inputs) == 1 and kind != "tensor(string)":
            if is_frame(X):
                columns = [column_of(X, j) for j in range(X.shape[1])]
                columns = [_column(as_objects(column), kind) for column in columns]
                return {name: np.column_stack(columns)}
            return {name: np.asarray(X, dtype=_DTYPES[kind])}
        if is_frame(X):
            columns = [as_objects(X[name]) for name, _ in self.inputs]
        else:
            columns = list(np.asarray(X, dtype=object).T)
        return {
            name: _column(column, kind)[:, None]
            for column, (name, kind) in zip(columns, self.inputs)
        }


_DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}
# What stands for missing: no level, so that the graph gives it the code of the unseen.
_NO_STRING, _NO_INTEGER = "\x00missing", np.iinfo(np.int64).min


def _column(values, kind):
    missing = np.array([is_missing(value) for value in values], dtype=bool)
    if kind == "tensor(string)":
        return np.where(missing, _NO_STRING, values).astype(object)
    return np.where(missing, _NO_INTEGER if kind == "tensor(int64)" else np.nan, values).astype(
        _DTYPES[kind]
    )


def in_eight_bits(model, X, max_changed):
    """Quantise a model's layers, and refuse if too many answers change.

    Parameters
    ----------
    model : onnx.ModelProto
    X : table of shape (n_samples, n_features)
    max_changed : float
        Share of the rows that may get another class.

    Returns
    -------
    quantised : onnx.ModelProto
    """
    import onnx

    if X is None:
        raise ValueError("int8=True needs X: rows on which the answers are compared.")
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ImportError("int8=True needs onnxruntime: pip install 'skdistill[onnx]'") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(
            model, path, weight_type=QuantType.QInt8, per_channel=True,
            op_types_to_quantize=["Gemm", "MatMul"],
            # The waves' small products, which are a stack of matrices.
            nodes_to_exclude=[node.name for node in model.graph.node if node.op_type == "MatMul"],
        )  # fmt: skip
        quantised = onnx.load(path)
    changed = np.mean(OnnxStudent(model).predict(X) != OnnxStudent(quantised).predict(X))
    if changed > max_changed:
        raise ValueError(
            f"in eight bits {changed:.2%} of {len(X)} answers change, and at most "
            f"{max_changed:.2%} may: export with int8=False, or raise max_changed."
        )
    return quantised


def register_skl2onnx():
    """Teach skl2onnx about `DistilledClassifier`, so that it converts pipelines with one."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    update_registered_converter(
        import_module("skdistill").DistilledClassifier,
        "SkdistillDistilledClassifier",
        calculate_linear_classifier_output_shapes,
        _convert,
        options={"zipmap": [True, False, "columns"], "nocl": [True, False]},
    )


def _convert(scope, operator, container):
    from onnx.helper import get_attribute_value
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    from skdistill.serving.onnx import ML, OPSET, OPSET_ML, Graph, write_student

    graph = Graph(scope.get_unique_variable_name("skdistill"))
    names, dtype = [one.full_name for one in operator.inputs], "float32"
    if len(names) == 1:
        if isinstance(operator.inputs[0].type, DoubleTensorType):
            dtype = "float64"
        elif not isinstance(operator.inputs[0].type, FloatTensorType):
            names = [graph("Cast", names[0], to=1)]
    label, proba = (one.full_name for one in operator.outputs)
    write_student(graph, operator.raw_operator, names, dtype, label=label, proba=proba)
    container.initializers.extend(graph.initializers)
    for node in graph.nodes:
        attributes = {each.name: get_attribute_value(each) for each in node.attribute}
        container.add_node(
            node.op_type, list(node.input), list(node.output), name=node.name,
            op_domain=node.domain, op_version=OPSET_ML if node.domain == ML else OPSET,
            **attributes,
        )  # fmt: skip
