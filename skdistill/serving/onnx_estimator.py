"""Writes a student that is an estimator of scikit-learn into an ONNX graph, by skl2onnx."""

from typing import Any

import numpy as np

from skdistill.serving.estimator_forward import TINY
from skdistill.table.target import SMALLEST_MEAN, Target

ROWS_TO_TRY = 16
OPSETS = {"": 17, "ai.onnx.ml": 3}


def write_estimator(graph, rows, student, n_inputs):
    """Add the nodes of an estimator to a graph.

    Parameters
    ----------
    graph : Graph
    rows : str
        Name of the encoded rows, a matrix of floats.
    student : EstimatorForward
    n_inputs : int
        Number of columns of the encoded rows.

    Returns
    -------
    logits : str
        Name of the outputs, in double precision.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    ValueError
        If it cannot convert the estimator, or if what it writes predicts something else.
    """
    import onnx

    model = _converted(student, n_inputs)
    _check_predictions(model, student, n_inputs)
    model = onnx.compose.add_prefix(model, f"{graph.prefix}_estimator_")
    graph("Identity", rows, output=model.graph.input[0].name)
    graph.nodes.extend(model.graph.node)
    graph.initializers.extend(model.graph.initializer)
    predictions = graph("Cast", model.graph.output[-1].name, to=onnx.TensorProto.DOUBLE)
    if student.link == "log":
        return graph("Log", graph("Max", predictions, np.array(TINY)))
    if isinstance(student.link, Target):
        return _outputs_of_targets(graph, predictions, student.link)
    if student.link == "identity":
        return predictions
    half = graph("Mul", predictions, np.array(0.5))
    return graph("Concat", graph("Neg", half), half, axis=1)


def _outputs_of_targets(graph, predictions, target):
    """Return the outputs whose predictions these are, as `Target.outputs` does."""
    centered = graph("Sub", predictions, target.center)
    outputs = graph("Div", centered, target.scale)
    if target.link == "log":
        outputs = graph("Log", graph("Max", outputs, np.array(SMALLEST_MEAN)))
    return outputs


def _converted(student, n_inputs):
    """Return the estimator as skl2onnx converts it."""
    try:
        import skl2onnx
        from skl2onnx.common.data_types import FloatTensorType
    except ImportError as error:
        raise ImportError(
            f"to_onnx of a student that is a {student.kind} needs skl2onnx: pip install "
            "'skdistill[onnx]'"
        ) from error
    last = student.estimator
    while hasattr(last, "steps"):
        last = last.steps[-1][1]
    converters: dict[str, Any] = _converters_of_boosted_trees()
    options: Any = {id(last): {"zipmap": False}} if student.link == "log" else None
    try:
        return skl2onnx.convert_sklearn(
            student.estimator,
            initial_types=[("rows", FloatTensorType([None, n_inputs]))],
            options=options,
            target_opset=OPSETS,
            **converters,
        )
    except Exception as error:
        raise ValueError(
            f"skl2onnx cannot convert the student, a {student.kind}: register a converter for it, "
            "such as that of onnxmltools, or use joblib instead. The error was: "
            f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]:.200}"
        ) from error


def _check_predictions(model, student, n_inputs):
    """Check that a converted estimator predicts the same of most rows.

    A number at a tree's threshold may fall to the other side of it.
    """
    from onnx.reference import ReferenceEvaluator

    rows = np.random.RandomState(0).normal(size=(ROWS_TO_TRY, n_inputs)).astype(np.float32)
    if student.link == "log":
        expected = student.estimator.predict_proba(rows)
    else:
        expected = student.estimator.predict(rows)
    *_, predictions = ReferenceEvaluator(model).run(None, {"rows": rows})
    predictions = np.reshape(predictions, np.shape(expected))
    if np.mean(np.isclose(predictions, expected, rtol=1e-3, atol=1e-3)) < 0.5:
        raise ValueError(
            f"the converter of {student.kind} writes a model that predicts something else than "
            "the student: use joblib instead."
        )


def _converters_of_boosted_trees():
    """Return skl2onnx's own converters, made to work with protobuf 7.

    Those of HistGradientBoosting have booleans among integers, which protobuf 7 refuses.
    """
    from skl2onnx.common._registration import get_converter, get_shape_calculator
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    def with_integers(converter):
        return lambda scope, operator, container: converter(
            scope, operator, _IntegerContainer(container)
        )

    kinds = HistGradientBoostingClassifier, HistGradientBoostingRegressor
    names = {kind: f"Sklearn{kind.__name__}" for kind in kinds}
    return {
        "custom_conversion_functions": {
            kind: with_integers(get_converter(name)) for kind, name in names.items()
        },
        "custom_shape_calculators": {
            kind: get_shape_calculator(name) for kind, name in names.items()
        },
    }


class _IntegerContainer:
    """A container of skl2onnx that takes nodes whose lists hold booleans among integers."""

    def __init__(self, container):
        self.container = container

    def __getattr__(self, name):
        return getattr(self.container, name)

    def add_node(self, *args, **attributes):
        """Add a node."""
        for name, value in attributes.items():
            if isinstance(value, list):
                attributes[name] = [int(v) if isinstance(v, bool) else v for v in value]
        return self.container.add_node(*args, **attributes)
