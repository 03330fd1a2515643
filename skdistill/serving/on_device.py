"""The forward pass of a plain student on a GPU, for tables that are worth the way there."""

import weakref

import numpy as np
import torch

from skdistill.serving.forward import ForwardPass

ROWS_AT_ONCE = 8192

_uploaded: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def on_device(student, device):
    """A plain student's arrays on a device, uploaded once and never pickled.

    Parameters
    ----------
    student : skdistill.serving.forward.ForwardPass or TorchForward
    device : str

    Returns
    -------
    student : DeviceForward
        The student itself if it is a module of its own, or the GPU is not there.
    """
    if not isinstance(student, ForwardPass):
        return student
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        return student
    there = _uploaded.get(student)
    if there is None or there.device != torch.device(device):
        there = _uploaded[student] = DeviceForward(student, device)
    return there


class DeviceForward:
    """A `ForwardPass` in torch, for `batched_logits`."""

    rows_at_once = ROWS_AT_ONCE

    def __init__(self, student, device):
        self.device = torch.device(device)
        folded, self.n_curved = student.folded(), student.layout.n_curved
        self.weights = [(self._there(weight), self._there(bias)) for weight, bias in folded.weights]
        self.waves = folded.waves and [self._there(array) for array in folded.waves]
        self.steps = self.levels = None
        if folded.steps is not None:
            self.steps = (self._there(folded.steps), self._there(folded.first_steps))
        if folded.levels is not None:
            self.levels = (self._there(folded.levels), self._there(folded.first_levels))

    def _there(self, array):
        return torch.as_tensor(np.ascontiguousarray(array), device=self.device)

    def logits(self, numbers, flags, levels, steps):
        """As `ForwardPass.logits`."""
        with torch.inference_mode():
            x = self._there(numbers)
            parts = [x, self._there(flags).float()]
            if self.waves is not None:
                frequency, phase, weight = self.waves
                waves = torch.cos(x[:, : self.n_curved, None] * frequency + phase)
                parts.append(torch.einsum("npf,pfs->nps", waves, weight).flatten(1))
            for codes, table in ((steps, self.steps), (levels, self.levels)):
                if table is not None:
                    vectors, first = table
                    parts.append(vectors[self._there(codes) + first].flatten(1))
            h = torch.cat(parts, 1)
            for weight, bias in self.weights[:-1]:
                h = torch.relu(torch.addmm(bias, h, weight))
            weight, bias = self.weights[-1]
            return torch.addmm(bias, h, weight).cpu().numpy()
