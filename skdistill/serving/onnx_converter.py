"""The converter with which skl2onnx exports pipelines that hold a `DistilledClassifier`."""

from importlib import import_module

from skdistill.serving.onnx import ML, OPSET, OPSET_ML, Graph, write_student


def register_skl2onnx():
    """Register `DistilledClassifier` with skl2onnx, so that it converts pipelines with one."""
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
    """Add the nodes of a fitted `DistilledClassifier` to the container of skl2onnx."""
    from onnx.helper import get_attribute_value
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

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
