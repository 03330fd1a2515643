"""`Clock`: the seconds that the parts of a fit take."""

import time
from contextlib import contextmanager

from skdistill.jobs.progress import duration, write

TEACHERS, LABELLING, SYNTHETIC = "teachers", "labelling", "synthetic rows"
TRIALS, STUDENT, TOTAL = "trials", "student", "total"


class Clock:
    """Seconds of a fit by its parts, and those that are left to it.

    Seconds of teachers and labelling are sums over the processes that worked at once. What
    `memory` recalls counts as when it was computed. The total is the time that has passed.

    Parameters
    ----------
    max_time : float, default=None
        Seconds for the whole fit.

    Attributes
    ----------
    expects : callable or None
        Returns how many seconds the parts after the teachers are expected to take.
    """

    def __init__(self, max_time=None):
        self.max_time, self.expects = max_time, None
        self.started = time.monotonic()
        self.of_teachers: dict[str, float] = {}
        self.of_parts = dict.fromkeys((LABELLING, SYNTHETIC, TRIALS, STUDENT), 0.0)

    def seconds_left(self):
        """Return the seconds that are left, at least 0; None without a limit."""
        if self.max_time is None:
            return None
        return max(0.0, self.started + self.max_time - time.monotonic())

    def seconds_for_teachers(self):
        """Return the seconds that are left to the teachers: at least half of what is left."""
        left = self.seconds_left()
        afterwards = 0.0 if self.expects is None else self.expects()
        return max(left - afterwards, left / 2)

    def forecast(self, seconds_left):
        """Return a line that tells how long the whole fit will take; None if that is not known.

        Parameters
        ----------
        seconds_left : float
            Seconds that are left to the teachers.
        """
        if self.expects is None:
            return None
        total = time.monotonic() - self.started + seconds_left
        afterwards = self.expects()
        if self.max_time is not None:
            afterwards = min(afterwards, max(0.0, self.max_time - total))
        return f"about {duration(total + afterwards)} in all"

    def add_teacher(self, name, seconds, labelling=0.0):
        """Add the seconds in which a teacher was fitted, and in which it labeled rows."""
        self.of_teachers[name] = self.of_teachers.get(name, 0.0) + seconds
        self.of_parts[LABELLING] += labelling

    def add(self, part, seconds):
        """Add seconds to a part."""
        self.of_parts[part] += seconds

    @contextmanager
    def measure(self, part):
        """Add the seconds of the block to a part."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(part, time.monotonic() - started)

    def to_dict(self):
        """Return the seconds: a dict of the teachers by name, the other parts, and the total."""
        total = time.monotonic() - self.started
        return {TEACHERS: dict(self.of_teachers), **self.of_parts, TOTAL: total}


def report_times(times, verbose):
    """Write where the time of a fit went, in one line.

    Parameters
    ----------
    times : dict
        From `Clock.to_dict`.
    verbose : int
        0 writes nothing.
    """
    by_teacher = ", ".join(f"{name} {duration(s)}" for name, s in times[TEACHERS].items())
    parts = [f"{TEACHERS} {duration(sum(times[TEACHERS].values()))}"]
    parts[0] += f" ({by_teacher})" if by_teacher else ""
    parts += [f"{part} {duration(times[part])}" for part in (SYNTHETIC, LABELLING, TRIALS, STUDENT)]
    write(f"fit: {duration(times[TOTAL])} in all; {', '.join(parts)}\n", verbose)
