"""Quantization of an exported ONNX model: its weights in eight bits."""

import tempfile
from pathlib import Path

from skdistill.serving.onnx_runtime import OnnxStudent


def in_eight_bits(model, X, max_changed, head):
    """Quantize the layers of a model; refuse if too many predictions change.

    Parameters
    ----------
    model : onnx.ModelProto
    X : table of shape (n_samples, n_features)
        Rows on which the predictions of both models are compared.
    max_changed : float
        See `ExportMixin.to_onnx`.
    head : ClassifierHead or RegressorHead
        Measures how much the predictions change.

    Returns
    -------
    quantized : onnx.ModelProto

    Raises
    ------
    ImportError
        If onnxruntime is not installed.
    ValueError
        If `X` is None, or if too many predictions change.
    """
    import onnx

    if X is None:
        raise ValueError("int8=True needs X, the rows on which predictions are compared, got None.")
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ImportError("int8=True needs onnxruntime: pip install 'skdistill[onnx]'") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(
            model, path, weight_type=QuantType.QInt8, per_channel=True,
            op_types_to_quantize=["Gemm", "MatMul"],
            # Those of the periodic embedding are small, and stacks of matrices.
            nodes_to_exclude=[node.name for node in model.graph.node if node.op_type == "MatMul"],
        )  # fmt: skip
        quantized = onnx.load(path)
    changed, text = head.change(OnnxStudent(model), OnnxStudent(quantized), X)
    if changed > max_changed:
        raise ValueError(
            f"int8=True changes {text}, expected at most {max_changed:.2%}: export with "
            "int8=False, or raise max_changed."
        )
    return quantized
