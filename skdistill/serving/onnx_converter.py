"""`to_onnx` of a whole pipeline, and the converter with which skl2onnx does it."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdistill.serving.exports import ExportMixin
from skdistill.serving.onnx import ML, OPSET, OPSET_ML, Graph, add_zipmap, write_student
from skdistill.serving.writing import write_whole

DTYPES = ("float32", "float64")


def to_onnx(model, path=None, *, X=None, dtype="float32", zipmap=False):
    """Export a student, or a pipeline that ends with one, as one ONNX model.

    Parameters
    ----------
    model : DistilledClassifier, DistilledRegressor or Pipeline
        Fitted. The other steps of a pipeline are converted by skl2onnx.
    path : str, path-like or None, default=None
        Where the model is written. None only returns it.
    X : DataFrame of shape (n_samples, n_features), default=None
        A few rows of the table that a pipeline was fitted on, where it selects columns by their
        names, or where some hold strings. Each column is an input then. None: the input is "X",
        a matrix of numbers. Ignored if `model` is no pipeline.
    dtype : {"float32", "float64"}, default="float32"
        Type of the numbers that the model takes.
    zipmap : bool, default=False
        Whether the probabilities of each row are a map from label to probability, as skl2onnx
        has them by default, instead of a row of a matrix. Only for a classifier.

    Returns
    -------
    onnx_model : onnx.ModelProto
        Its outputs are those of `DistilledClassifier.to_onnx`.

    Raises
    ------
    NotFittedError
        If `model` is not fitted.
    ImportError
        If onnx, or for a pipeline skl2onnx, is not installed.
    TypeError
        If `model` is neither a student nor a pipeline that ends with one.
    ValueError
        See `DistilledClassifier.to_onnx`. Nothing is written then.

    See Also
    --------
    DistilledClassifier.to_onnx, DistilledRegressor.to_onnx : Export a student alone, also in \
        eight bits.
    OnnxStudent : Predict with the model through onnxruntime.

    Notes
    -----
    ``skl2onnx.to_onnx(pipeline, X[:1])`` works as well, with all options of skl2onnx.

    Examples
    --------
    >>> import skdistill
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = skdistill.DistilledClassifier(
    ...     DecisionTreeClassifier(max_depth=3), skdistill.StudentNet(max_epochs=2)
    ... )
    >>> pipeline = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> model = skdistill.to_onnx(pipeline)
    >>> skdistill.OnnxStudent(model).predict_proba(X).shape
    (150, 3)
    """
    last = model
    while isinstance(last, Pipeline):
        last = last[-1]
    if not isinstance(last, ExportMixin):
        raise TypeError(
            "to_onnx takes a DistilledClassifier or DistilledRegressor, or a Pipeline that ends "
            f"with one, got {type(last).__name__}: convert it with skl2onnx.to_onnx."
        )
    check_is_fitted(model)
    if last is model:
        return model.to_onnx(path, dtype=dtype, zipmap=zipmap)
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}.")
    return _pipeline_to_onnx(model, last, path, X, dtype, zipmap)


def _pipeline_to_onnx(pipeline, student, path, X, dtype, zipmap):
    try:
        import skl2onnx
    except ImportError as error:
        raise ImportError(
            "to_onnx of a pipeline needs skl2onnx: pip install 'skdistill[onnx]'"
        ) from error
    head = student._head
    keys = head.keys_of_maps() if zipmap else None
    model = skl2onnx.to_onnx(
        pipeline,
        initial_types=_inputs(pipeline, X, dtype),
        options={id(student): head.skl2onnx_options},
        target_opset={"": OPSET, ML: OPSET_ML},
    )
    if zipmap:
        add_zipmap(model, keys)
    if path is not None:
        write_whole(path, model.SerializeToString())
    return model


def _inputs(pipeline, X, dtype):
    """Return the names and types of the inputs: one matrix, or each column of X."""
    from skl2onnx.common import data_types

    number = {"float32": data_types.FloatTensorType, "float64": data_types.DoubleTensorType}[dtype]
    if X is None:
        return [("X", number([None, pipeline.n_features_in_]))]
    integer, boolean = data_types.Int64TensorType, data_types.BooleanTensorType
    types = {"f": number, "i": integer, "u": integer, "b": boolean}
    kinds = {name: np.asarray(X[name]).dtype.kind for name in X.columns}
    return [
        (str(name), types.get(kind, data_types.StringTensorType)([None, 1]))
        for name, kind in kinds.items()
    ]


def register_classifier(cls):
    """Register `DistilledClassifier` with skl2onnx, so that it converts pipelines with one."""
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    update_registered_converter(
        cls,
        "SkdistillDistilledClassifier",
        calculate_linear_classifier_output_shapes,
        _convert,
        options={"zipmap": [True, False, "columns"], "nocl": [True, False]},
    )


def register_regressor(cls):
    """Register `DistilledRegressor` with skl2onnx, so that it converts pipelines with one."""
    from skl2onnx import update_registered_converter

    update_registered_converter(
        cls,
        "SkdistillDistilledRegressor",
        _set_shapes_of_regressor,
        _convert,
        parser=_parse_regressor,
    )


def _parse_regressor(scope, model, inputs, custom_parsers=None):
    """Declare the outputs of a `DistilledRegressor` that ends a pipeline; return them."""
    from skl2onnx.common.data_types import DoubleTensorType

    operator = scope.declare_local_operator("SkdistillDistilledRegressor", model)
    operator.inputs = inputs
    for name in model._head.names:
        operator.outputs.append(scope.declare_local_variable(name, DoubleTensorType()))
    return operator.outputs


def _set_shapes_of_regressor(operator):
    """Set the shapes of the outputs, in the types in which they were declared."""
    head = operator.raw_operator._head
    n_samples = operator.inputs[0].get_first_dimension()
    for output, n_columns in zip(operator.outputs, (head.n_targets, len(head.quantiles))):
        output.set_type(type(output.type)([n_samples, n_columns]))


def _convert(scope, operator, container):
    """Add the nodes of a fitted student to the container of skl2onnx."""
    from onnx.helper import get_attribute_value
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    graph = Graph(scope.get_unique_variable_name("skdistill"))
    names, dtype = [one.full_name for one in operator.inputs], "float32"
    if len(names) == 1:
        if isinstance(operator.inputs[0].type, DoubleTensorType):
            dtype = "float64"
        elif not isinstance(operator.inputs[0].type, FloatTensorType):
            names = [graph("Cast", names[0], to=1)]
    outputs = [one.full_name for one in operator.outputs]
    is_double = isinstance(operator.outputs[-1].type, DoubleTensorType)
    output_dtype = "float64" if is_double else "float32"
    write_student(graph, operator.raw_operator, names, dtype, outputs, output_dtype)
    container.initializers.extend(graph.initializers)
    for node in graph.nodes:
        attributes = {each.name: get_attribute_value(each) for each in node.attribute}
        container.add_node(
            node.op_type, list(node.input), list(node.output), name=node.name,
            op_domain=node.domain, op_version=OPSET_ML if node.domain == ML else OPSET,
            **attributes,
        )  # fmt: skip
