"""A student in C as a function of rows."""

import ctypes
import subprocess

import numpy as np


def compiled(path, n_classes, folder):
    """Compile a file of `to_c` through gcc, with all warnings as errors."""
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared"]
    library = folder / "student.so"
    subprocess.run(["gcc", *strict, path, "-o", library, "-lm"], check=True, text=True)
    function = ctypes.CDLL(str(library)).student
    vector = ctypes.POINTER(ctypes.c_double)
    function.argtypes, function.restype = [vector, vector], ctypes.c_int

    def predict(rows):
        proba = np.zeros((len(rows), n_classes))
        best = []
        for row, out in zip(np.ascontiguousarray(rows, dtype=np.float64), proba):
            best.append(function(row.ctypes.data_as(vector), out.ctypes.data_as(vector)))
        return np.array(best), proba

    return predict
