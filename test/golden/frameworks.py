"""torch.func and JAX behind one set of names, so that each golden case is written once.

Only what the two spell differently stands here; every other name (`sin`, `einsum`, `where`, …) goes
straight to `torch` or `jax.numpy`. Images are NHWC and filters HWIO, as in tfjs; axes are called `axis`.
"""

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

jax.config.update('jax_enable_x64', True)
jax.config.update('jax_platforms', 'cpu')
torch.set_default_dtype(torch.float64)


def tree_map(f, tree):
    if isinstance(tree, dict):
        return {key: tree_map(f, value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [tree_map(f, value) for value in tree]
    return f(tree)


def double(array):
    """Floats are computed in double precision; integers and booleans stay what they are."""
    array = np.asarray(array)
    return array.astype(np.float64) if array.dtype.kind == 'f' else array


def same_padding(size, window, stride, dilation=1):
    """TensorFlow's 'same': the odd element goes to the end."""
    span = (window - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


def paddings(pad, image, window, stride, dilation=1):
    if pad == 'valid':
        return ((0, 0), (0, 0))
    return tuple(same_padding(n, k, stride, dilation) for n, k in zip(image, window))


class Jax:
    name = 'jax'

    def __getattr__(self, name):
        return getattr(jnp, name)

    def array(self, value):
        return jnp.asarray(double(value))

    def numpy(self, value):
        return np.asarray(value)

    def grad(self, f, argnums=0, has_aux=False):
        return jax.grad(f, argnums, has_aux=has_aux)

    def grad_and_value(self, f, argnums=0):
        run = jax.value_and_grad(f, argnums)
        return lambda *args: run(*args)[::-1]

    def vmap(self, f, in_dims=0, out_dims=0):
        return jax.vmap(f, in_dims, out_dims)

    def vjp(self, f, *primals):
        return jax.vjp(f, *primals)

    def jvp(self, f, primals, tangents):
        return jax.jvp(f, tuple(primals), tuple(tangents))

    def jacrev(self, f, argnums=0):
        return jax.jacrev(f, argnums)

    def jacfwd(self, f, argnums=0):
        return jax.jacfwd(f, argnums)

    def hessian(self, f, argnums=0):
        return jax.hessian(f, argnums)

    def custom(self, forward, backward):
        """`forward(x)` whose cotangent of `dy` is `backward(x, dy)`, linear in `dy`, elementwise."""
        function = jax.custom_jvp(forward)
        function.defjvp(lambda x, t: (function(*x), backward(*x, *t)))  # itself: the rule holds to any order
        return function

    jit = staticmethod(jax.jit)
    eval_shape = staticmethod(jax.eval_shape)
    stop_gradient = staticmethod(jax.lax.stop_gradient)
    complex = staticmethod(jax.lax.complex)
    erf = staticmethod(jax.scipy.special.erf)
    sigmoid = staticmethod(jax.nn.sigmoid)
    softplus = staticmethod(jax.nn.softplus)
    relu = staticmethod(jax.nn.relu)
    relu6 = staticmethod(jax.nn.relu6)
    elu = staticmethod(jax.nn.elu)
    selu = staticmethod(jax.nn.selu)
    softmax = staticmethod(jax.nn.softmax)
    log_softmax = staticmethod(jax.nn.log_softmax)
    logsumexp = staticmethod(jax.scipy.special.logsumexp)
    permute = staticmethod(jnp.transpose)
    reduce_max = staticmethod(jnp.max)
    rsqrt = staticmethod(jax.lax.rsqrt)

    def leaky_relu(self, x, slope):
        return jax.nn.leaky_relu(x, slope)

    def pad(self, x, widths, mode='constant', value=0.0):
        if mode == 'constant':
            return jnp.pad(x, widths, constant_values=value)
        return jnp.pad(x, widths, mode=mode)

    def top_k(self, x, k):
        return jax.lax.top_k(x, k)

    def one_hot(self, index, depth):
        return jax.nn.one_hot(index, depth)

    def segment_sum(self, x, ids, count):
        return jax.ops.segment_sum(x, ids, count)

    def gather_nd(self, x, indices):
        return x[tuple(indices[..., i] for i in range(indices.shape[-1]))]

    def scatter_nd(self, indices, updates, shape):
        return jnp.zeros(shape).at[tuple(indices[..., i] for i in range(indices.shape[-1]))].add(updates)

    def conv2d(self, x, w, stride=1, pad='valid', dilation=1, groups=1):
        pads = paddings(pad, x.shape[1:3], w.shape[:2], stride, dilation)
        return jax.lax.conv_general_dilated(
            x, w, (stride, stride), pads, rhs_dilation=(dilation, dilation),
            dimension_numbers=('NHWC', 'HWIO', 'NHWC'), feature_group_count=groups)

    def conv3d(self, x, w, stride=1, pad='valid', dilation=1):
        pads = paddings(pad, x.shape[1:4], w.shape[:3], stride, dilation)
        pads = pads if len(pads) == 3 else ((0, 0),) * 3
        return jax.lax.conv_general_dilated(
            x, w, (stride,) * 3, pads, rhs_dilation=(dilation,) * 3, dimension_numbers=('NDHWC', 'DHWIO', 'NDHWC'))

    def max_pool3d(self, x, window, stride):
        sizes, strides = (1, *(window,) * 3, 1), (1, *(stride,) * 3, 1)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, sizes, strides, 'VALID')

    def avg_pool3d(self, x, window, stride):
        sizes, strides = (1, *(window,) * 3, 1), (1, *(stride,) * 3, 1)
        return jax.lax.reduce_window(x, 0.0, jax.lax.add, sizes, strides, 'VALID') / window**3

    def resize_nearest(self, x, height, width):
        return jax.image.resize(x, (x.shape[0], height, width, x.shape[3]), 'nearest')

    def resize_bilinear(self, x, height, width):
        return jax.image.resize(x, (x.shape[0], height, width, x.shape[3]), 'bilinear', antialias=False)

    def put(self, x, at, values):
        return x.at[tuple(at[..., i] for i in range(at.shape[-1]))].set(values)

    def _window(self, x, init, reducer, window, stride, pads):
        return jax.lax.reduce_window(
            x, init, reducer, (1, window, window, 1), (1, stride, stride, 1), ((0, 0), *pads, (0, 0)))

    def max_pool(self, x, window, stride, pad='valid'):
        pads = paddings(pad, x.shape[1:3], (window, window), stride)
        return self._window(x, -jnp.inf, jax.lax.max, window, stride, pads)

    def avg_pool(self, x, window, stride, pad='valid'):
        pads = paddings(pad, x.shape[1:3], (window, window), stride)
        total = self._window(x, 0.0, jax.lax.add, window, stride, pads)
        return total / self._window(jnp.ones_like(x), 0.0, jax.lax.add, window, stride, pads)


def nchw(x):
    return torch.permute(x, (0, 3, 1, 2))


def nhwc(x):
    return torch.permute(x, (0, 2, 3, 1))


def flat_pads(pads):
    (top, bottom), (left, right) = pads
    return (left, right, top, bottom)


class Torch:
    name = 'torch'

    def __getattr__(self, name):
        return getattr(torch, name)

    def array(self, value):
        return torch.from_numpy(np.array(double(value)))

    def numpy(self, value):
        return value.detach().numpy(force=True)

    def grad(self, f, argnums=0, has_aux=False):
        return torch.func.grad(f, argnums, has_aux=has_aux)

    def grad_and_value(self, f, argnums=0):
        return torch.func.grad_and_value(f, argnums)

    def vmap(self, f, in_dims=0, out_dims=0):
        return torch.func.vmap(f, in_dims, out_dims)

    def vjp(self, f, *primals):
        return torch.func.vjp(f, *primals)

    def jvp(self, f, primals, tangents):
        return torch.func.jvp(f, tuple(primals), tuple(tangents))

    def jacrev(self, f, argnums=0):
        return torch.func.jacrev(f, argnums)

    def jacfwd(self, f, argnums=0):
        return torch.func.jacfwd(f, argnums)

    def hessian(self, f, argnums=0):
        return torch.func.hessian(f, argnums)

    def custom(self, forward, backward):
        class Custom(torch.autograd.Function):
            generate_vmap_rule = True

            @staticmethod
            def forward(x):
                return forward(x)

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)
                ctx.save_for_forward(*inputs)

            @staticmethod
            def backward(ctx, dy):
                return backward(*ctx.saved_tensors, dy)

            @staticmethod
            def jvp(ctx, tangent):
                return backward(*ctx.saved_tensors, tangent)

        return Custom.apply

    def jit(self, f):
        return f

    def stop_gradient(self, x):
        return x.detach()

    softplus = staticmethod(F.softplus)
    relu6 = staticmethod(F.relu6)
    elu = staticmethod(F.elu)
    reduce_max = staticmethod(torch.amax)

    def leaky_relu(self, x, slope):
        return F.leaky_relu(x, slope)

    def flip(self, x, axis):
        return torch.flip(x, (axis,))

    def pad(self, x, widths, mode='constant', value=0.0):
        pads = [side for pair in reversed(widths) for side in pair]
        if mode == 'constant':
            return F.pad(x, pads, value=value)
        if mode == 'symmetric':  # torch has none: glue mirrored slices on
            for axis, (before, after) in enumerate(widths):
                mirrored, size = torch.flip(x, (axis,)), x.shape[axis]
                x = torch.cat([mirrored.narrow(axis, size - before, before), x,
                               mirrored.narrow(axis, 0, after)], axis)
            return x
        return F.pad(x[None], pads, mode='reflect')[0]

    def top_k(self, x, k):
        return torch.topk(x, k)

    def one_hot(self, index, depth):
        return (index[..., None] == torch.arange(depth)).double()  # F.one_hot reads values: vmap refuses

    def segment_sum(self, x, ids, count):
        return torch.zeros((count, *x.shape[1:])).index_add(0, ids, x)

    def gather_nd(self, x, indices):
        return x[tuple(indices[..., i] for i in range(indices.shape[-1]))]

    def scatter_nd(self, indices, updates, shape):
        at = tuple(indices[..., i] for i in range(indices.shape[-1]))
        return torch.zeros(shape).index_put(at, updates, accumulate=True)

    def conv2d(self, x, w, stride=1, pad='valid', dilation=1, groups=1):
        pads = paddings(pad, x.shape[1:3], w.shape[:2], stride, dilation)
        padded = F.pad(nchw(x), flat_pads(pads))
        return nhwc(F.conv2d(padded, torch.permute(w, (3, 2, 0, 1)), stride=stride,
                             dilation=dilation, groups=groups))

    def max_pool(self, x, window, stride, pad='valid'):
        pads = paddings(pad, x.shape[1:3], (window, window), stride)
        padded = F.pad(nchw(x), flat_pads(pads), value=-torch.inf)
        return nhwc(F.max_pool2d(padded, window, stride))

    def avg_pool(self, x, window, stride, pad='valid'):
        pads = flat_pads(paddings(pad, x.shape[1:3], (window, window), stride))
        total = F.avg_pool2d(F.pad(nchw(x), pads), window, stride)
        share = F.avg_pool2d(F.pad(torch.ones_like(nchw(x)), pads), window, stride)
        return nhwc(total / share)

    def conv3d(self, x, w, stride=1, pad='valid', dilation=1):
        if pad != 'valid':
            pads = paddings(pad, x.shape[1:4], w.shape[:3], stride, dilation)
            x = F.pad(x, (0, 0, *(side for pair in reversed(pads) for side in pair)))
        images, filters = torch.permute(x, (0, 4, 1, 2, 3)), torch.permute(w, (4, 3, 0, 1, 2))
        return torch.permute(F.conv3d(images, filters, stride=stride, dilation=dilation), (0, 2, 3, 4, 1))

    def _volumes(self, pool, x, window, stride):
        return torch.permute(pool(torch.permute(x, (0, 4, 1, 2, 3)), window, stride), (0, 2, 3, 4, 1))

    def max_pool3d(self, x, window, stride):
        return self._volumes(F.max_pool3d, x, window, stride)

    def avg_pool3d(self, x, window, stride):
        return self._volumes(F.avg_pool3d, x, window, stride)

    def resize_nearest(self, x, height, width):
        return nhwc(F.interpolate(nchw(x), (height, width), mode='nearest-exact'))

    def resize_bilinear(self, x, height, width, align_corners=False):
        return nhwc(F.interpolate(nchw(x), (height, width), mode='bilinear', align_corners=align_corners))

    def put(self, x, at, values):
        return x.index_put(tuple(at[..., i] for i in range(at.shape[-1])), values)
