"""Complex numbers. JAX's gradients are the conjugates of PyTorch's, which this library follows; tangents are the same in all."""

from case import case

CONJUGATE = 'torch.func gives ∂L/∂x + i·∂L/∂y, JAX its conjugate'


def parts(draw, *shape):
    return {'x': draw.normal(*shape), 'y': draw.normal(*shape)}


def split(fw, tree):
    """Real and imaginary parts, for golden values are real."""
    if isinstance(tree, (list, tuple)):
        return [split(fw, part) for part in tree]
    return [fw.real(tree), fw.imag(tree)]


def absolute(fw, z):
    return fw.sum(fw.abs(z))


def gradient(name, loss, shape=(3,)):
    """Gradient of a real loss, and its derivative along (1 + 2i)·z: Hessian times vector."""

    @case(f'gradient/{name}', lambda draw: parts(draw, *shape), CONJUGATE)
    def run(fw, x, y):
        z = fw.complex(x, y)
        g = fw.grad(lambda z: loss(fw, z))
        _, along = fw.jvp(g, (z,), (z * (1 + 2j),))
        return split(fw, [g(z), along])


gradient('squared magnitude', lambda fw, z: fw.sum(fw.real(z) ** 2 + 3 * fw.imag(z) ** 2))
gradient('magnitude', absolute)
gradient('real part of a polynomial', lambda fw, z: fw.sum(fw.real((2 - 1j) * z * z * z)))
gradient('imaginary part of a quotient', lambda fw, z: fw.sum(fw.imag((1 + 2j) / z)))
gradient('magnitude of a product', lambda fw, z: absolute(fw, z * z + z))
gradient('spectrum', lambda fw, z: fw.sum(fw.log(1 + fw.abs(fw.fft.fft(z)) ** 2)), (6,))
gradient('inverse transform', lambda fw, z: fw.sum(fw.abs(fw.fft.ifft(z * z))), (5,))
gradient('matrix product', lambda fw, z: absolute(fw, fw.matmul(z, fw.permute(z, (1, 0)))), (2, 3))
gradient('sum of a broadcast product', lambda fw, z: fw.abs(fw.sum(z[:, None] * z[None, :] ** 2)))


def holomorphic(name, f, shapes=((3,), (3,))):
    """Pullback of a complex cotangent, and tangent along (w, z)."""

    def inputs(draw):
        first, second = (parts(draw, *shape) for shape in shapes)
        return {**first, 'u': second['x'], 'v': second['y']}

    @case(f'pullback/{name}', inputs, CONJUGATE)
    def run(fw, x, y, u, v):
        z, w = fw.complex(x, y), fw.complex(u, v)
        out, pullback = fw.vjp(lambda z, w: f(fw, z, w), z, w)
        return split(fw, [out, *pullback(out * (0.5 - 1j))])

    @case(f'tangent/{name}', inputs)
    def tangent(fw, x, y, u, v):
        z, w = fw.complex(x, y), fw.complex(u, v)
        return split(fw, list(fw.jvp(lambda z, w: f(fw, z, w), (z, w), (z * 1j, w * (2 - 1j)))))


holomorphic('product', lambda fw, z, w: z * w)
holomorphic('quotient', lambda fw, z, w: z / w)
holomorphic('outer sum', lambda fw, z, w: (2 - 1j) * z[:, None] - 1j * w[None, :], ((3,), (2,)))
holomorphic('matrix product', lambda fw, z, w: fw.matmul(z, w), ((2, 3), (3, 2)))
holomorphic('einsum', lambda fw, z, w: fw.einsum('ij,jk->ki', z, w), ((2, 3), (3, 2)))
holomorphic('Fourier transform of a product', lambda fw, z, w: fw.fft.fft(z * w), ((4,), (4,)))
holomorphic('inverse Fourier transform', lambda fw, z, w: fw.fft.ifft(z - w), ((5,), (5,)))


@case('real/hessian of a spectral loss', lambda draw: {'x': draw.normal(5), 'target': draw.uniform(0.5, 2, 5)})
def _(fw, x, target):
    def loss(x):
        spectrum = fw.fft.fft(fw.complex(x, fw.zeros_like(x)))
        return fw.sum((fw.abs(spectrum) - target) ** 2)

    return [fw.grad(loss)(x), fw.hessian(loss)(x)]


@case('real/a real factor has a real gradient', lambda draw: {'s': draw.normal(3), **parts(draw, 3)})
def _(fw, s, x, y):
    z = fw.complex(x, y)
    return fw.grad(lambda s: fw.sum(fw.real(z * z * s) * s))(s)


@case('real/per-example gradients of a spectral loss', lambda draw: {'x': draw.normal(4, 6)})
def _(fw, x):
    def loss(x):
        spectrum = fw.fft.fft(fw.complex(x, x * x))
        return fw.sum(fw.log(1 + fw.abs(spectrum)))

    return fw.vmap(fw.grad(loss))(x)
