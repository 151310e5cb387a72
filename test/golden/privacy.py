"""Writes privacy.json: golden values for the privacy accountant of demos/dp-mnist.

    python -m venv .cache/privacy
    .cache/privacy/bin/pip install dp-accounting==0.6.0
    .cache/privacy/bin/pip install --no-deps opacus==1.6.0
    .cache/privacy/bin/python -B test/golden/privacy.py

Three references: the definition of the Rényi divergence, integrated by mpmath with 40 digits; Opacus; and TensorFlow
Privacy's accountant (dp-accounting). At integer orders all agree. At fractional ones dp-accounting adds the absolute
values of a series whose signs alternate, which gives an upper bound; so its epsilon is taken over integer orders.
"""

import importlib.metadata
import importlib.util
import json
import warnings
from pathlib import Path

import dp_accounting
import mpmath
from dp_accounting.rdp import rdp_privacy_accountant as dp_rdp

mpmath.mp.dps = 40


def opacus_rdp():
    """Opacus's module for RDP alone: importing the package would need PyTorch."""
    package = Path(importlib.util.find_spec('opacus').origin).parent
    spec = importlib.util.spec_from_file_location('rdp', package / 'accountants' / 'analysis' / 'rdp.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


opacus = opacus_rdp()


def exact_rdp(q, sigma, order):
    """log(E[((1 - q) + q exp((2z - 1) / 2 sigma^2))^order]) / (order - 1) over z ~ N(0, sigma^2), with z = sigma u."""
    q, sigma, order = (mpmath.mpf(value) for value in (q, sigma, order))

    def integrand(u):
        ratio = 1 - q + q * mpmath.exp((2 * sigma * u - 1) / (2 * sigma**2))
        return mpmath.npdf(u) * ratio**order

    ends = [mpmath.mpf(u) for u in range(-22, int(order / sigma) + 24)]
    return float(mpmath.log(mpmath.quad(integrand, ends, method='gauss-legendre')) / (order - 1))


MECHANISMS = [(1e-6, 0.8), (0.001, 4), (0.01, 1), (0.0625, 1), (0.1, 10), (0.2, 0.5), (0.5, 0.3), (0.9, 2), (1, 1.5)]
ORDERS = [1.1, 1.5, 2, 2.75, 3.6, 10, 10.9, 20.5, 63]

# (sampling rate, noise multiplier, steps, delta)
RUNS = [
    (0.0625, 1, 1, 1e-4),
    (0.0625, 1, 320, 1e-4),
    (512 / 9000, 1.1, 352, 1e-4),
    (256 / 60000, 1.1, 60 * 234, 1e-5),
    (0.01, 4, 10000, 1e-5),
    (0.001, 20, 3, 1e-6),
    (0.2, 0.6, 50, 1e-3),
    (1, 8, 100, 1e-5),
]
INTEGER_ORDERS = list(range(2, 64)) + [128, 256, 512, 1024]


def rdp_case(q, sigma, order):
    exact = exact_rdp(q, sigma, order)
    theirs = opacus.compute_rdp(q=q, noise_multiplier=sigma, steps=1, orders=[order])[0]
    # Opacus sums logarithms near 0: its error is of the order of rounding, which a tiny divergence does not survive.
    assert abs(theirs - exact) <= 1e-9 * exact + 1e-11, (q, sigma, order, exact, theirs)
    return {'samplingRate': q, 'noiseMultiplier': sigma, 'order': order, 'rdp': exact}


def epsilon_case(q, sigma, steps, delta):
    accountant = dp_rdp.RdpAccountant(INTEGER_ORDERS)
    accountant.compose(dp_accounting.PoissonSampledDpEvent(q, dp_accounting.GaussianDpEvent(sigma)), steps)
    rdp = opacus.compute_rdp(q=q, noise_multiplier=sigma, steps=steps, orders=dp_rdp.DEFAULT_RDP_ORDERS)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # "optimal order is the largest": so it is where epsilon is tiny
        epsilon, order = opacus.get_privacy_spent(orders=dp_rdp.DEFAULT_RDP_ORDERS, rdp=rdp, delta=delta)
    return {
        'samplingRate': q,
        'noiseMultiplier': sigma,
        'steps': steps,
        'delta': delta,
        'dpAccounting': float(accountant.get_epsilon(delta)),
        'opacus': {'epsilon': float(epsilon), 'order': float(order)},
    }


def main():
    golden = {
        'versions': {name: importlib.metadata.version(name) for name in ('dp-accounting', 'opacus', 'mpmath')},
        'defaultOrders': [float(order) for order in dp_rdp.DEFAULT_RDP_ORDERS],
        'integerOrders': INTEGER_ORDERS,
        'rdp': [rdp_case(q, sigma, order) for q, sigma in MECHANISMS for order in ORDERS],
        'epsilon': [epsilon_case(*run) for run in RUNS],
    }
    Path(__file__).with_suffix('.json').write_text(json.dumps(golden, indent=1) + '\n')


if __name__ == '__main__':
    main()
