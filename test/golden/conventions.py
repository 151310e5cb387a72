"""Points without a derivative: kinks and ties, where each framework picks a member of the subdifferential."""

from case import case, values

def at(name, points, function, differs=None):
    @case(f'kink/{name}', lambda draw: {'x': points}, differs)
    def run(fw, x):
        f = lambda t: function(fw, t)
        return [fw.vmap(fw.grad(f))(x), fw.vmap(fw.jacfwd(f))(x)]


at('abs at 0', values(0, 1, -1), lambda fw, x: fw.abs(x),
   differs='torch.func takes 0, the middle of the subdifferential; JAX takes 1')
at('relu at 0', values(0, 1, -1), lambda fw, x: fw.relu(x))
at('relu6 at 0 and 6', values(0, 6, 3, 7), lambda fw, x: fw.relu6(x))
at('elu at 0', values(0, 1, -1), lambda fw, x: fw.elu(x))
at('selu at 0', values(0, 1, -1), lambda fw, x: fw.selu(x))
at('leaky relu at 0', values(0, 1, -1), lambda fw, x: fw.leaky_relu(x, 0.25),
   differs='torch.func takes the slope of the left side at 0, JAX that of the right')
at('clip at its bounds', values(-1, 0, 1, 2), lambda fw, x: fw.clip(x, -1, 1),
   differs='torch.func takes 0 at the bounds; JAX takes 1/2, from a maximum and a minimum')
at('maximum(x, 0) at 0', values(0, 1, -1), lambda fw, x: fw.maximum(x, fw.zeros_like(x)))
at('maximum(x, x)', values(0, 1, -1), lambda fw, x: fw.maximum(x, x))
at('minimum(x, x²) where they meet', values(0, 1, 2), lambda fw, x: fw.minimum(x, x * x))
at('sign and step', values(0, 1, -1), lambda fw, x: fw.sign(x) * x)
at('floor, ceiling and round', values(0, 1, 0.5), lambda fw, x: fw.floor(x) + fw.ceil(x) + fw.round(x))
at('remainder at a multiple', values(0, 1, 1.5), lambda fw, x: fw.remainder(x, fw.array(0.5)))
at('square root at 0', values(0, 1), lambda fw, x: fw.sqrt(x))
at('x² and x³ at 0', values(0, 1), lambda fw, x: x**2 + x**3)
at('power with exponent 0', values(0, 1, 2), lambda fw, x: fw.pow(x, fw.zeros_like(x)),
   differs='at 0 to the power 0 torch.func gives 0, JAX 0·∞ = NaN')
at('norm at the origin', values(0, 3), lambda fw, x: fw.sqrt(fw.sum(x * x)))


@case('tie/max of equal values', lambda draw: {'x': values(1, 3, 3, 2, 2, 2).reshape(2, 3)})
def _(fw, x):
    f = lambda a: fw.reduce_max(a)
    return [fw.vmap(fw.grad(f))(x), fw.vmap(fw.jacfwd(f))(x)]


@case('tie/min along an axis', lambda draw: {'x': values(1, 3, 1, 2, 2, 5).reshape(2, 3), 'ct': draw.normal(2)})
def _(fw, x, ct):
    return fw.grad(lambda a: fw.sum(fw.amin(a, axis=1) * ct))(x)


@case('tie/max pooling', lambda draw: {'x': values(1, 1, 0, 2, 1, 1, 2, 0).reshape(1, 2, 4, 1)})
def _(fw, x):
    return fw.grad(lambda a: fw.sum(fw.max_pool(a, 2, 2)))(x)


@case('tie/largest values', lambda draw: {'x': values(1, 3, 3, 2)})
def _(fw, x):
    return fw.grad(lambda a: fw.sum(fw.top_k(a, 2)[0] * fw.array(values(1, 2))))(x)


@case('indicator/gradient through a mask is zero', lambda draw: {'x': values(-1, 0.5, 2)})
def _(fw, x):
    def f(a):
        return fw.where(a > 0, fw.ones_like(a), fw.zeros_like(a)) * a

    return fw.vmap(fw.grad(f))(x)


@case('unused/an argument without influence has gradient zero', lambda draw: {'x': draw.normal(3), 'y': draw.normal(2)})
def _(fw, x, y):
    return list(fw.grad(lambda a, b: fw.sum(fw.sin(a)), (0, 1))(x, y))
