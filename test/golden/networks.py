"""Networks: per-example gradients, ensembles, and what training them to second order needs."""

from case import case, values


def dense(fw, layer, x):
    return fw.matmul(x, layer['w']) + layer['b']


def layer(draw, inputs, outputs):
    return {'w': draw.normal(inputs, outputs, scale=0.6), 'b': draw.normal(outputs, scale=0.3)}


def cross_entropy(fw, logits, label, classes):
    """Of one example: minus the log-probability of its label."""
    return -fw.sum(fw.one_hot(label, classes) * fw.log_softmax(logits, axis=-1))


def mlp_loss(fw, params, x, label):
    hidden = fw.tanh(dense(fw, params[0], x))
    hidden = fw.relu(dense(fw, params[1], hidden))
    return cross_entropy(fw, dense(fw, params[2], hidden), label, 3)


def mlp_inputs(draw):
    return {'params': [layer(draw, 4, 5), layer(draw, 5, 5), layer(draw, 5, 3)],
            'x': draw.normal(6, 4), 'labels': draw.integers(3, 6)}


@case('mlp/per-example gradients', mlp_inputs)
def _(fw, params, x, labels):
    return fw.vmap(fw.grad(lambda p, a, b: mlp_loss(fw, p, a, b)), (None, 0, 0))(params, x, labels)


@case('mlp/gradient of the mean loss over vmap', mlp_inputs)
def _(fw, params, x, labels):
    per_example = fw.vmap(lambda p, a, b: mlp_loss(fw, p, a, b), (None, 0, 0))
    return fw.grad(lambda p: fw.mean(per_example(p, x, labels)))(params)


@case('mlp/clipped sum of per-example gradients', mlp_inputs)
def _(fw, params, x, labels):
    def clipped(p, a, b):
        gradient = fw.grad(lambda q: mlp_loss(fw, q, a, b))(p)
        norm = fw.sqrt(sum(fw.sum(g['w'] ** 2) + fw.sum(g['b'] ** 2) for g in gradient))
        scale = 1 / fw.maximum(fw.ones_like(norm), norm)
        return [{'w': g['w'] * scale, 'b': g['b'] * scale} for g in gradient], norm

    gradients, norms = fw.vmap(clipped, (None, 0, 0))(params, x, labels)
    return {'sum': [{k: fw.sum(g[k], axis=0) for k in g} for g in gradients], 'norms': norms}


@case('mlp/Hessian-vector product', lambda draw: {
    **mlp_inputs(draw), 'v': [layer(draw, 4, 5), layer(draw, 5, 5), layer(draw, 5, 3)]})
def _(fw, params, x, labels, v):
    per_example = fw.vmap(lambda p, a, b: mlp_loss(fw, p, a, b), (None, 0, 0))
    return fw.jvp(fw.grad(lambda p: fw.mean(per_example(p, x, labels))), (params,), (v,))[1]


@case('mlp/input Jacobian of every example', mlp_inputs)
def _(fw, params, x, labels):
    def logits(v):
        hidden = fw.tanh(dense(fw, params[0], v))
        return dense(fw, params[2], fw.relu(dense(fw, params[1], hidden)))

    return [fw.vmap(fw.jacrev(logits))(x), fw.vmap(fw.jacfwd(logits))(x)]


@case('mlp/neural tangent kernel', lambda draw: {
    'params': {'first': layer(draw, 3, 4), 'second': layer(draw, 4, 2)}, 'x': draw.normal(3, 3)})
def _(fw, params, x):
    network = lambda p, v: dense(fw, p['second'], fw.tanh(dense(fw, p['first'], v)))
    jacobians = fw.vmap(fw.jacrev(network), (None, 0))(params, x)
    total = 0
    for part in jacobians.values():
        w, b = part['w'], part['b']
        total = total + fw.einsum('naij,mbij->nmab', w, w) + fw.einsum('nai,mbi->nmab', b, b)
    return total


@case('ensemble/predictions and gradients of several models', lambda draw: {
    'w1': draw.normal(3, 4, 5), 'b1': draw.normal(3, 5), 'w2': draw.normal(3, 5, 2), 'x': draw.normal(6, 4),
    'y': draw.normal(6, 2)})
def _(fw, w1, b1, w2, x, y):
    predict = lambda p: fw.matmul(fw.tanh(fw.matmul(x, p['w1']) + p['b1']), p['w2'])
    loss = lambda p: fw.mean((predict(p) - y) ** 2)
    params = {'w1': w1, 'b1': b1, 'w2': w2}
    return {'predictions': fw.vmap(predict)(params), 'gradients': fw.vmap(fw.grad(loss))(params)}


@case('ensemble/a minibatch for each model, per-example gradients of each', lambda draw: {
    'w': draw.normal(2, 4, 3), 'x': draw.normal(2, 5, 4), 'labels': draw.integers(3, 2, 5)})
def _(fw, w, x, labels):
    loss = lambda m, a, b: cross_entropy(fw, fw.matmul(a, m), b, 3)
    return fw.vmap(fw.vmap(fw.grad(loss), (None, 0, 0)))(w, x, labels)


def cnn_inputs(draw):
    return {
        'params': {
            'conv1': {'w': draw.normal(3, 3, 2, 3, scale=0.5), 'b': draw.normal(3, scale=0.3)},
            'conv2': {'w': draw.normal(2, 2, 3, 4, scale=0.5), 'b': draw.normal(4, scale=0.3)},
            'dense': layer(draw, 8, 3),
        },
        'images': draw.normal(3, 8, 6, 2),
        'labels': draw.integers(3, 3),
    }


def cnn_loss(pool):
    def loss(fw, params, image, label):
        """[8, 6, 2] –conv→ [6, 4, 3] –pool→ [3, 2, 3] –conv→ [2, 1, 4] –dense→ [3]"""
        x = fw.conv2d(image[None], params['conv1']['w']) + params['conv1']['b']
        x = getattr(fw, pool)(fw.relu(x), 2, 2)
        x = fw.tanh(fw.conv2d(x, params['conv2']['w']) + params['conv2']['b'])
        return cross_entropy(fw, dense(fw, params['dense'], fw.reshape(x, (-1,))), label, 3)

    return loss


for pool in ('max_pool', 'avg_pool'):

    @case(f'cnn/per-example gradients, {pool[:3]} pooling', cnn_inputs)
    def _(fw, params, images, labels, pool=pool):
        loss = lambda p, x, y: cnn_loss(pool)(fw, p, x, y)
        return fw.vmap(fw.grad(loss), (None, 0, 0))(params, images, labels)


@case('cnn/Hessian-vector product of every example', lambda draw: {**cnn_inputs(draw), 'v': cnn_inputs(draw)['params']})
def _(fw, params, images, labels, v):
    def product(x, y):
        return fw.jvp(fw.grad(lambda p: cnn_loss('max_pool')(fw, p, x, y)), (params,), (v,))[1]

    return fw.vmap(product)(images, labels)['conv1']


@case('cnn/ensemble with filters of its own for each model', lambda draw: {
    'w': draw.normal(3, 2, 3, 2, 2, scale=0.5), 'x': draw.normal(2, 5, 4, 2)})
def _(fw, w, x):
    loss = lambda m: fw.sum(fw.sin(fw.conv2d(x, m, pad='same')))
    return {'gradients': fw.vmap(fw.grad(loss))(w),
            'outputs': fw.vmap(lambda m: fw.conv2d(x, m, stride=2))(w)}


CONVOLUTIONS = {
    'same': {'pad': 'same'},
    'stride 2, same': {'stride': 2, 'pad': 'same'},
    'dilation 2': {'dilation': 2},
}
for title, options in CONVOLUTIONS.items():

    @case(f'convolution/{title}: per-example gradients of filter and image',
          lambda draw: {'x': draw.normal(3, 6, 5, 2), 'w': draw.normal(3, 2, 2, 2), 'ct': draw.normal(2)})
    def _(fw, x, w, ct, options=options):
        f = lambda a, m: fw.sum(fw.tanh(fw.conv2d(a[None], m, **options)) * ct)
        return list(fw.vmap(fw.grad(f, (0, 1)), (0, None))(x, w))


@case('convolution/depthwise: per-example gradients of filter and image',
      lambda draw: {'x': draw.normal(2, 5, 4, 3), 'w': draw.normal(2, 2, 3, 2)})
def _(fw, x, w):
    def f(image, m):
        grouped = fw.reshape(m, (2, 2, 1, 6))  # [window, window, channels, multiplier], as tfjs has it
        return fw.sum(fw.sin(fw.conv2d(image[None], grouped, groups=3)))

    return list(fw.vmap(fw.grad(f, (0, 1)), (0, None))(x, w))


@case('convolution/transposed, as the pullback of a convolution',
      lambda draw: {'x': draw.normal(2, 3, 2, 3), 'w': draw.normal(2, 2, 2, 3), 'like': draw.normal(2, 6, 4, 2)})
def _(fw, x, w, like):
    def transposed(image, m, size):
        return fw.vjp(lambda a: fw.conv2d(a, m, stride=2), size[None])[1](image[None])[0][0]

    loss = lambda image, m, size: fw.sum(fw.sin(transposed(image, m, size)))
    return {'output': fw.vmap(transposed, (0, None, 0))(x, w, like),
            'gradients': list(fw.vmap(fw.grad(loss, (0, 1)), (0, None, 0))(x, w, like))}


for pool in ('max_pool', 'avg_pool'):

    @case(f'pooling/{pool[:3]}, window 3, stride 2, same', lambda draw: {
        'x': draw.distinct(2, 6, 5, 2), 'v': draw.normal(2, 6, 5, 2)})
    def _(fw, x, v, pool=pool):
        f = lambda a: fw.sum(getattr(fw, pool)(a[None] * a[None], 3, 2, 'same') ** 2)
        gradient = fw.vmap(fw.grad(f))
        return {'gradient': gradient(x), 'hvp': fw.jvp(gradient, (x,), (v,))[1]}


def batch_norm(fw, x, gamma, beta):
    mean = fw.mean(x, axis=0, keepdims=True)
    variance = fw.mean((x - mean) ** 2, axis=0, keepdims=True)
    return (x - mean) * fw.rsqrt(variance + 1e-3) * gamma + beta


@case('normalisation/batch statistics', lambda draw: {
    'x': draw.normal(6, 3), 'gamma': draw.normal(3), 'beta': draw.normal(3), 'ct': draw.normal(6, 3)})
def _(fw, x, gamma, beta, ct):
    f = lambda *args: fw.sum(fw.sin(batch_norm(fw, *args)) * ct)
    hvp = fw.jvp(lambda a: fw.grad(f)(a, gamma, beta), (x,), (ct,))[1]
    return {'gradients': list(fw.grad(f, (0, 1, 2))(x, gamma, beta)), 'hvp': hvp}


@case('normalisation/batch statistics of an ensemble', lambda draw: {
    'x': draw.normal(2, 5, 3), 'gamma': draw.normal(2, 3), 'beta': draw.normal(3)})
def _(fw, x, gamma, beta):
    f = lambda *args: fw.sum(batch_norm(fw, *args) ** 3)
    return list(fw.vmap(fw.grad(f, (0, 1, 2)), (0, 0, None))(x, gamma, beta))


@case('normalisation/given statistics', lambda draw: {
    'x': draw.normal(2, 3, 4), 'mean': draw.normal(4), 'variance': draw.uniform(0.5, 2, 4),
    'offset': draw.normal(4), 'scale': draw.normal(4)})
def _(fw, x, mean, variance, offset, scale):
    def f(a, m, v, o, s):
        return fw.sum(fw.sin((a - m) * fw.rsqrt(v + 1e-3) * s + o))

    return list(fw.vmap(fw.grad(f, (0, 1, 2, 3, 4)), (0, None, None, None, None))(x, mean, variance, offset, scale))


def layer_norm(fw, x, gamma, beta):
    mean = fw.mean(x, axis=-1, keepdims=True)
    variance = fw.mean((x - mean) ** 2, axis=-1, keepdims=True)
    return (x - mean) / fw.sqrt(variance + 1e-5) * gamma + beta


@case('normalisation/layer', lambda draw: {
    'x': draw.normal(4, 2, 5), 'gamma': draw.normal(5), 'beta': draw.normal(5)})
def _(fw, x, gamma, beta):
    f = lambda *args: fw.sum(fw.sin(layer_norm(fw, *args)))
    return list(fw.vmap(fw.grad(f, (0, 1, 2)), (0, None, None))(x, gamma, beta))


@case('normalisation/local response', lambda draw: {'x': draw.normal(2, 2, 2, 6)})
def _(fw, x):
    def f(a):
        # tfjs: x / (bias + alpha · sum over radius 2 of x²) ^ beta
        squares = fw.pad(a * a, ((0, 0), (0, 0), (2, 2)))
        window = sum(squares[..., i:i + 6] for i in range(5))
        return fw.sum(fw.sin(a / fw.pow(1 + 0.5 * window, fw.array(0.75))))

    return fw.vmap(fw.grad(f))(x)


@case('softmax cross entropy/loss, gradient and Hessian per example', lambda draw: {
    'logits': draw.normal(4, 3, scale=2), 'labels': draw.integers(3, 4)})
def _(fw, logits, labels):
    loss = lambda x, y: cross_entropy(fw, x, y, 3)
    return [fw.vmap(g)(logits, labels) for g in (loss, fw.grad(loss), fw.hessian(loss))]


@case('softmax cross entropy/large logits do not overflow', lambda draw: {
    'logits': draw.normal(3, 4, scale=40), 'labels': draw.integers(4, 3)})
def _(fw, logits, labels):
    loss = lambda x, y: cross_entropy(fw, x, y, 4)
    return [fw.vmap(loss)(logits, labels), fw.vmap(fw.grad(loss))(logits, labels)]


def attention(fw, p, x):
    """One block over [tokens, 4]: two heads of width 2, a residual, a norm, a feed-forward layer."""
    heads = lambda w: fw.permute(fw.reshape(fw.matmul(x, w), (-1, 2, 2)), (1, 0, 2))
    q, k, v = heads(p['q']), heads(p['k']), heads(p['v'])
    weights = fw.softmax(fw.matmul(q, fw.permute(k, (0, 2, 1))) / 2**0.5, axis=-1)
    mixed = fw.reshape(fw.permute(fw.matmul(weights, v), (1, 0, 2)), (-1, 4))
    y = layer_norm(fw, x + fw.matmul(mixed, p['o']), p['gamma'], p['beta'])
    return y + fw.matmul(fw.softplus(fw.matmul(y, p['up'])), p['down'])


def attention_inputs(draw):
    square = lambda: draw.normal(4, 4, scale=0.5)
    return {'p': {'q': square(), 'k': square(), 'v': square(), 'o': square(), 'gamma': draw.normal(4),
                  'beta': draw.normal(4), 'up': draw.normal(4, 6, scale=0.5), 'down': draw.normal(6, 4, scale=0.5)},
            'x': draw.normal(3, 5, 4)}


@case('attention/per-example gradients of a block', attention_inputs)
def _(fw, p, x):
    loss = lambda params, tokens: fw.mean(attention(fw, params, tokens) ** 2)
    return fw.vmap(fw.grad(loss), (None, 0))(p, x)


@case('attention/Jacobian of the last token and Hessian-vector product',
      lambda draw: {**attention_inputs(draw), 't': draw.normal(5, 4)})
def _(fw, p, x, t):
    last = lambda tokens: attention(fw, p, tokens)[4]
    energy = lambda tokens: fw.sum(attention(fw, p, tokens) ** 2)
    return {'jacobian': fw.jacrev(last)(x[0]), 'tangents': fw.vmap(lambda a: fw.jvp(last, (a,), (t,))[1])(x),
            'hvp': fw.vmap(lambda a: fw.jvp(fw.grad(energy), (a,), (t,))[1])(x)}


@case('recurrent/gated unit unrolled, per-example gradients', lambda draw: {
    'p': {'z': draw.normal(5, 3, scale=0.6), 'r': draw.normal(5, 3, scale=0.6), 'h': draw.normal(5, 3, scale=0.6)},
    'x': draw.normal(4, 4, 2)})
def _(fw, p, x):
    def loss(params, sequence):
        h = fw.zeros_like(params['z'][0])
        for step in range(4):
            joined = fw.concatenate([sequence[step], h])
            z = fw.sigmoid(fw.matmul(joined, params['z']))
            r = fw.sigmoid(fw.matmul(joined, params['r']))
            candidate = fw.tanh(fw.matmul(fw.concatenate([sequence[step], r * h]), params['h']))
            h = (1 - z) * h + z * candidate
        return fw.sum(h * h)

    return fw.vmap(fw.grad(loss), (None, 0))(p, x)


@case('embedding/per-example gradients of a table', lambda draw: {
    'table': draw.normal(5, 3), 'ids': draw.integers(5, 4, 3), 'w': draw.normal(3)})
def _(fw, table, ids, w):
    def loss(t, i):
        bag = fw.mean(t[i], axis=0)
        return fw.sin(fw.sum(bag * w)) * fw.sum(bag * bag)

    return fw.vmap(fw.grad(loss), (None, 0))(table, ids)


@case('graph/message passing over edges', lambda draw: {
    'x': draw.normal(4, 3), 'w': draw.normal(3, 3), 'source': values(0, 1, 2, 3, 0).astype('int32'),
    'target': values(1, 2, 0, 0, 2).astype('int32')})
def _(fw, x, w, source, target):
    def energy(nodes, m):
        messages = fw.tanh(fw.matmul(nodes[source], m))
        return fw.sum(fw.segment_sum(messages, target, 4) ** 3)

    return [list(fw.grad(energy, (0, 1))(x, w)), fw.jvp(lambda a: fw.grad(energy)(a, w), (x,), (x,))[1]]
