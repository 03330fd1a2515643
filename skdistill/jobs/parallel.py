"""Work at once without getting into its own way, and word of how far it is."""

import time

import numpy as np
from joblib import parallel_config
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed


def in_parallel(calls, n_jobs, progress=None):
    """Yield the results of calls, in their order.

    Cores are given away once. Within a search that runs its candidates at once, and
    within a teacher, all is done in turn: two searches' workers with two jobs each are
    four on two cores, and torch's random numbers belong to a process, not to a thread.

    Parameters
    ----------
    calls : list of callable
    n_jobs : int or None
    progress : Progress, default=None
        Makes a step with each.
    """
    if get_active_backend()[0].nesting_level:
        n_jobs = 1
    if n_jobs not in (None, 1):
        calls = [_Alone(call) for call in calls]
    for result in Parallel(n_jobs=n_jobs, return_as="generator")(delayed(c)() for c in calls):
        if progress is not None:
            progress.step()
        yield result


class _Alone:
    """A call that starts no workers of its own: its siblings have the cores."""

    def __init__(self, call):
        self.call = call

    def __call__(self):
        with parallel_config(backend="sequential"):
            return self.call()


MAX_SEED = np.iinfo(np.int32).max


def draw_seed(rng):
    """Draw an int that seeds a generator of its own."""
    return rng.randint(MAX_SEED)


class Progress:
    """A bar where tqdm is installed, else lines; with `verbose=0` nothing.

    Parameters
    ----------
    what : str
        In front of it.
    steps : list of str
        What each step is called.
    verbose : int
    """

    def __init__(self, what, steps, verbose):
        self.what, self.steps, self.verbose = what, list(steps), verbose
        self.done, self.started = 0, time.monotonic()
        self.bar = _bar(what, len(self.steps)) if verbose else None

    def step(self, note=""):
        """One more is done."""
        said = " ".join(filter(None, [self.steps[self.done], note]))
        self.done += 1
        if self.bar is not None:
            self.bar.set_postfix_str(said, refresh=False)
            self.bar.update()
        elif self.verbose:
            seconds = time.monotonic() - self.started
            left = seconds / self.done * (len(self.steps) - self.done)
            print(
                f"[skdistill] {self.what} {self.done}/{len(self.steps)}: {said}, "
                f"{seconds:.1f} s, {left:.0f} s left",
                flush=True,
            )

    def close(self):
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()


def _bar(what, total):
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=total, desc=f"[skdistill] {what}")
