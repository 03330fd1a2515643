"""Warnings that name the line of whoever called the library."""

import sys
import warnings


def warn_user(message):
    """Warn the caller of the library, however deep in it the reason is found.

    Parameters
    ----------
    message : str
    """
    frame, stacklevel = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "skdistill":
        frame, stacklevel = frame.f_back, stacklevel + 1
    warnings.warn(message, UserWarning, stacklevel=stacklevel)
