"""The processes that train one net together, by Hugging Face Accelerate."""

from typing import Any

from skdistill.jobs.parallel import jobs_at_once


class Processes:
    """The processes that train a net together, each on its share of every batch.

    A net has an accelerator if skorch's `AccelerateMixin` is mixed into its class. All processes
    run the same program, and the accelerator averages their gradients.

    Parameters
    ----------
    net : skorch.NeuralNet
        One without an accelerator is trained by this process alone.
    """

    def __init__(self, net):
        self.accelerator: Any = getattr(net, "accelerator", None)
        self.count = 1 if self.accelerator is None else self.accelerator.num_processes

    def agree(self, tensor):
        """Return the main process's tensor, such as an order that was drawn, in each process."""
        if self.count == 1:
            return tensor
        own = tensor if self.accelerator.is_main_process else 0 * tensor
        return self.accelerator.reduce(own, reduction="sum")

    def mean(self, tensor):
        """Return the mean over the processes."""
        return tensor if self.count == 1 else self.accelerator.reduce(tensor, reduction="mean")

    def share(self, rows):
        """Return every `count`-th row: each process as many, so that up to `count` - 1 are left.

        Of fewer than two rows for each, all processes get all.
        """
        n_rows = len(rows) // self.count
        if self.count == 1 or n_rows < 2:
            return rows
        return rows[self.accelerator.process_index :: self.count][:n_rows]


def is_placed(net):
    """Tell whether an accelerator decides on which device a net is."""
    accelerator = getattr(net, "accelerator", None)
    return accelerator is not None and accelerator.device_placement


def device_of(net):
    """Return the device of a net: its own, or that of its accelerator."""
    return net.accelerator.device if is_placed(net) else net.device


def release(net):
    """Let an accelerator forget a trained net and its optimizer, which could not be pickled."""
    if getattr(net, "accelerator", None) is not None:
        net.accelerator.free_memory()


def check_alike(estimator):
    """Check that all processes of an accelerator take the same steps as they fit an estimator.

    Parameters
    ----------
    estimator : estimator
        With nets among its parameters, or theirs.

    Raises
    ------
    ValueError
        If one of its settings would let the processes part, and then wait for each other.
    """
    try:
        own = estimator.get_params()
    except TypeError:  # a teacher that is a class, which is refused where teachers are checked
        return
    of_nets = {
        name: Processes(each).count
        for name, each in own.items()
        if getattr(each, "accelerator", None) is not None
    }
    if not of_nets:
        return
    # A worker process knows no accelerator, even if there is but one process.
    instead = {"n_jobs": ("None or 1", jobs_at_once(own.get("n_jobs")) == 1)}
    if max(of_nets.values()) > 1:
        instead["random_state"] = "an int", own.get("random_state", 0) is not None
        for name in ("memory", "max_time", "max_latency"):
            instead[name] = "None", own.get(name) is None
    for name, (expected, is_alike) in instead.items():
        if not is_alike:
            net, count = max(of_nets.items(), key=lambda item: item[1])
            raise ValueError(
                f"{net} has an accelerator of {count} process{'es' * (count > 1)}, which must take "
                f"the same steps: {name} must be {expected}, got {own.get(name)!r}."
            )
