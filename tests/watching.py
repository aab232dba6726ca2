"""What a program that the host does not wait for must never do, seen on CPU tensors by what it dispatches."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class NeverAsks(TorchDispatchMode):
    """Neither for a number of the device, nor for a shape that depends on one."""

    asks = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "bincount", "repeat_interleave")

    def __torch_dispatch__(self, function, _types, arguments=(), keywords=None):
        name = function.overloadpacket.__name__
        assert name not in self.asks
        if name in ("index", "index_put", "index_put_"):
            assert all(index is None or index.dtype != torch.bool for index in arguments[1])  # a mask
        return function(*arguments, **(keywords or {}))


class NeverCopies(NeverAsks):
    """Nor is anything brought from the host, as a graph forbids: numbers are arguments, or there before."""

    asks = (*NeverAsks.asks, "lift_fresh", "lift_fresh_copy", "scalar_tensor")
