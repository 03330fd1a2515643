"""Files of students with changes, and a checksum that fits them."""

import json
from pathlib import Path

import safetensors.numpy

from skdistill.serving import files


def read_student(path):
    """The header and the arrays of a file, unchecked."""
    with safetensors.safe_open(path, framework="numpy") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in list(file.keys())}


def write_student(out, header, text, arrays):
    """Write a file with this text as its content, and a checksum that fits."""
    header = header | {"content": text, "sha256": files._checksum(text, arrays)}
    Path(out).write_bytes(safetensors.numpy.save(arrays, header))  # faster than save_file


def forged(path, out, *, header=None, content=None, arrays=None):
    """A file with changes; an array that becomes None is left out."""
    old_header, old_arrays = read_student(path)
    new_arrays = {k: v for k, v in (old_arrays | (arrays or {})).items() if v is not None}
    text = json.dumps(json.loads(old_header["content"]) | (content or {}))
    write_student(out, old_header | (header or {}), text, new_arrays)
    return out
