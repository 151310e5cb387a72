"""Writes what only JAX can say: of control flow for arrays (control.json, in double precision) and of keyed random numbers (keys.json).

    .cache/golden/bin/python test/golden/keyed_and_looped.py [--check]
"""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # no __pycache__ beside the tests

import jax
import jax.numpy as jnp
import numpy as np

from case import Draw

jax.config.update('jax_enable_x64', True)
HERE = Path(__file__).parent
lax = jax.lax


def encode(array):
    array = np.asarray(array)
    if array.dtype.kind in 'iub':
        dtype = 'bool' if array.dtype.kind == 'b' else 'int32'
        # The bits of unsigned numbers.
        return {'shape': list(array.shape), 'dtype': dtype, 'data': array.ravel().astype(np.int32).tolist()}
    return {'shape': list(array.shape), 'dtype': 'float32', 'data': [float(f'{v:.9g}') for v in array.ravel().astype(float)]}


CASES = []
DRAWS = []


def case(name, **inputs):
    def register(run):
        inputs64 = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), inputs)
        expected = jax.tree.map(encode, run(**inputs64))
        CASES.append({'name': name, 'inputs': jax.tree.map(encode, inputs), 'expected': expected})

    return register


draw = Draw('control')
X = np.array([-1.5, -0.25, 0.5, 1.25, 3.0], np.float32)


def branches(x):
    return lax.cond(x > 0.75, lambda y: jnp.sin(y) * y, lambda y: jnp.exp(y) - y * y, x)


@case('cond per example: values, slopes, curvatures', x=X)
def _(x):
    slope = jax.grad(branches)
    return [jax.vmap(branches)(x), jax.vmap(slope)(x), jax.vmap(jax.grad(slope))(x), jax.vmap(jax.jacfwd(slope))(x)]


def newton(a):
    """√a by Newton's method, as long as the residual is large: a number of steps that depends on a."""
    return lax.while_loop(lambda x: jnp.abs(x * x - a) > 1e-3 * a, lambda x: 0.5 * (x + a / x), a)


@case('while per example: values and tangents', x=np.array([0.25, 1, 2, 30, 400], np.float32), t=X)
def _(x, t):
    return [*jax.jvp(jax.vmap(newton), (x,), (t,)), jax.vmap(jax.jacfwd(jax.jacfwd(newton)))(x)]


@case('while over a tree, in two vmaps of which one maps the bound', x=draw.normal(2, 3), n=np.array([2, 0, 5], np.float32))
def _(x, n):
    def f(x, n):
        def body(c):
            return {'i': c['i'] + 1, 'x': jnp.sin(c['x']) + 1 / (1 + c['i'])}

        return lax.while_loop(lambda c: c['i'] < n, body, {'i': jnp.zeros(()), 'x': x})

    mapped = jax.vmap(jax.vmap(f), in_axes=(0, None))
    return [mapped(x, n), jax.jvp(lambda x: mapped(x, n), (x,), (jnp.ones_like(x),))[1]['x']]


@case('fori: gradients and Hessians', x=draw.normal(3))
def _(x):
    def f(x):
        return lax.fori_loop(2, 6, lambda i, c: c + jnp.sin(c * i) / i, x).sum()

    return [f(x), jax.grad(f)(x), jax.hessian(f)(x)]


def rnn(params, xs, h):
    def step(h, x):
        h = jnp.tanh(params['w'] @ h + params['u'] @ x)
        return h, {'h': h, 'energy': (h * h).sum()}

    return lax.scan(step, h, xs)


RNN = {
    'params': {'w': draw.normal(3, 3, scale=0.5), 'u': draw.normal(3, 2)},
    'xs': draw.normal(7, 2),
    'h': draw.normal(3),
}


def loss(params, xs, h):
    last, ys = rnn(params, xs, h)
    return ys['energy'].sum() + last[0]


@case('scan of a recurrent network: outputs, gradients, Hessian', **RNN)
def _(params, xs, h):
    return {
        'output': list(rnn(params, xs, h)),
        'gradients': list(jax.grad(loss, argnums=(0, 1, 2))(params, xs, h)),
        'hessian': jax.hessian(loss, argnums=2)(params, xs, h),
        'forward': jax.jacfwd(loss)(params, xs, h),
    }


@case('scan per example: gradients of parameters', **{**RNN, 'xs': draw.normal(4, 7, 2)})
def _(params, xs, h):
    return jax.vmap(jax.grad(loss), in_axes=(None, 0, None))(params, xs, h)


@case('scan backwards, without rows, in a scan', x=draw.normal(4, 3))
def _(x):
    def inner(c, row):
        return lax.scan(lambda a, y: (a * 0.5 + y, a), c, row, reverse=True)

    def f(x):
        return lax.scan(inner, jnp.ones(()), x, reverse=True)

    powers = lax.scan(lambda c, _: (c * x[0, 0], c), x[0, 1], None, length=4)
    return [list(f(x)), jax.jacrev(lambda x: f(x)[1])(x), list(powers)]


@case('map: values and the gradient of what is shared', x=draw.normal(4, 3), w=draw.normal(3))
def _(x, w):
    def f(w):
        return lax.map(lambda row: jnp.sum(jnp.sin(row * w)), x)

    return [f(w), jax.jacrev(f)(w)]


random = jax.random
KEY = random.key(42)
F32 = jnp.float32
LOGITS = np.array([[0.5, -1, 2, 0], [1, 1, 1, -2], [-3, 0, 0, 3]], np.float32)


def drawn(name, value):
    DRAWS.append({'name': name, 'expected': encode(value)})


# JAX's flag jax_threefry_partitionable is on, as it is by default.
assert jax.config.jax_threefry_partitionable
for seed in [0, 42, 2**31 + 7, 2**40 + 5, -1, -(2**35)]:
    drawn(f'key {seed}', random.key_data(random.key(seed)))
drawn('split', random.key_data(random.split(KEY)))
drawn('split 5', random.key_data(random.split(KEY, 5)))
drawn('split [2, 3]', random.key_data(random.split(KEY, (2, 3))))
drawn('foldIn', jnp.stack([random.key_data(random.fold_in(KEY, n)) for n in [0, 1, 7, 123456789, 2**32 - 1]]))
drawn('bits', random.bits(KEY, (3, 4), jnp.uint32))
drawn('bits scalar', random.bits(KEY, (), jnp.uint32))
drawn('uniform', random.uniform(KEY, (257,), F32))
drawn('uniform range', random.uniform(KEY, (33,), F32, minval=-2.5, maxval=7.25))
drawn('normal', random.normal(KEY, (513,), F32))
drawn('normal of other keys', jax.vmap(lambda k: random.normal(k, (3, 2), F32))(random.split(KEY, 4)))
tail = random.normal(KEY, (1_000_000,), F32)
drawn('normal tail places', jnp.argsort(-jnp.abs(tail))[:40].astype(jnp.int32))
drawn('normal tail', tail[jnp.argsort(-jnp.abs(tail))[:40]])
drawn('truncatedNormal', random.truncated_normal(KEY, -2, 2, (65,), F32))
drawn('truncatedNormal one side', random.truncated_normal(KEY, 1, np.inf, (65,), F32))
drawn('gumbel', random.gumbel(KEY, (65,), F32))
drawn('exponential', random.exponential(KEY, (65,), F32))
drawn('bernoulli', random.bernoulli(KEY, F32(0.3), (65,)))
drawn('bernoulli of probabilities', random.bernoulli(KEY, jnp.linspace(0, 1, 12, dtype=F32)))
drawn('categorical', random.categorical(KEY, LOGITS))
drawn('categorical axis 0', random.categorical(KEY, LOGITS, axis=0))
drawn('categorical [20, 3]', random.categorical(KEY, LOGITS, shape=(20, 3)))
drawn('randint', random.randint(KEY, (65,), 0, 10, jnp.int32))
drawn('randint wide', random.randint(KEY, (65,), -2_000_000_000, 2_000_000_000, jnp.int32))
drawn('randint all but one', random.randint(KEY, (65,), -(2**31), 2**31 - 1, jnp.int32))
drawn('permutation', random.permutation(KEY, 50))
drawn('permutation of one', random.permutation(KEY, 1))
drawn('permutation axis 1', random.permutation(KEY, jnp.arange(12, dtype=F32).reshape(2, 6), axis=1))
drawn('permutation of many', random.permutation(KEY, 3000)[:40])


def text(records):
    lines = ',\n'.join(json.dumps(record, separators=(',', ':'), ensure_ascii=False) for record in records)
    return f'{{"versions":{json.dumps({"jax": jax.__version__})},"cases":[\n{lines}\n]}}\n'


def main():
    files = {'control.json': text(CASES), 'keys.json': text(DRAWS)}
    for name, content in files.items():
        if '--check' in sys.argv:
            if (HERE / name).read_text() != content:
                raise SystemExit(f'{name} is not what JAX says')
        else:
            (HERE / name).write_text(content)
        print(name, len(content))


if __name__ == '__main__':
    main()
