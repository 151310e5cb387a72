"""Jacobians, Hessians, and products with them, on tensors and on trees of tensors."""

from case import case


def tanh_layer(fw, w, b, x):
    return fw.tanh(fw.matmul(w, x) + b)


@case('jacobian/elementwise sin, both modes', lambda draw: {'x': draw.normal(5)})
def _(fw, x):
    return [fw.jacrev(fw.sin)(x), fw.jacfwd(fw.sin)(x)]


@case('jacobian/vector function with respect to each argument',
      lambda draw: {'w': draw.normal(3, 4), 'b': draw.normal(3), 'x': draw.normal(4)})
def _(fw, w, b, x):
    f = lambda *args: tanh_layer(fw, *args)
    return {'rev': list(fw.jacrev(f, (0, 1, 2))(w, b, x)), 'fwd': list(fw.jacfwd(f, (0, 1, 2))(w, b, x))}


@case('jacobian/trees in and out', lambda draw: {'params': {'w': draw.normal(2, 3), 'b': draw.normal(2)},
                                                 'x': draw.normal(3)})
def _(fw, params, x):
    def f(p):
        hidden = tanh_layer(fw, p['w'], p['b'], x)
        return {'hidden': hidden, 'energy': fw.sum(hidden * hidden)}

    return {'rev': fw.jacrev(f)(params), 'fwd': fw.jacfwd(f)(params)}


@case('jacobian/matrix to matrix', lambda draw: {'a': draw.normal(2, 3)})
def _(fw, a):
    f = lambda m: fw.matmul(m, m.T)
    return [fw.jacrev(f)(a), fw.jacfwd(f)(a)]


@case('jacobian/softmax, log-softmax and unit vector', lambda draw: {'x': draw.normal(5)})
def _(fw, x):
    functions = [
        lambda v: fw.softmax(v, axis=-1),
        lambda v: fw.log_softmax(v, axis=-1),
        lambda v: v / fw.sqrt(fw.sum(v * v)),
    ]
    return [[fw.jacrev(f)(x), fw.jacfwd(f)(x)] for f in functions]


@case('jacobian/vmap of jacrev', lambda draw: {'w': draw.normal(4, 3), 'x': draw.normal(6, 3)})
def _(fw, w, x):
    f = lambda v: fw.sin(fw.matmul(w, v)) * fw.sum(v * v)
    return [fw.vmap(fw.jacrev(f))(x), fw.vmap(fw.jacfwd(f))(x)]


@case('jacobian/jacrev of vmap', lambda draw: {'x': draw.normal(3, 2)})
def _(fw, x):
    f = fw.vmap(lambda v: fw.sin(v) * fw.sum(v * v))
    return [fw.jacrev(f)(x), fw.jacfwd(f)(x)]


@case('jacobian/a product of matrices by slices', lambda draw: {'a': draw.normal(2, 2, 3), 'b': draw.normal(3, 2)})
def _(fw, a, b):
    f = lambda m, n: fw.sum(fw.matmul(m, n), axis=0)
    return [list(fw.jacrev(f, (0, 1))(a, b)), list(fw.jacfwd(f, (0, 1))(a, b))]


def four_hessians(fw, f, x):
    return {
        'fwd over rev': fw.jacfwd(fw.jacrev(f))(x),
        'rev over fwd': fw.jacrev(fw.jacfwd(f))(x),
        'fwd over fwd': fw.jacfwd(fw.jacfwd(f))(x),
        'rev over rev': fw.jacrev(fw.jacrev(f))(x),
        'hessian': fw.hessian(f)(x),
    }


@case('hessian/Rosenbrock, all compositions', lambda draw: {'x': draw.normal(4)})
def _(fw, x):
    return four_hessians(fw, lambda v: fw.sum(100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2), x)


@case('hessian/logistic regression, all compositions',
      lambda draw: {'x': draw.normal(7, 4), 'y': draw.integers(2, 7), 'w': draw.normal(4)})
def _(fw, x, y, w):
    def loss(v):
        logits = fw.matmul(x, v)
        return fw.mean(fw.softplus(logits) - y * logits)

    return four_hessians(fw, loss, w)


@case('hessian/log-sum-exp, all compositions', lambda draw: {'x': draw.normal(5)})
def _(fw, x):
    return four_hessians(fw, lambda v: fw.logsumexp(v, axis=0), x)


@case('hessian/vector valued', lambda draw: {'x': draw.normal(3)})
def _(fw, x):
    return fw.hessian(lambda v: fw.sin(v) * fw.cumsum(v, axis=0))(x)


@case('hessian/vmap of hessian', lambda draw: {'w': draw.normal(3, 2), 'x': draw.normal(5, 2)})
def _(fw, w, x):
    return fw.vmap(fw.hessian(lambda v: fw.sum(fw.tanh(fw.matmul(w, v)) ** 2)))(x)


@case('hessian/blocks of a tree', lambda draw: {'params': {'w': draw.normal(2, 2), 'b': draw.normal(2)},
                                                'x': draw.normal(2)})
def _(fw, params, x):
    return fw.hessian(lambda p: fw.sum(tanh_layer(fw, p['w'], p['b'], x) ** 2))(params)


@case('hessian/diagonal by vmap of nested jvp', lambda draw: {'x': draw.normal(4)})
def _(fw, x):
    f = lambda v: fw.sum(fw.sin(v) * fw.exp(v)) + fw.prod(v)

    def second(direction):
        first = lambda v: fw.jvp(f, (v,), (direction,))[1]
        return fw.jvp(first, (x,), (direction,))[1]

    return fw.vmap(second)(fw.eye(4))


@case('hvp/three compositions', lambda draw: {'w': draw.normal(4, 3), 'x': draw.normal(3), 'v': draw.normal(3)})
def _(fw, w, x, v):
    f = lambda t: fw.sum(fw.tanh(fw.matmul(w, t)) ** 3)
    return {
        'fwd over rev': fw.jvp(fw.grad(f), (x,), (v,))[1],
        'rev over rev': fw.grad(lambda t: fw.sum(fw.grad(f)(t) * v))(x),
        'rev over fwd': fw.grad(lambda t: fw.jvp(f, (t,), (v,))[1])(x),
    }


@case('hvp/of a tree of parameters', lambda draw: {
    'params': {'w': draw.normal(3, 4), 'b': draw.normal(3)},
    'v': {'w': draw.normal(3, 4), 'b': draw.normal(3)}, 'x': draw.normal(4)})
def _(fw, params, v, x):
    loss = lambda p: fw.logsumexp(tanh_layer(fw, p['w'], p['b'], x), axis=0)
    return fw.jvp(fw.grad(loss), (params,), (v,))[1]


@case('hvp/Gauss-Newton product', lambda draw: {'w': draw.normal(5, 3), 'x': draw.normal(3), 'v': draw.normal(3)})
def _(fw, w, x, v):
    f = lambda t: fw.sin(fw.matmul(w, t)) * fw.sum(t * t)
    _, pushed = fw.jvp(f, (x,), (v,))
    return fw.vjp(f, x)[1](pushed)[0]


@case('vjp/trees of primals, outputs and cotangents', lambda draw: {
    'p': {'a': draw.normal(3), 'b': [draw.normal(2, 3), draw.uniform(1, 2)]}, 'x': draw.normal(3),
    'ct': {'y': draw.normal(2), 'z': [draw.normal(3)]}})
def _(fw, p, x, ct):
    def f(q, t):
        return {'y': fw.matmul(q['b'][0], t * q['a']) * q['b'][1], 'z': [fw.sin(q['a']) * t]}

    output, pullback = fw.vjp(f, p, x)
    return [output, list(pullback(ct))]


@case('vjp/one pullback, mapped over a basis', lambda draw: {'w': draw.normal(3, 4), 'x': draw.normal(4)})
def _(fw, w, x):
    _, pullback = fw.vjp(lambda m, v: fw.tanh(fw.matmul(m, v)), w, x)
    return list(fw.vmap(pullback)(fw.eye(3)))


@case('vjp/gradient through a pullback', lambda draw: {'x': draw.normal(4), 'ct': draw.normal(4)})
def _(fw, x, ct):
    def through(v, c):
        _, pullback = fw.vjp(lambda t: fw.sin(t) * fw.sum(t), v)
        return fw.sum(pullback(c)[0] ** 2)

    return list(fw.grad(through, (0, 1))(x, ct))


@case('jvp/product of two arguments', lambda draw: {'x': draw.normal(4), 'y': draw.normal(4), 'tx': draw.normal(4),
                                                    'ty': draw.normal(4)})
def _(fw, x, y, tx, ty):
    return list(fw.jvp(lambda a, b: a * b, (x, y), (tx, ty)))


@case('jvp/trees of primals and outputs', lambda draw: {
    'p': {'w': draw.normal(2, 3), 'b': draw.normal(2)}, 't': {'w': draw.normal(2, 3), 'b': draw.normal(2)},
    'x': draw.normal(3), 'tx': draw.normal(3)})
def _(fw, p, t, x, tx):
    def f(q, v):
        hidden = tanh_layer(fw, q['w'], q['b'], v)
        return {'hidden': hidden, 'norm': fw.sqrt(fw.sum(hidden * hidden))}

    return list(fw.jvp(f, (p, x), (t, tx)))


@case('jvp/of jvp, of vjp, of grad', lambda draw: {'x': draw.normal(3), 't': draw.normal(3), 's': draw.normal(3)})
def _(fw, x, t, s):
    f = lambda v: fw.sin(v) * fw.sum(v * v)
    inner = lambda v: fw.jvp(f, (v,), (t,))[1]
    back = lambda v: fw.vjp(f, v)[1](t)[0]
    gradient = lambda v: fw.grad(lambda u: fw.sum(f(u) ** 2))(v)
    return [list(fw.jvp(g, (x,), (s,))) for g in (inner, back, gradient)]


@case('higher/third derivative tensor', lambda draw: {'x': draw.normal(3)})
def _(fw, x):
    f = lambda v: fw.exp(fw.sum(fw.sin(v))) + fw.prod(v)
    return [fw.jacfwd(fw.jacrev(fw.jacfwd(f)))(x), fw.jacrev(fw.jacfwd(fw.jacrev(f)))(x)]


@case('higher/fourth derivative tensor', lambda draw: {'x': draw.normal(2)})
def _(fw, x):
    f = lambda v: fw.tanh(v[0] * v[1]) * fw.cos(v[0])
    return [fw.hessian(fw.hessian(f))(x), fw.jacfwd(fw.jacfwd(fw.jacrev(fw.jacrev(f))))(x)]


@case('higher/gradient of a Jacobian norm', lambda draw: {'w': draw.normal(3, 3), 'x': draw.normal(3)})
def _(fw, w, x):
    penalty = lambda jacobian: lambda m: fw.sum(jacobian(lambda v: fw.tanh(fw.matmul(m, v)))(x) ** 2)
    return [fw.grad(penalty(fw.jacrev))(w), fw.grad(penalty(fw.jacfwd))(w)]


@case('higher/Laplacian, divergence and curl', lambda draw: {'x': draw.normal(3)})
def _(fw, x):
    scalar = lambda v: fw.exp(-fw.sum(v * v)) * v[0]
    field = lambda v: fw.stack([v[1] * v[2] ** 2, fw.sin(v[0]) * v[2], fw.exp(v[0] * v[1])])
    j = fw.jacfwd(field)(x)
    curl = fw.stack([j[2, 1] - j[1, 2], j[0, 2] - j[2, 0], j[1, 0] - j[0, 1]])
    return {'laplacian': fw.trace(fw.hessian(scalar)(x)), 'divergence': fw.trace(j), 'curl': curl}


@case('auxiliary/gradient with an auxiliary output and its value',
      lambda draw: {'w': draw.normal(3), 'x': draw.normal(4, 3)})
def _(fw, w, x):
    def f(v):
        scores = fw.matmul(x, v)
        return fw.sum(scores**2), {'scores': scores}

    gradient, aux = fw.grad(f, has_aux=True)(w)
    gradient_again, value = fw.grad_and_value(lambda v: f(v)[0])(w)
    return {'gradient': gradient, 'aux': aux, 'again': gradient_again, 'value': value}
