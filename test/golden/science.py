"""Programs people write with transforms: meta-learning, molecules, differential equations, sampling."""

from case import case, values


def predict(fw, p, x):
    return fw.matmul(fw.tanh(fw.matmul(x, p['w1']) + p['b1']), p['w2']) + p['b2']


def regressor(draw):
    return {'w1': draw.normal(1, 5), 'b1': draw.normal(5), 'w2': draw.normal(5, 1), 'b2': draw.normal(1)}


def maml_inputs(draw):
    return {'p': regressor(draw), 'x': draw.uniform(-2, 2, 3, 4, 1), 'y': draw.normal(3, 4, 1),
            'qx': draw.uniform(-2, 2, 3, 4, 1), 'qy': draw.normal(3, 4, 1)}


def maml(steps):
    @case(f'maml/{steps} inner steps', maml_inputs)
    def _(fw, p, x, y, qx, qy):
        mse = lambda q, a, b: fw.mean((predict(fw, q, a) - b) ** 2)

        def task(params, a, b, c, d):
            for _ in range(steps):
                gradient = fw.grad(mse)(params, a, b)
                params = {k: params[k] - 0.125 * gradient[k] for k in params}
            return mse(params, c, d)

        def meta(params):
            return fw.mean(fw.vmap(task, (None, 0, 0, 0, 0))(params, x, y, qx, qy))

        per_task = fw.vmap(fw.grad(task), (None, 0, 0, 0, 0))(p, x, y, qx, qy)
        return {'loss': meta(p), 'gradient': fw.grad(meta)(p), 'per task': per_task}


maml(1)
maml(3)


def lennard_jones(fw, positions):
    """Of five particles, every pair once, without a distance of a particle to itself."""
    first, second = [], []
    for i in range(5):
        for j in range(i):
            first.append(i)
            second.append(j)
    gaps = fw.stack([positions[i] - positions[j] for i, j in zip(first, second)])
    inverse6 = 1 / fw.sum(gaps**2, axis=1) ** 3
    return 4 * fw.sum(inverse6**2 - inverse6)


def particles(draw, *shape):
    base = values(0, 0, 0, 1.25, 0, 0, 0, 1.25, 0, 0, 0, 1.25, 1.25, 1.125, 1).reshape(5, 3)
    return base + draw.normal(*shape, 5, 3, scale=0.06)


@case('lennard-jones/energy, forces, Hessian and its products', lambda draw: {
    'x': particles(draw), 'v': draw.normal(5, 3)})
def _(fw, x, v):
    energy = lambda r: lennard_jones(fw, r)
    force = lambda r: -fw.grad(energy)(r)
    return {'energy': energy(x), 'forces': force(x), 'product': fw.jvp(force, (x,), (v,))[1],
            'hessian': fw.hessian(energy)(x)}


@case('lennard-jones/forces of a batch of configurations', lambda draw: {
    'x': particles(draw, 3), 'v': draw.normal(3, 5, 3)})
def _(fw, x, v):
    energy = lambda r: lennard_jones(fw, r)
    force = lambda r: -fw.grad(energy)(r)
    return [fw.vmap(force)(x), fw.vmap(lambda r, t: fw.jvp(force, (r,), (t,))[1])(x, v)]


@case('lennard-jones/all pairs with a masked diagonal', lambda draw: {'x': particles(draw)})
def _(fw, x):
    def energy(r):
        diagonal = fw.eye(5)
        square = fw.sum((r[:, None] - r[None]) ** 2, axis=-1) + diagonal
        inverse6 = (1 - diagonal) / square**3
        return 2 * fw.sum(inverse6**2 - inverse6)

    return [energy(x), fw.grad(energy)(x), fw.jvp(fw.grad(energy), (x,), (x,))[1]]


@case('differential equation/residual of a network, trained through two derivatives', lambda draw: {
    'p': regressor(draw), 't': draw.uniform(0, 2, 6)})
def _(fw, p, t):
    def loss(params):
        u = lambda s: fw.sum(predict(fw, params, fw.reshape(s, (1, 1))))
        residual = lambda s: fw.grad(fw.grad(u))(s) + u(s) * fw.grad(u)(s)
        return fw.mean(fw.vmap(residual)(t) ** 2)

    return {'loss': loss(p), 'gradient': fw.grad(loss)(p)}


@case('differential equation/heat equation of a network in two variables', lambda draw: {
    'w1': draw.normal(2, 5), 'w2': draw.normal(5), 'x': draw.normal(4), 't': draw.normal(4)})
def _(fw, w1, w2, x, t):
    def residual(a, b, s, z):
        u = lambda s_, z_: fw.sum(fw.tanh(fw.matmul(fw.stack([s_, z_]), a)) * b)
        return fw.grad(u, 1)(s, z) - 0.5 * fw.grad(fw.grad(u, 0), 0)(s, z)

    loss = lambda a, b: fw.mean(fw.vmap(residual, (None, None, 0, 0))(a, b, x, t) ** 2)
    return list(fw.grad(loss, (0, 1))(w1, w2))


@case('differential equation/Runge-Kutta steps, sensitivity to state and parameters', lambda draw: {
    'y': draw.uniform(0.5, 1.5, 3, 2), 'k': draw.uniform(0.5, 1, 4)})
def _(fw, y, k):
    def field(s, c):
        return fw.stack([c[0] * s[0] - c[1] * s[0] * s[1], c[2] * s[0] * s[1] - c[3] * s[1]])

    def solve(s, c):
        h = 0.125
        for _ in range(4):
            a = field(s, c)
            b = field(s + h / 2 * a, c)
            d = field(s + h / 2 * b, c)
            e = field(s + h * d, c)
            s = s + h / 6 * (a + 2 * b + 2 * d + e)
        return s

    return {'rev': list(fw.vmap(fw.jacrev(solve, (0, 1)), (0, None))(y, k)),
            'fwd': list(fw.vmap(fw.jacfwd(solve, (0, 1)), (0, None))(y, k))}


@case('mechanics/double pendulum from its Lagrangian', lambda draw: {'q': draw.normal(4, 2), 'v': draw.normal(4, 2)})
def _(fw, q, v):
    def lagrangian(s, u):
        kinetic = u[0] ** 2 + 0.5 * u[1] ** 2 + u[0] * u[1] * fw.cos(s[0] - s[1])
        return kinetic + 2 * 9.75 * fw.cos(s[0]) + 9.75 * fw.cos(s[1])

    def acceleration(s, u):
        mass = fw.hessian(lagrangian, 1)(s, u)
        force = fw.grad(lagrangian, 0)(s, u) - fw.matmul(fw.jacfwd(fw.grad(lagrangian, 1), 0)(s, u), u)
        determinant = mass[0, 0] * mass[1, 1] - mass[0, 1] * mass[1, 0]
        return fw.stack([mass[1, 1] * force[0] - mass[0, 1] * force[1],
                         mass[0, 0] * force[1] - mass[1, 0] * force[0]]) / determinant

    return fw.vmap(acceleration)(q, v)


@case('optimisation/Newton steps for a batch of starting points', lambda draw: {'x': draw.normal(5)})
def _(fw, x):
    f = lambda a: fw.log(fw.cosh(a - 1)) + a * a / 4

    def newton(a):
        for _ in range(3):
            a = a - fw.grad(f)(a) / fw.grad(fw.grad(f))(a)
        return a

    return [fw.vmap(newton)(x), fw.vmap(fw.grad(newton))(x)]


@case('optimisation/learning rate by hypergradient', lambda draw: {
    'w': draw.normal(3), 'x': draw.normal(6, 3), 'y': draw.normal(6), 'rates': draw.uniform(0.05, 0.25, 4)})
def _(fw, w, x, y, rates):
    loss = lambda v: fw.mean((fw.tanh(fw.matmul(x, v)) - y) ** 2)

    def trained(rate):
        v, momentum = w, fw.zeros_like(w)
        for _ in range(3):
            momentum = 0.5 * momentum + fw.grad(loss)(v)
            v = v - rate * momentum
        return loss(v)

    return [fw.vmap(g)(rates) for g in (trained, fw.grad(trained), fw.grad(fw.grad(trained)))]


@case('statistics/leapfrog steps of several chains', lambda draw: {'q': draw.normal(4, 2), 'p': draw.normal(4, 2)})
def _(fw, q, p):
    potential = lambda a: (1 - a[0]) ** 2 / 4 + (a[1] - a[0] ** 2) ** 2

    def step(a, b):
        for _ in range(3):
            b = b - 0.0625 * fw.grad(potential)(a)
            a = a + 0.125 * b
            b = b - 0.0625 * fw.grad(potential)(a)
        return a, b, potential(a) + fw.sum(b * b) / 2

    return list(fw.vmap(step)(q, p))


@case('statistics/log-determinant of the Jacobian of a coupling flow', lambda draw: {
    'x': draw.normal(4, 2), 'w': draw.normal(2, 3)})
def _(fw, x, w):
    def flow(a, m):
        scale = fw.tanh(fw.sum(m[0] * fw.sin(a[0] * m[1])))
        moved = a[1] * fw.exp(scale) + a[0] ** 2
        return fw.stack([a[0] + 0.25 * fw.tanh(moved), moved])

    def log_density(a, m):
        y, j = flow(a, m), fw.jacrev(flow)(a, m)
        return fw.log(fw.abs(j[0, 0] * j[1, 1] - j[0, 1] * j[1, 0])) - fw.sum(y * y) / 2

    loss = lambda m: fw.mean(fw.vmap(log_density, (0, None))(x, m))
    return [fw.vmap(log_density, (0, None))(x, w), fw.grad(loss)(w)]


@case('statistics/Fisher information of a classifier', lambda draw: {'w': draw.normal(3, 2), 'x': draw.normal(5, 3)})
def _(fw, w, x):
    def information(m):
        def scores(a):
            log_p = lambda n: fw.log_softmax(fw.matmul(a, n), axis=-1)
            jacobian = fw.reshape(fw.jacrev(log_p)(m), (2, 6))
            return fw.einsum('k,ki,kj->ij', fw.exp(log_p(m)), jacobian, jacobian)

        return fw.mean(fw.vmap(scores)(x), axis=0)

    return information(w)
