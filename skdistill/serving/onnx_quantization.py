"""The student's ONNX graph with its weights in eight bits."""

import tempfile
from pathlib import Path

import numpy as np

from skdistill.serving.onnx_runtime import OnnxStudent


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
