"""Progress of a phase of a fit: one line that is redrawn, a notebook's bar, or plain lines."""

import shutil
import sys
import time
from importlib.util import find_spec

from skdistill.jobs.locks import ForkSafeLock

LINES_PER_PHASE = 10  # on a stream that cannot redraw
_WRITING = ForkSafeLock()  # two threads must not write to one line at a time
ERASE = "\r\x1b[K"  # return to the start of the line and clear it


def bar(done, total, width=20):
    """Return a bar such as ``[#####---------------]``."""
    filled = width * done // max(total, 1)
    return f"[{'#' * filled}{'-' * (width - filled)}]"


def duration(seconds):
    """Format seconds as "4.2 s", "42 s", "5 min 12 s" or "1 h 20 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def state_line(what, done, total, seconds, step="", drawn=""):
    """Return the steps done, the time taken and an estimate of the time left, as one line.

    The name of the step comes last, so that a narrow terminal cuts it off first.
    """
    line = " ".join(filter(None, [what, drawn, f"{done}/{total}"]))
    time_left = f", {duration(seconds / done * (total - done))} left" if 0 < done < total else ""
    line += f" ({duration(seconds)}{time_left})"
    return f"{line}, last: {step}" if step else line


def total_line(what, done, total, seconds, step=""):
    """Return the final line of a phase; early stopping leaves some steps undone."""
    counted = f"{done}" if done == total else f"{done} of {total}"
    line = f"{what}: {counted} done in {duration(seconds)}"
    return f"{line}, last: {step}" if step else line


def is_worth_a_line(done, total):
    """Tell whether a step is one of about ten evenly spaced ones; the last has its own line."""
    return done < total and done * LINES_PER_PHASE // total > (done - 1) * LINES_PER_PHASE // total


def is_notebook():
    """Tell whether a notebook with widgets shows the output."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return "IPKernelApp" in getattr(shell, "config", {}) and find_spec("ipywidgets") is not None


def notebook_bar(what, n_steps):
    """Return a bar that a notebook draws."""
    from tqdm.notebook import tqdm  # tqdm comes with skorch

    return tqdm(total=n_steps, desc=what, unit="step")


class Progress:
    """Progress report of a phase: one line that is redrawn, or a few plain lines.

    A terminal shows one line with a bar, a notebook tqdm's bar where ipywidgets is installed. Any
    other stream gets about ten lines. So does a terminal from ``verbose=2`` on, where other
    output would break the line. A closed or missing stream is ignored: a progress report must
    not end a fit.

    Parameters
    ----------
    what : str
        Name of the phase.
    steps : list of str
        Names of the steps, in order.
    verbose : int
        0 prints nothing.
    stream : file, default=None
        None: `sys.stdout` at the time of writing.
    forecast : callable, default=None
        Gets the seconds that are left to the phase, after its first `n_jobs` steps, and returns
        a line, or None.
    n_jobs : int, default=1
        Steps that are made at once.
    """

    def __init__(self, what, steps, verbose, stream=None, *, forecast=None, n_jobs=1):
        self.what, self.steps, self.verbose, self.stream = what, list(steps), verbose, stream
        self.forecast, self.n_jobs = forecast, n_jobs
        self.done, self.last, self.is_closed = 0, "", False
        self.started = time.monotonic()
        in_notebook = verbose == 1 and stream is None and is_notebook()
        self.widget = notebook_bar(what, len(self.steps)) if in_notebook else None
        if self._redraws():
            self._draw()

    def __getstate__(self):
        return vars(self) | {"widget": None}  # a net may hold its progress when it is pickled

    def __enter__(self):
        return self

    def __exit__(self, kind, *exception):
        self.close(failed=kind is not None)

    def step(self, note="", n_steps=1):
        """Count one more step as done, or several; `note` is shown next to the last one's name."""
        first = min(self.n_jobs, len(self.steps))  # after which the forecast can be told
        is_time = self.done < first <= self.done + n_steps
        self.done += n_steps
        self.last = " ".join(filter(None, [self.steps[self.done - 1], note]))
        if self.verbose and self.forecast and is_time:
            self._tell_forecast()
        if self.widget is not None:
            self.widget.set_postfix_str(f"last: {self.last}", refresh=False)
            self.widget.update()
        elif self._redraws():
            self._draw()
        elif is_worth_a_line(self.done, len(self.steps)):
            self._write(state_line(**self._state()) + "\n")

    def close(self, *, failed=False):
        """Write the final line."""
        if not self.is_closed:
            self.is_closed = True
            if self.widget is not None:
                if not failed:
                    self.widget.total = self.done  # with steps that were spared, it would be red
                self.widget.close()
                return
            self._write((ERASE if self._redraws() else "") + total_line(**self._state()) + "\n")

    def _tell_forecast(self):
        passed = time.monotonic() - self.started
        line = self.forecast(passed / self.done * (len(self.steps) - self.done))
        if line:
            self._write((ERASE if self._redraws() else "") + line + "\n")

    def _state(self):
        return {
            "what": self.what,
            "done": self.done,
            "total": len(self.steps),
            "seconds": time.monotonic() - self.started,
            "step": self.last,
        }

    def _draw(self):
        line = state_line(**self._state(), drawn=bar(self.done, len(self.steps)))
        self._write(ERASE + line[: shutil.get_terminal_size().columns - 1])  # a full line wraps

    def _stream(self):
        return sys.stdout if self.stream is None else self.stream

    def _redraws(self):
        try:
            return self.verbose == 1 and self._stream().isatty()
        except (AttributeError, ValueError):  # no stream, or a closed one
            return False

    def _write(self, text):
        write(text, self.verbose, self.stream)


def write(text, verbose, stream=None):
    """Write text to a stream, `sys.stdout` by default, if `verbose` and if the stream can."""
    if not verbose:
        return
    try:
        with _WRITING.held():
            stream = sys.stdout if stream is None else stream
            stream.write(text)
            stream.flush()
    except (AttributeError, OSError, ValueError):  # no stream, closed, or wrong encoding
        pass
