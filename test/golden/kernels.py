"""One kernel at a time, at random points: value, forward and reverse derivative, and a derivative of the reverse one."""

from case import case, integers
from frameworks import Jax


def normal(*shape, scale=1.0):
    return lambda draw: draw.normal(*shape, scale=scale)


def between(low, high, *shape):
    return lambda draw: draw.uniform(low, high, *shape)


def distinct(*shape):
    return lambda draw: draw.distinct(*shape)


def kernel(name, draws, function):
    """`function(fw, *tensors)`, with the tensors drawn by `draws`, one tangent each, and one cotangent."""

    def inputs(draw):
        x = [one(draw) for one in draws]
        jax = Jax()
        shape = jax.eval_shape(lambda *tensors: function(jax, *tensors), *map(jax.array, x)).shape
        return {'x': x, 't': [draw.normal(*array.shape) for array in x], 'ct': draw.normal(*shape)}

    @case(name, inputs)
    def run(fw, x, t, ct):
        f = lambda *tensors: function(fw, *tensors)
        back = lambda *tensors: tuple(fw.vjp(f, *tensors)[1](ct))

        def all_of_it(x, t):
            value, tangent = fw.jvp(f, x, t)
            return {'value': value, 'jvp': tangent, 'vjp': list(back(*x)), 'second': list(fw.jvp(back, x, t)[1])}

        return fw.jit(all_of_it)(x, t)


UNARY = {
    'Abs': (normal(6), lambda fw, x: fw.abs(x)),
    'Acos': (between(-0.9, 0.9, 6), lambda fw, x: fw.arccos(x)),
    'Acosh': (between(1.2, 3, 6), lambda fw, x: fw.arccosh(x)),
    'Asin': (between(-0.9, 0.9, 6), lambda fw, x: fw.arcsin(x)),
    'Asinh': (normal(6), lambda fw, x: fw.arcsinh(x)),
    'Atan': (normal(6), lambda fw, x: fw.arctan(x)),
    'Atanh': (between(-0.9, 0.9, 6), lambda fw, x: fw.arctanh(x)),
    'ClipByValue': (normal(6), lambda fw, x: fw.clip(x, -0.75, 0.5)),
    'Cos': (normal(6), lambda fw, x: fw.cos(x)),
    'Cosh': (normal(6), lambda fw, x: fw.cosh(x)),
    'Elu': (normal(6), lambda fw, x: fw.elu(x)),
    'Erf': (normal(6), lambda fw, x: fw.erf(x)),
    'Exp': (normal(6), lambda fw, x: fw.exp(x)),
    'Expm1': (normal(6), lambda fw, x: fw.expm1(x)),
    'Floor': (between(0.1, 0.9, 6), lambda fw, x: fw.floor(x) + 0 * x),
    'LeakyRelu': (normal(6), lambda fw, x: fw.leaky_relu(x, 0.25)),
    'Log': (between(0.2, 3, 6), lambda fw, x: fw.log(x)),
    'Log1p': (between(-0.7, 2, 6), lambda fw, x: fw.log1p(x)),
    'Neg': (normal(6), lambda fw, x: fw.negative(x)),
    'Reciprocal': (between(0.3, 2, 6), lambda fw, x: fw.reciprocal(x)),
    'Relu': (normal(6), lambda fw, x: fw.relu(x)),
    'Relu6': (normal(6, scale=5), lambda fw, x: fw.relu6(x)),
    'Rsqrt': (between(0.2, 3, 6), lambda fw, x: fw.rsqrt(x)),
    'Selu': (normal(6), lambda fw, x: fw.selu(x)),
    'Sigmoid': (normal(6), lambda fw, x: fw.sigmoid(x)),
    'Sin': (normal(6), lambda fw, x: fw.sin(x)),
    'Sinh': (normal(6), lambda fw, x: fw.sinh(x)),
    'Softplus': (normal(6), lambda fw, x: fw.softplus(x)),
    'Sqrt': (between(0.2, 3, 6), lambda fw, x: fw.sqrt(x)),
    'Square': (normal(6), lambda fw, x: fw.square(x)),
    'Tan': (between(-1.2, 1.2, 6), lambda fw, x: fw.tan(x)),
    'Tanh': (normal(6), lambda fw, x: fw.tanh(x)),
}
for name, (draw, function) in UNARY.items():
    kernel(name, [draw], function)

BINARY = {
    'Add': lambda fw, a, b: a + b,
    'Atan2': lambda fw, a, b: fw.arctan2(a, b),
    'Maximum': lambda fw, a, b: fw.maximum(a, b),
    'Minimum': lambda fw, a, b: fw.minimum(a, b),
    'Mod': lambda fw, a, b: fw.remainder(a, b),
    'Multiply': lambda fw, a, b: a * b,
    'Pow': lambda fw, a, b: fw.pow(a, b),
    'RealDiv': lambda fw, a, b: a / b,
    'SquaredDifference': lambda fw, a, b: fw.square(a - b),
    'Sub': lambda fw, a, b: a - b,
}
for name, function in BINARY.items():
    kernel(name, [between(0.3, 2, 3, 1), between(0.3, 2, 4)], function)
kernel('Prelu', [normal(3, 4), normal(4)], lambda fw, x, a: fw.where(x > 0, x, a * x))
kernel('Select', [normal(2, 3), normal(2, 3)],
       lambda fw, a, b: fw.where(fw.array(integers(1, 0, 0, 1, 1, 0).reshape(2, 3)) > 0, a, b))

kernel('Sum', [normal(2, 3, 2)], lambda fw, x: fw.sum(x, axis=1))
kernel('Mean', [normal(2, 3, 2)], lambda fw, x: fw.mean(x, axis=(0, 2)))
kernel('Prod', [normal(2, 3)], lambda fw, x: fw.prod(x, axis=1))
kernel('Max', [distinct(2, 4)], lambda fw, x: fw.amax(x, axis=1))
kernel('Min', [distinct(2, 4)], lambda fw, x: fw.amin(x, axis=0))
kernel('Cumsum', [normal(2, 4)], lambda fw, x: fw.cumsum(x, axis=1))
kernel('Cumsum, exclusive and reversed', [normal(2, 4)], lambda fw, x: fw.flip(fw.cumsum(fw.flip(x, 1), axis=1), 1) - x)
kernel('Cumprod', [normal(2, 4)], lambda fw, x: fw.cumprod(x, axis=0))
kernel('Softmax', [normal(2, 4)], lambda fw, x: fw.softmax(x, -1))
kernel('tf.logSoftmax', [normal(2, 4)], lambda fw, x: fw.log_softmax(x, -1))
kernel('tf.logSumExp', [normal(2, 4)], lambda fw, x: fw.logsumexp(x, axis=1))

kernel('BatchMatMul', [normal(2, 2, 3), normal(2, 3, 2)], lambda fw, a, b: fw.matmul(a, b))
kernel('BatchMatMul, transposed', [normal(3, 2), normal(4, 3)],
       lambda fw, a, b: fw.matmul(fw.permute(a, (1, 0)), fw.permute(b, (1, 0))))
kernel('_FusedMatMul', [normal(2, 3), normal(3, 4), normal(4)], lambda fw, a, b, c: fw.tanh(fw.matmul(a, b) + c))
kernel('Einsum', [normal(2, 3, 2), normal(3, 2)], lambda fw, a, b: fw.einsum('bij,ik->bkj', a, b))

conv = lambda **options: lambda fw, x, w: fw.conv2d(x, w, **options)
kernel('Conv2D, strides', [normal(1, 5, 4, 2), normal(3, 3, 2, 2)], conv(stride=2, pad='same'))
kernel('Conv2D, dilations', [normal(1, 5, 5, 1), normal(2, 2, 1, 2)], conv(dilation=2))
kernel('DepthwiseConv2dNative', [normal(1, 4, 4, 2), normal(2, 2, 1, 2)], conv(groups=2))
kernel('DepthwiseConv2dNative, dilations', [normal(1, 5, 5, 2), normal(2, 2, 1, 2)], conv(groups=2, dilation=2, pad='same'))
kernel('FusedConv2D', [normal(1, 3, 3, 2), normal(2, 2, 2, 2), normal(2)],
       lambda fw, x, w, b: fw.sigmoid(fw.conv2d(x, w) + b))


def transposed(fw, dy, w):
    """The transpose of a convolution of a [1, 5, 5, 2] image with stride 2."""
    return fw.vjp(lambda a: fw.conv2d(a, w, stride=2), 0 * fw.pad(dy, ((0, 0), (0, 3), (0, 3), (0, 0)))[..., :2])[1](dy)[0]


kernel('Conv2DBackpropInput', [normal(1, 2, 2, 2), normal(3, 3, 2, 2)], transposed)
kernel('Conv3D', [normal(1, 3, 3, 3, 1), normal(2, 2, 2, 1, 2)], lambda fw, x, w: fw.conv3d(x, w))
kernel('Conv3D, strides', [normal(1, 3, 4, 3, 1), normal(2, 2, 2, 1, 1)], lambda fw, x, w: fw.conv3d(x, w, stride=2, pad='same'))

kernel('MaxPool', [distinct(1, 4, 4, 2)], lambda fw, x: fw.max_pool(x, 2, 2))
kernel('MaxPool, overlapping', [distinct(1, 4, 4, 1)], lambda fw, x: fw.max_pool(x, 3, 1, pad='same'))
kernel('AvgPool', [normal(1, 4, 4, 2)], lambda fw, x: fw.avg_pool(x, 2, 2))
kernel('AvgPool, overlapping', [normal(1, 4, 4, 1)], lambda fw, x: fw.avg_pool(x, 3, 2, pad='same'))
kernel('MaxPool3D', [distinct(1, 4, 2, 4, 1)], lambda fw, x: fw.max_pool3d(x, 2, 2))
kernel('AvgPool3D', [normal(1, 4, 2, 4, 1)], lambda fw, x: fw.avg_pool3d(x, 2, 2))

kernel('FusedBatchNorm', [normal(3, 2), normal(2), between(0.3, 2, 2), normal(2), normal(2)],
       lambda fw, x, mean, variance, offset, scale: (x - mean) * fw.rsqrt(variance + 0.125) * scale + offset)


def response(fw, x):
    squares = fw.pad(x * x, ((0, 0), (0, 0), (0, 0), (1, 1)))
    return x / fw.pow(1.5 + 0.5 * (squares[..., :-2] + squares[..., 1:-1] + squares[..., 2:]), fw.array(0.75))


kernel('LRN', [normal(1, 1, 2, 4)], response)
kernel('ResizeNearestNeighbor', [normal(1, 2, 3, 1)], lambda fw, x: fw.resize_nearest(x, 4, 5))
kernel('ResizeBilinear', [normal(1, 2, 3, 1)], lambda fw, x: fw.resize_bilinear(x, 4, 5))

kernel('PadV2', [normal(2, 2)], lambda fw, x: fw.pad(x, ((1, 0), (0, 2)), value=0.5))
kernel('MirrorPad, reflect', [normal(3, 3)], lambda fw, x: fw.pad(x, ((1, 2), (0, 1)), mode='reflect'))
kernel('MirrorPad, symmetric', [normal(2, 3)], lambda fw, x: fw.pad(x, ((1, 2), (0, 1)), mode='symmetric'))
kernel('Concat', [normal(2, 2), normal(2, 1)], lambda fw, a, b: fw.concatenate((a, b), axis=1))
kernel('Pack', [normal(2), normal(2)], lambda fw, a, b: fw.stack((a, b), axis=1))
kernel('Reverse', [normal(2, 3)], lambda fw, x: fw.flip(x, 1))
kernel('Tile', [normal(2, 2)], lambda fw, x: fw.tile(x, (2, 3)))
kernel('Transpose', [normal(2, 3, 2)], lambda fw, x: fw.permute(x, (2, 0, 1)))
kernel('Slice', [normal(3, 4)], lambda fw, x: x[1:3, 1:3])
kernel('StridedSlice', [normal(3, 6)], lambda fw, x: x[0:3:2, 1:6:2])
kernel('DepthToSpace', [normal(1, 1, 2, 4)],
       lambda fw, x: fw.reshape(fw.permute(fw.reshape(x, (1, 1, 2, 2, 2, 1)), (0, 1, 3, 2, 4, 5)), (1, 2, 4, 1)))
kernel('SpaceToBatchND', [normal(1, 2, 4, 1)],
       lambda fw, x: fw.reshape(fw.permute(fw.reshape(x, (1, 1, 2, 2, 2, 1)), (2, 4, 0, 1, 3, 5)), (4, 1, 2, 1)))
kernel('GatherV2', [normal(3, 2)], lambda fw, x: x[fw.array(integers(2, 0, 2))])
AT = integers(0, 1, 1, 0, 0, 1).reshape(3, 2)
APART = integers(0, 1, 1, 0).reshape(2, 2)
kernel('GatherNd', [normal(2, 3)], lambda fw, x: fw.gather_nd(x, fw.array(AT)))
kernel('ScatterNd', [normal(3)], lambda fw, x: fw.scatter_nd(fw.array(AT), x, (2, 3)))
kernel('TensorScatterUpdate', [normal(2, 3), normal(2)], lambda fw, x, u: fw.put(x, fw.array(APART), u))
kernel('UnsortedSegmentSum', [normal(4, 2)], lambda fw, x: fw.segment_sum(x, fw.array(integers(1, 0, 2, 1)), 3))
kernel('TopK', [distinct(2, 5)], lambda fw, x: fw.top_k(x, 3)[0])
