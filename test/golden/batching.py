"""Where the batch dimension is, what is nested in what, and which level a variable belongs to."""

from case import case


def weighted(fw, x, y):
    """[3] and [3] to [3], with every element of the result on every input."""
    return fw.sin(x) * fw.sum(y) + fw.cumsum(x * y, axis=0)


def dims(title, in_dims, out_dims, x_shape, y_shape):
    @case(f'dims/{title}', lambda draw: {'x': draw.normal(*x_shape), 'y': draw.normal(*y_shape)})
    def _(fw, x, y):
        return fw.vmap(lambda a, b: weighted(fw, a, b), in_dims, out_dims)(x, y)


dims('first of both', (0, 0), 0, (4, 3), (4, 3))
dims('last of one, first of the other', (1, 0), 0, (3, 4), (4, 3))
dims('one argument shared', (0, None), 0, (4, 3), (3,))
dims('the other argument shared', (None, -1), 0, (3,), (3, 4))
dims('result in the last dimension', (0, 0), 1, (4, 3), (4, 3))
dims('negative in and out', (-1, -2), -1, (3, 4), (4, 3))


@case('dims/middle of rank 3, to the end', lambda draw: {'x': draw.normal(2, 4, 3), 'y': draw.normal(3, 2)})
def _(fw, x, y):
    return fw.vmap(lambda a, b: fw.matmul(a, b), (1, None), 2)(x, y)


@case('dims/trees in and out', lambda draw: {
    'p': {'w': draw.normal(2, 4, 3), 'b': draw.normal(2)}, 'xs': [draw.normal(3, 4), draw.normal(4, 3)]})
def _(fw, p, xs):
    def f(params, pair):
        score = fw.matmul(params['w'], pair[0]) + params['b']
        return {'score': score, 'outer': fw.einsum('i,j->ij', score, pair[1])}

    in_dims = ({'w': 1, 'b': None}, [1, 0])
    return fw.vmap(f, in_dims, {'score': 1, 'outer': 2})(p, xs)


@case('dims/per-example gradients, parameters shared', lambda draw: {
    'w': draw.normal(3), 'x': draw.normal(3, 4), 'y': draw.normal(4)})
def _(fw, w, x, y):
    loss = lambda p, a, b: (fw.tanh(fw.sum(p * a)) - b) ** 2
    return fw.vmap(fw.grad(loss), (None, 1, 0), 1)(w, x, y)


@case('nested/two dimensions, inner and outer swapped', lambda draw: {'x': draw.normal(2, 4, 3), 'y': draw.normal(3)})
def _(fw, x, y):
    f = lambda a, b: weighted(fw, a, b)
    rows_first = fw.vmap(fw.vmap(f, (0, None)), (0, None))
    columns_first = fw.vmap(fw.vmap(f, (0, None)), (1, None), 1)
    return [rows_first(x, y), columns_first(x, y)]


@case('nested/all pairs', lambda draw: {'x': draw.normal(4, 3), 'y': draw.normal(2, 3)})
def _(fw, x, y):
    distance = lambda a, b: fw.sqrt(fw.sum((a - b) ** 2))
    pairs = lambda f: fw.vmap(fw.vmap(f, (None, 0)), (0, None))
    return [pairs(distance)(x, y), pairs(fw.grad(distance))(x, y)]


@case('nested/three levels over one tensor', lambda draw: {'x': draw.normal(2, 3, 4)})
def _(fw, x):
    scalar = lambda a: fw.sin(a) * a
    return fw.vmap(fw.vmap(fw.vmap(scalar, 0), 0, 1), 1)(x)


@case('nested/inner map closes over the outer variable', lambda draw: {'x': draw.normal(3, 2), 'y': draw.normal(4, 2)})
def _(fw, x, y):
    return fw.vmap(lambda a: fw.vmap(lambda b: fw.sum(fw.exp(a) * b))(y) * fw.sum(a))(x)


@case('nested/softmax and log-sum-exp along different axes', lambda draw: {'x': draw.normal(2, 3, 4, 2)})
def _(fw, x):
    f = lambda a: fw.softmax(a, axis=-1) * fw.logsumexp(a, axis=0, keepdims=True)
    return fw.vmap(fw.vmap(f, 1, 1))(x)


@case('order/vmap of grad of vmap of grad', lambda draw: {'x': draw.normal(3, 4)})
def _(fw, x):
    scalar = lambda a: fw.sin(a) * fw.exp(a)
    inner = lambda row: fw.sum(fw.vmap(fw.grad(scalar))(row) ** 2) * fw.sum(row)
    return fw.vmap(fw.grad(inner))(x)


@case('order/jvp of vmap and vmap of jvp', lambda draw: {'x': draw.normal(4, 3), 't': draw.normal(4, 3)})
def _(fw, x, t):
    f = lambda a: fw.softmax(a, axis=0) * fw.sum(a * a)
    return [list(fw.jvp(fw.vmap(f), (x,), (t,))), list(fw.vmap(lambda a, b: fw.jvp(f, (a,), (b,)))(x, t))]


@case('order/vjp of vmap and vmap of vjp', lambda draw: {'x': draw.normal(4, 3), 'ct': draw.normal(4, 3)})
def _(fw, x, ct):
    f = lambda a: fw.softmax(a, axis=0) * fw.sum(a * a)
    return [fw.vjp(fw.vmap(f), x)[1](ct)[0], fw.vmap(lambda a, c: fw.vjp(f, a)[1](c)[0])(x, ct)]


@case('confusion/derivative of x · d/dy (x + y)', lambda draw: {'x': draw.normal(3)})
def _(fw, x):
    reverse = fw.grad(lambda a: a * fw.grad(lambda b: a + b)(a))
    derivative = lambda f: lambda a: fw.jvp(f, (a,), (fw.ones_like(a),))[1]
    forward = derivative(lambda a: a * derivative(lambda b: a + b)(a))
    return [fw.vmap(reverse)(x), fw.vmap(forward)(x)]


@case('confusion/derivative of x · d/dy (x · y), mixed modes', lambda draw: {'x': draw.normal(3)})
def _(fw, x):
    derivative = lambda f: lambda a: fw.jvp(f, (a,), (fw.ones_like(a),))[1]
    modes = {'rev': fw.grad, 'fwd': derivative}
    return {f'{outer} {inner}': fw.vmap(modes[outer](lambda a: a * modes[inner](lambda b: a * b * b)(a)))(x)
            for outer in modes for inner in modes}


@case('confusion/three levels of captured variables', lambda draw: {'x': draw.uniform(0.5, 2, 3)})
def _(fw, x):
    f = lambda a: a * fw.grad(lambda b: b * b * fw.grad(lambda c: a * b * c**3)(b))(a)
    return [fw.vmap(f)(x), fw.vmap(fw.grad(f))(x), fw.vmap(fw.grad(fw.grad(f)))(x)]


@case('confusion/gradient inside a mapped sum of a captured row', lambda draw: {'x': draw.normal(3, 2)})
def _(fw, x):
    def outer(rows):
        inner = lambda row: fw.grad(lambda r: fw.sum(r * r * rows[0]) * fw.sum(row * r))(row)
        return fw.sum(fw.vmap(inner)(rows) ** 2)

    return fw.grad(outer)(x)


@case('custom/stable log(1 + exp(x))', lambda draw: {'x': draw.normal(5, scale=30)})
def _(fw, x):
    f = fw.custom(lambda a: fw.softplus(a), lambda a, dy: dy * (1 - 1 / (1 + fw.exp(a))))
    return [fw.vmap(f)(x), fw.vmap(fw.grad(f))(x), fw.vmap(fw.jacfwd(f))(x)]


@case('custom/rounding with a straight-through gradient', lambda draw: {'x': draw.normal(4, scale=2)})
def _(fw, x):
    straight = fw.custom(lambda a: fw.round(a), lambda a, dy: dy * fw.ones_like(a))
    return [fw.vmap(fw.grad(lambda a: straight(a) * fw.sin(a)))(x), fw.jacfwd(lambda a: straight(a) * a)(x),
            fw.jacrev(lambda a: straight(a) * a)(x)]


@case('custom/a rule that differs from the derivative, to second order', lambda draw: {'x': draw.normal(4)})
def _(fw, x):
    f = fw.custom(lambda a: fw.sin(a), lambda a, dy: dy * a**3)
    return [fw.vmap(fw.grad(f))(x), fw.vmap(fw.grad(fw.grad(f)))(x), fw.vmap(fw.grad(lambda a: f(a * a)))(x)]


@case('custom/a rule that differs from the derivative, its value differentiated again', lambda draw: {'x': draw.normal(4)})
def _(fw, x):
    f = fw.custom(lambda a: fw.sin(a), lambda a, dy: dy * a**3)
    product = lambda a: f(a) * a
    derivative = lambda g: lambda a: fw.jvp(g, (a,), (fw.ones_like(a),))[1]
    # Not forward over forward: there torch.func leaves an autograd.Function's rule undifferentiated.
    return [fw.vmap(g)(x) for g in (fw.grad(fw.grad(product)), derivative(fw.grad(product)), fw.grad(derivative(product)))]


@case('custom/stopped gradient', lambda draw: {'x': draw.normal(4)})
def _(fw, x):
    f = lambda a: fw.stop_gradient(fw.exp(a)) * fw.sin(a)
    return [fw.vmap(fw.grad(f))(x), fw.vmap(fw.grad(fw.grad(f)))(x)]
