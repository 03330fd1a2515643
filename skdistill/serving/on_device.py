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
    """A `ForwardPass` in torch, for `batched_outputs`."""

    rows_at_once = ROWS_AT_ONCE

    def __init__(self, student, device):
        self.device = torch.device(device)
        folded, self.n_embedded = student.folded(), student.layout.n_embedded
        self.weights = [(self._there(weight), self._there(bias)) for weight, bias in folded.weights]
        self.periodic = folded.periodic and [self._there(array) for array in folded.periodic]
        self.bins = self.categories = None
        if folded.bins is not None:
            self.bins = (self._there(folded.bins), self._there(folded.bin_offsets))
        if folded.categories is not None:
            self.categories = (self._there(folded.categories), self._there(folded.category_offsets))

    def _there(self, array):
        return torch.as_tensor(np.ascontiguousarray(array), device=self.device)

    def logits(self, numbers, indicators, categories, bins):
        """As `ForwardPass.logits`."""
        with torch.inference_mode():
            x = self._there(numbers)
            parts = [x, self._there(indicators).float()]
            if self.periodic is not None:
                frequency, phase, weight = self.periodic
                periodic = torch.cos(x[:, : self.n_embedded, None] * frequency + phase)
                parts.append(torch.einsum("npf,pfs->nps", periodic, weight).flatten(1))
            for codes, table in ((bins, self.bins), (categories, self.categories)):
                if table is not None:
                    vectors, first = table
                    parts.append(vectors[self._there(codes) + first].flatten(1))
            h = torch.cat(parts, 1)
            for weight, bias in self.weights[:-1]:
                h = torch.relu(torch.addmm(bias, h, weight))
            weight, bias = self.weights[-1]
            return torch.addmm(bias, h, weight).cpu().numpy()
