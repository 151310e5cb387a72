"""How a golden case is declared: a name, inputs, and one function for both frameworks."""

import zlib
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np


@dataclass
class Case:
    name: str
    inputs: Callable
    run: Callable
    differs: Optional[str]


CASES: list[Case] = []


def case(name, inputs, differs=None):
    """Registers `run(fw, **inputs)`, computed by torch.func and by JAX, which must agree.

    `differs` says why they do not; then both results are kept, and that they differ is checked too.
    """

    def register(run):
        CASES.append(Case(name, inputs, run, differs))
        return run

    return register


class Draw:
    """Reproducible inputs on a grid of 1/128: exact in float32, and short in decimal."""

    def __init__(self, name):
        self.random = np.random.default_rng(zlib.crc32(name.encode()))

    def _grid(self, values):
        return (np.round(np.asarray(values) * 128) / 128).astype(np.float32)

    def normal(self, *shape, scale=1.0):
        return self._grid(self.random.standard_normal(shape) * scale)

    def uniform(self, low, high, *shape):
        return self._grid(self.random.uniform(low, high, shape))

    def distinct(self, *shape):
        """Pairwise different values, around zero: no ties for max, sort and pooling."""
        size = int(np.prod(shape))
        return self._grid((self.random.permutation(size) - size // 2 + 0.25) / 8).reshape(shape)

    def integers(self, high, *shape):
        return self.random.integers(0, high, shape).astype(np.int32)


def values(*numbers):
    return np.array(numbers, np.float32)


def integers(*numbers):
    return np.array(numbers, np.int32)
