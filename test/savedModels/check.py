"""Runs what write.ts exported in Python's TensorFlow, compares with what tfjs gave, and writes checked.json.

    node --import tsx test/savedModels/write.ts
    python -m venv .cache/tensorflow
    .cache/tensorflow/bin/pip install -r test/savedModels/requirements.txt
    .cache/tensorflow/bin/python test/savedModels/check.py [kernel …]

With kernels (Conv2D), only these are checked, and nothing is written.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / '.cache/savedModels'
DTYPES = {'float32': np.float32, 'int32': np.int32, 'bool': np.bool_, 'complex64': np.complex64}


def array(tensor):
    if tensor['dtype'] == 'string':
        return np.array([text.encode() for text in tensor['data']], object).reshape(tensor['shape'])
    data = np.frombuffer(base64.b64decode(tensor['data']), DTYPES[tensor['dtype']])
    return data.reshape(tensor['shape'])


def fault(case):
    """What is wrong with a case, or None."""
    function = tf.saved_model.load(str(HERE.parents[1] / case['directory'])).signatures['serving_default']
    inputs = {name: tf.constant(array(tensor)) for name, tensor in case['inputs'].items()}
    results = {name: value.numpy() for name, value in function(**inputs).items()}
    if set(results) != set(case['outputs']):
        return f'gives {sorted(results)}'
    for name, tensor in case['outputs'].items():
        expected, given = array(tensor), results[name]
        if given.shape != expected.shape or given.dtype != expected.dtype:
            return f'{name} is {given.dtype} {given.shape}'
        if expected.dtype == object or expected.size == 0:
            if not np.array_equal(given, expected):
                return f'{name} is {given}'
            continue
        numbers = np.complex128 if expected.dtype == np.complex64 else np.float64
        finite = np.abs(expected[np.isfinite(expected)])
        scale = max(1.0, float(finite.max())) if finite.size else 1.0
        if not np.allclose(given.astype(numbers), expected.astype(numbers), rtol=0, atol=case['tolerance'] * scale, equal_nan=True):
            return f'{name} is {given.flatten()[:5]}…, not {expected.flatten()[:5]}…'
    return None


def main(wanted):
    digests, faults = {}, []
    for case in json.loads((MODELS / 'manifest.json').read_text()):
        if wanted and case['name'].split(' ')[0] not in wanted:
            continue
        try:
            found = fault(case)
        except Exception as error:
            found = f'{type(error).__name__}: {str(error)[:300]}'
        if found is not None:
            faults.append(f"{case['name']}: {found}")
        digests[case['name']] = case['digest']
    print(f'{len(digests)} models, {len(faults)} at fault', *faults, sep='\n')
    if faults:
        sys.exit(1)
    if not wanted:
        checked = {'tensorflow': tf.__version__, 'digests': digests}
        (HERE / 'checked.json').write_text(json.dumps(checked, indent=2) + '\n')


main(set(sys.argv[1:]))
