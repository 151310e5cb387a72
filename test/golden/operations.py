"""Kernels whose derivatives are easily got wrong: scans, products, selections, indexing, layout."""

from case import case, integers, values


def first_and_second(fw, f, x, v):
    """Gradient and Hessian-vector product of a scalar function, for every example."""
    gradient = fw.grad(f)
    hvp = lambda a, b: fw.jvp(gradient, (a,), (b,))[1]
    return [fw.vmap(gradient)(x), fw.vmap(hvp)(x, v)]


def pair(*shape):
    return lambda draw: {'x': draw.normal(*shape), 'v': draw.normal(*shape)}


@case('scan/cumsum along each axis', pair(2, 3, 4))
def _(fw, x, v):
    return [first_and_second(fw, lambda a: fw.sum(fw.sin(fw.cumsum(a, axis=axis))), x, v) for axis in (0, 1)]


@case('scan/cumprod along each axis', pair(2, 3, 4))
def _(fw, x, v):
    return [first_and_second(fw, lambda a: fw.sum(fw.sin(fw.cumprod(a, axis=axis))), x, v) for axis in (0, 1)]


@case('scan/cumulative log-sum-exp, exclusive and reversed', pair(2, 5))
def _(fw, x, v):
    def exclusive_reversed(a):
        return fw.flip(fw.cumsum(fw.flip(a, 0), axis=0), 0) - a

    return first_and_second(fw, lambda a: fw.sum(fw.sin(fw.log(1 + exclusive_reversed(fw.exp(a))) * a)), x, v)


@case('product/gradient and Hessian with no, one and two zeros',
      lambda draw: {'x': values(1.5, -2, 0.5, 3, 1.5, 0, 0.5, 3, 0, -2, 0, 3).reshape(3, 4)})
def _(fw, x):
    return [fw.vmap(fw.grad(fw.prod))(x), fw.vmap(fw.hessian(fw.prod))(x)]


@case('product/along an axis, with zeros', lambda draw: {
    'x': values(1.5, 0, 0.5, 3, 2, 0, 0.5, 3, -1, -2, 1, 3).reshape(2, 2, 3), 'ct': draw.normal(2)})
def _(fw, x, ct):
    return fw.vmap(fw.grad(lambda a: fw.sum(fw.prod(a, axis=1) * ct)))(x)


@case('cumulative product/with zeros', lambda draw: {
    'x': values(1.5, 0, 0.5, 3, 2, -1, 0, 0, -1, -2, 1, 3).reshape(3, 4), 'ct': draw.normal(4)})
def _(fw, x, ct):
    return [fw.vmap(fw.grad(lambda a: fw.sum(fw.cumprod(a, axis=0) * ct)))(x),
            fw.vmap(fw.jacfwd(lambda a: fw.cumprod(a, axis=0)))(x)]


@case('reduction/log-sum-exp over axes', pair(2, 3, 4))
def _(fw, x, v):
    f = lambda a: fw.sum(fw.logsumexp(a, axis=1) ** 2) + fw.sum(fw.logsumexp(a, axis=(0, 1), keepdims=True) ** 3)
    return first_and_second(fw, f, x, v)


@case('reduction/log-sum-exp of large values', lambda draw: {'x': draw.normal(2, 4, scale=60)})
def _(fw, x):
    f = lambda a: fw.logsumexp(a, axis=0)
    return [fw.vmap(f)(x), fw.vmap(fw.grad(f))(x)]


@case('reduction/mean, variance and norm', pair(2, 3, 4))
def _(fw, x, v):
    def f(a):
        mean = fw.mean(a, axis=0)
        variance = fw.mean((a - mean) ** 2, axis=0)
        return fw.sum(fw.log(variance)) * fw.sqrt(fw.sum(a * a))

    return first_and_second(fw, f, x, v)


@case('reduction/max and min of distinct values', lambda draw: {'x': draw.distinct(2, 3, 4), 'v': draw.normal(2, 3, 4)})
def _(fw, x, v):
    f = lambda a: fw.sum(fw.amax(a, axis=0) ** 2 * fw.amin(a, axis=(0, 1))) + fw.amax(a, axis=(0, 1)) ** 3
    return first_and_second(fw, f, x, v)


@case('select/where on both sides', pair(2, 6))
def _(fw, x, v):
    return first_and_second(fw, lambda a: fw.sum(fw.where(a > 0, fw.exp(a) * a, a**3)), x, v)


@case('select/where with a mask and broadcast branches', lambda draw: {
    'mask': draw.integers(2, 3, 4).astype(bool), 'a': draw.normal(4), 'b': draw.normal(3, 1)})
def _(fw, mask, a, b):
    f = lambda p, q: fw.sum(fw.sin(fw.where(mask, p, q) * p))
    return list(fw.grad(f, (0, 1))(a, b))


@case('select/double where keeps NaN out of the gradient', lambda draw: {'x': values(-2, -1, 0, 1, 4)})
def _(fw, x):
    def safe_sqrt(a):
        positive = a > 0
        return fw.where(positive, fw.sqrt(fw.where(positive, a, fw.ones_like(a))), fw.zeros_like(a))

    def safe_log(a):
        positive = a > 0
        return fw.where(positive, fw.log(fw.where(positive, a, fw.ones_like(a))), a)

    return [[fw.vmap(fw.grad(f))(x), fw.vmap(fw.grad(fw.grad(f)))(x), fw.vmap(fw.jacfwd(f))(x)]
            for f in (safe_sqrt, safe_log)]


@case('select/single where lets NaN through', lambda draw: {'x': values(-1, 4)})
def _(fw, x):
    return fw.vmap(fw.grad(lambda a: fw.where(a > 0, fw.sqrt(a), fw.zeros_like(a))))(x)


@case('gather/rows, repeated', lambda draw: {
    'x': draw.normal(2, 4, 3), 'v': draw.normal(2, 4, 3), 'ids': integers(2, 0, 2, 3, 2)})
def _(fw, x, v, ids):
    return first_and_second(fw, lambda a: fw.sum(fw.sin(a[ids]) * fw.sum(a[ids], axis=0)), x, v)


@case('gather/indices, or table, or both mapped', lambda draw: {
    'x': draw.normal(3, 4, 2), 'ids': draw.integers(4, 3, 5)})
def _(fw, x, ids):
    f = fw.grad(lambda a, i: fw.sum(fw.exp(a[i]) * fw.cumsum(a[i], axis=0)))
    return [fw.vmap(f)(x, ids), fw.vmap(f, (None, 0))(x[0], ids), fw.vmap(f, (0, None))(x, ids[0])]


@case('gather/by coordinates, and scatter back', lambda draw: {
    'x': draw.normal(2, 3, 4), 'v': draw.normal(2, 3, 4),
    'at': integers(0, 1, 2, 3, 0, 1, 1, 0).reshape(4, 2)})
def _(fw, x, v, at):
    def f(a):
        picked = fw.gather_nd(a, at)
        return fw.sum(fw.scatter_nd(at, fw.sin(picked), (3, 4)) ** 2 * a)

    return first_and_second(fw, f, x, v)


@case('gather/one-hot selection', lambda draw: {'x': draw.normal(4, 5), 'ids': draw.integers(5, 4)})
def _(fw, x, ids):
    return fw.vmap(fw.grad(lambda a, i: fw.sum(fw.one_hot(i, 5) * a) ** 3))(x, ids)


@case('scatter/sums over segments', lambda draw: {
    'x': draw.normal(2, 5, 2), 'v': draw.normal(2, 5, 2), 'ids': integers(1, 0, 2, 1, 1)})
def _(fw, x, v, ids):
    return first_and_second(fw, lambda a: fw.sum(fw.segment_sum(a, ids, 3) ** 3), x, v)


EINSUMS = ['ij,jk->ik', 'bij,bjk->bik', 'ijk,kl->jil', 'i,j->ij', 'ij,ij->', 'bhqd,bhkd->bhqk']
SIZES = dict(zip('ijklbhqd', (2, 3, 4, 2, 2, 3, 2, 3)))
for equation in EINSUMS:
    terms = equation.split('->')[0].split(',')

    @case(f'einsum/{equation}', lambda draw, terms=terms: {
        'a': draw.normal(3, *(SIZES[i] for i in terms[0])), 'b': draw.normal(*(SIZES[i] for i in terms[1]))})
    def _(fw, a, b, equation=equation):
        f = lambda p, q: fw.sum(fw.sin(fw.einsum(equation, p, q)))
        return list(fw.vmap(fw.grad(f, (0, 1)), (0, None))(a, b))


@case('matmul/gradients of both sides, each, other or both mapped',
      lambda draw: {'a': draw.normal(2, 3, 4), 'b': draw.normal(2, 4, 5)})
def _(fw, a, b):
    f = fw.grad(lambda p, q: fw.sum(fw.sin(fw.matmul(p, q))), (0, 1))
    return [list(fw.vmap(f)(a, b)), list(fw.vmap(f, (0, None))(a, b[0])), list(fw.vmap(f, (None, 0))(a[0], b))]


@case('matmul/broadcast batch dimensions, one side mapped',
      lambda draw: {'a': draw.normal(2, 1, 2, 3), 'b': draw.normal(3, 3, 2), 'c': draw.normal(2, 3, 2, 3)})
def _(fw, a, b, c):
    f = lambda p, q: fw.sum(fw.sin(fw.matmul(p, q)))
    return {'mapped': list(fw.vmap(fw.grad(f, (0, 1)), (0, None))(a, b)), 'plain': list(fw.grad(f, (0, 1))(c, b))}


@case('layout/pad, slice and concatenate', pair(2, 3, 4))
def _(fw, x, v):
    def f(a):
        padded = fw.pad(a, ((1, 0), (2, 1)), value=0.5)
        joined = fw.concatenate([padded[1:3, 1:6] ** 2, padded[0:2, 2:7]], axis=1)
        return fw.sum(fw.sin(joined)) * fw.sum(padded[3])

    return first_and_second(fw, f, x, v)


@case('layout/mirrored padding', pair(2, 3, 4))
def _(fw, x, v):
    def f(mode, widths):
        def padded(a):
            p = fw.pad(a, widths, mode=mode)
            return fw.sum(fw.sin(p) * fw.cumsum(p, axis=1))
        return padded

    return [first_and_second(fw, f('reflect', ((1, 2), (2, 1))), x, v),
            first_and_second(fw, f('symmetric', ((1, 2), (2, 3))), x, v)]


@case('layout/strided slice', pair(2, 5, 6))
def _(fw, x, v):
    return first_and_second(fw, lambda a: fw.sum(fw.sin(a[1:5:2, 0:6:3]) * a[0, 1:6:3] * a[4, 2]), x, v)


@case('layout/stack, split, reverse, transpose, tile and broadcast', pair(2, 2, 6))
def _(fw, x, v):
    def f(a):
        left, right = a[:, :3], a[:, 3:]
        stacked = fw.stack([left, fw.flip(right, 1)], axis=1)  # [2, 2, 3]
        turned = fw.permute(stacked, (2, 0, 1))  # [3, 2, 2]
        return fw.sum(fw.sin(fw.tile(turned, (1, 2, 1)) * fw.reshape(a[0, :4], (4, 1)))) + fw.sum(turned[:, 0] ** 3)

    return first_and_second(fw, f, x, v)


@case('layout/broadcasting arithmetic over many ranks', lambda draw: {
    'a': draw.uniform(0.5, 2, 4), 'b': draw.uniform(0.5, 2, 3, 1), 'c': draw.uniform(0.5, 2, 2, 1, 4)})
def _(fw, a, b, c):
    def f(p, q, r):
        return fw.sum(fw.pow(p, q) / r - fw.maximum(p * q, r) * fw.minimum(p, q) + (q - r) ** 2)

    every = fw.vmap(lambda p, q, r: fw.stack([fw.sum(g) for g in fw.grad(f, (0, 1, 2))(p, q, r)]), (None, None, 0))
    return {'gradients': list(fw.grad(f, (0, 1, 2))(a, b, c)), 'per example': every(a, b, c)}


@case('order/largest values', lambda draw: {'x': draw.distinct(2, 3, 6), 'v': draw.normal(2, 3, 6)})
def _(fw, x, v):
    f = lambda a: fw.sum(fw.sin(fw.top_k(a, 3)[0]) * fw.array(values(1, 2, 3)))
    return first_and_second(fw, f, x, v)


@case('order/sorted in descending order', lambda draw: {'x': draw.distinct(2, 5), 'v': draw.normal(2, 5)})
def _(fw, x, v):
    weights = fw.array(values(1, -2, 3, -4, 5))
    return first_and_second(fw, lambda a: fw.sum(fw.top_k(a, 5)[0] ** 2 * weights), x, v)


@case('order/weighted by integer positions of the largest', lambda draw: {'x': draw.distinct(3, 4)})
def _(fw, x):
    return fw.vmap(fw.grad(lambda a: fw.sum(a**2) * fw.argmax(a, axis=0)))(x)


@case('integers/argmax, comparison and casts ride through vmap', lambda draw: {'x': draw.distinct(4, 3), 'y': draw.normal(3)})
def _(fw, x, y):
    def f(a):
        return {'argmax': fw.one_hot(fw.argmax(a, axis=0), 3), 'less': fw.where(a < y, a, y),
                'count': fw.sum(fw.where(a > 0, fw.ones_like(a), fw.zeros_like(a)))}

    return fw.vmap(f)(x)
