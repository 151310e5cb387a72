"""Derivatives of scalar functions to fourth order, and mixed partial derivatives."""

from case import case, values

CENTRE = values(-1.5, -0.625, 0.25, 0.875, 2.0)
POSITIVE = values(0.375, 0.75, 1.25, 2.5, 4.0)
INSIDE = values(-0.75, -0.375, 0.125, 0.5, 0.6875)

ONE_VARIABLE = {
    'sin': (lambda fw, x: fw.sin(x), CENTRE),
    'cos': (lambda fw, x: fw.cos(x), CENTRE),
    'tan': (lambda fw, x: fw.tan(x), INSIDE),
    'sinh': (lambda fw, x: fw.sinh(x), CENTRE),
    'cosh': (lambda fw, x: fw.cosh(x), CENTRE),
    'tanh': (lambda fw, x: fw.tanh(x), CENTRE),
    'asin': (lambda fw, x: fw.arcsin(x), INSIDE),
    'acos': (lambda fw, x: fw.arccos(x), INSIDE),
    'atan': (lambda fw, x: fw.arctan(x), CENTRE),
    'asinh': (lambda fw, x: fw.arcsinh(x), CENTRE),
    'acosh': (lambda fw, x: fw.arccosh(x), values(1.5, 1.75, 2.0, 3.0, 5.0)),
    'atanh': (lambda fw, x: fw.arctanh(x), INSIDE),
    'exp': (lambda fw, x: fw.exp(x), CENTRE),
    'expm1': (lambda fw, x: fw.expm1(x), CENTRE),
    'log': (lambda fw, x: fw.log(x), POSITIVE),
    'log1p': (lambda fw, x: fw.log1p(x), POSITIVE),
    'sqrt': (lambda fw, x: fw.sqrt(x), POSITIVE),
    'rsqrt': (lambda fw, x: fw.rsqrt(x), POSITIVE),
    'reciprocal': (lambda fw, x: fw.reciprocal(x), CENTRE),
    'square': (lambda fw, x: fw.square(x), CENTRE),
    'sigmoid': (lambda fw, x: fw.sigmoid(x), CENTRE),
    'softplus': (lambda fw, x: fw.softplus(x), CENTRE),
    'erf': (lambda fw, x: fw.erf(x), CENTRE),
    'relu': (lambda fw, x: fw.relu(x) * x * x, CENTRE),
    'relu6': (lambda fw, x: fw.relu6(5 * x) * fw.sin(x), CENTRE),
    'leakyRelu': (lambda fw, x: fw.leaky_relu(x, 0.25) * fw.sin(x), CENTRE),
    'elu': (lambda fw, x: fw.elu(x), CENTRE),
    'selu': (lambda fw, x: fw.selu(x), CENTRE),
    'abs': (lambda fw, x: fw.abs(x) * x * x, CENTRE),
    'clip': (lambda fw, x: fw.clip(x, -1, 1) * fw.sin(x), CENTRE),
    'mod': (lambda fw, x: fw.remainder(x, fw.array(0.75)) * x * x, CENTRE),
    'round': (lambda fw, x: fw.round(x) * fw.sin(x), CENTRE),
    'integer power': (lambda fw, x: x**3 - 2 * x**2 + x, CENTRE),
    'real power': (lambda fw, x: fw.pow(x, fw.array(2.5)), POSITIVE),
    'x·exp(x)': (lambda fw, x: x * fw.exp(x), CENTRE),
    'x^x': (lambda fw, x: fw.pow(x, x), POSITIVE),
    'exp(sin(x))': (lambda fw, x: fw.exp(fw.sin(x)), CENTRE),
    # Far from 0, where terms in 1/x⁵ would cancel: float32 has no digits to spare.
    'sin(x)/x': (lambda fw, x: fw.sin(x) / x, values(-4, -2.5, 1.5, 2, 3)),
    'sin(1/x)': (lambda fw, x: fw.sin(1 / x), POSITIVE),
    'log(cosh(x))': (lambda fw, x: fw.log(fw.cosh(x)), CENTRE),
    'gelu': (lambda fw, x: 0.5 * x * (1 + fw.erf(x * 0.5**0.5)), CENTRE),
    'silu': (lambda fw, x: x * fw.sigmoid(x), CENTRE),
    'mish': (lambda fw, x: x * fw.tanh(fw.softplus(x)), CENTRE),
    '1/(1+x²)': (lambda fw, x: 1 / (1 + x * x), CENTRE),
    'exp(-x²)': (lambda fw, x: fw.exp(-x * x), CENTRE),
    'log(1+exp(x))': (lambda fw, x: fw.log(1 + fw.exp(x)), CENTRE),
    'tanh(tanh(x))': (lambda fw, x: fw.tanh(fw.tanh(x)), CENTRE),
    'atan2(x,2-x)': (lambda fw, x: fw.arctan2(x, 2 - x), CENTRE),
}


def orders(fw, f, x, highest):
    """[f, f′, f″, …] at every element of x."""
    results = []
    for _ in range(highest + 1):
        results.append(fw.vmap(f)(x))
        f = fw.grad(f)
    return results


def one_variable(name, function, points):
    @case(f'derivatives/{name}', lambda draw: {'x': points})
    def run(fw, x):
        return orders(fw, lambda t: function(fw, t), x, 4)


for name, (function, points) in ONE_VARIABLE.items():
    one_variable(name, function, points)

TWO_VARIABLES = {
    'x^y': lambda fw, x, y: fw.pow(x, y),
    'x/y': lambda fw, x, y: x / y,
    'atan2': lambda fw, x, y: fw.arctan2(x, y),
    'squared difference': lambda fw, x, y: fw.square(x - y) * x,
    'hypotenuse': lambda fw, x, y: fw.sqrt(x * x + y * y),
    'exp(xy)·sin(y)': lambda fw, x, y: fw.exp(x * y / 2) * fw.sin(y),
    'maximum': lambda fw, x, y: fw.maximum(x * x, y) * fw.minimum(x, y * y),
    'where': lambda fw, x, y: fw.where(x > y, x * x * y, fw.sin(x) * y * y),
}


def two_variables(name, function):
    @case(f'partials/{name}', lambda draw: {'x': values(0.5, 1.5, 2.25), 'y': values(1.25, 0.75, 1.875)})
    def run(fw, x, y):
        def partial(*argnums):
            f = lambda a, b: function(fw, a, b)
            for argnum in argnums:
                f = fw.grad(f, argnum)
            return fw.vmap(f)(x, y)

        return {'x': partial(0), 'y': partial(1), 'xx': partial(0, 0), 'xy': partial(0, 1),
                'yx': partial(1, 0), 'yy': partial(1, 1), 'xxy': partial(0, 0, 1), 'yxy': partial(1, 0, 1)}


for name, function in TWO_VARIABLES.items():
    two_variables(name, function)
