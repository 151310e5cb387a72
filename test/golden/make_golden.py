"""Writes the golden values: composed functions evaluated by torch.func and by JAX in double precision.

    python -m venv .cache/golden
    .cache/golden/bin/pip install -r test/golden/requirements.txt
    .cache/golden/bin/python test/golden/make_golden.py [--check] [family …]

One JSON file per family, named as the Python module that declares its cases. Each case holds its inputs (exact in
float32) and one result, on which the two frameworks agree to 1e-9, or, where they follow different conventions,
both results and a sentence that says why. `--check` compares with what is on disk instead of writing.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

import jax
import numpy as np
import torch

sys.dont_write_bytecode = True  # no __pycache__ beside the tests

import case
from frameworks import Jax, Torch, tree_map

HERE = Path(__file__).parent
FAMILIES = ['derivatives', 'jacobians', 'networks', 'operations', 'conventions', 'batching', 'science', 'complex', 'kernels']
AGREEMENT = 1e-9


def leaves(tree):
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
    if isinstance(tree, list):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]


def structure(tree):
    if isinstance(tree, dict):
        return {key: structure(tree[key]) for key in sorted(tree)}
    if isinstance(tree, list):
        return [structure(value) for value in tree]
    return tree.shape


def agree(a, b):
    def close(x, y):
        finite = np.abs(y[np.isfinite(y)])
        scale = max(finite.max(initial=0.0), 1e-3)
        return np.allclose(x, y, rtol=AGREEMENT, atol=AGREEMENT * scale, equal_nan=True)

    return structure(a) == structure(b) and all(map(close, leaves(a), leaves(b)))


def encode_number(value):
    value = float(value)
    if not np.isfinite(value):
        return {np.inf: 'Infinity', -np.inf: '-Infinity'}.get(value, 'NaN')
    rounded = float(f'{value:.8g}')
    return int(rounded) if rounded == int(rounded) else rounded


def encode(array):
    array = np.asarray(array)
    tensor = {'shape': list(array.shape), 'data': [encode_number(v) for v in array.ravel()]}
    if array.dtype.kind in 'iu':
        tensor['dtype'] = 'int32'
    if array.dtype.kind == 'b':
        tensor['dtype'] = 'bool'
    return tensor


def evaluate(golden):
    inputs = tree_map(np.asarray, golden.inputs(case.Draw(golden.name)))
    results = {}
    for fw in (Torch(), Jax()):
        output = golden.run(fw, **tree_map(fw.array, inputs))
        results[fw.name] = tree_map(fw.numpy, output)
    record = {'name': golden.name, 'inputs': tree_map(encode, inputs)}
    same = agree(results['torch'], results['jax'])
    if golden.differs is None:
        if not same:
            raise AssertionError(f'{golden.name}: torch.func and JAX differ\n{results}')
        return {**record, 'expected': tree_map(encode, results['jax'])}
    if same:
        raise AssertionError(f'{golden.name}: said to differ ({golden.differs}), but the frameworks agree')
    return {**record, 'differs': golden.differs, 'expected': {k: tree_map(encode, v) for k, v in results.items()}}


def family_text(name):
    case.CASES.clear()
    importlib.import_module(name)
    cases = [evaluate(golden) for golden in case.CASES]
    names = [record['name'] for record in cases]
    if len(set(names)) != len(names):
        raise AssertionError(f'{name}: two cases with one name')
    header = json.dumps({'torch': torch.__version__.split('+')[0], 'jax': jax.__version__})
    lines = ',\n'.join(json.dumps(record, separators=(',', ':'), ensure_ascii=False) for record in cases)
    return f'{{"versions":{header},"cases":[\n{lines}\n]}}\n', len(cases)


def numbers_close(a, b):
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(numbers_close(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(numbers_close, a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return bool(np.isclose(a, b, rtol=1e-7, atol=1e-9))
    return a == b


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('families', nargs='*', default=FAMILIES)
    parser.add_argument('--check', action='store_true', help='compare with the files instead of writing them')
    options = parser.parse_args()
    for name in options.families:
        text, count = family_text(name)
        file = HERE / f'{name}.json'
        if options.check:
            if not numbers_close(json.loads(text)['cases'], json.loads(file.read_text())['cases']):
                raise SystemExit(f'{file.name} is not what the frameworks say')
        else:
            file.write_text(text)
        print(f'{name}: {count} cases, {len(text) / 1024:.0f} KiB')


if __name__ == '__main__':
    main()
