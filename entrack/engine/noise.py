"""Gaussian noise, the same on every machine: integers of Philox 4x64-10, and from these normal numbers by Wichura's
AS 241 (PPND16), in float64 by additions, multiplications, divisions and roots alone, which all machines round alike.

Source: M. J. Wichura, Algorithm AS 241: The percentage points of the normal distribution, Applied Statistics 37, 1988.
"""

from __future__ import annotations

import numpy as np

from entrack.address import address
from entrack.sites import Site

MIDDLE, TAIL = 0.425, 5.0
"""Up to here from 1/2, and up to here of the root of the logarithm, a quotient of two polynomials holds."""
NUMBERS = """
    3.3871328727963666080e0 1.3314166789178437745e2 1.9715909503065514427e3 1.3731693765509461125e4
    4.5921953931549871457e4 6.7265770927008700853e4 3.3430575583588128105e4 2.5090809287301226727e3
    1.0 4.2313330701600911252e1 6.8718700749205790830e2 5.3941960214247511077e3
    2.1213794301586595867e4 3.9307895800092710610e4 2.8729085735721942674e4 5.2264952788528545610e3
    1.42343711074968357734e0 4.63033784615654529590e0 5.76949722146069140550e0 3.64784832476320460504e0
    1.27045825245236838258e0 2.41780725177450611770e-1 2.27238449892691845833e-2 7.74545014278341407640e-4
    1.0 2.05319162663775882187e0 1.67638483018380384940e0 6.89767334985100004550e-1
    1.48103976427480074590e-1 1.51986665636164571966e-2 5.47593808499534494600e-4 1.05075007164441684324e-9
    6.65790464350110377720e0 5.46378491116411436990e0 1.78482653991729133580e0 2.96560571828504891230e-1
    2.65321895265761230930e-2 1.24266094738807843860e-3 2.71155556874348757815e-5 2.01033439929228813265e-7
    1.0 5.99832206555887937690e-1 1.36929880922735805310e-1 1.48753612908506148525e-2
    7.86869131145613259100e-4 1.84631831751005468180e-5 1.42151175831644588870e-7 2.04426310338993978564e-15
"""
"""Of eight each: numerator and denominator, of rising powers, of a quotient near 1/2, in the tails, and far out."""
NEAR_HALF, IN_THE_TAIL, FAR_OUT = np.array(NUMBERS.split(), dtype=np.float64).reshape(3, 2, 8)
LN_2 = 0.6931471805599453
TERMS = 12
"""Of the series of a logarithm, whose argument is at most (sqrt(2) - 1) / (sqrt(2) + 1)."""


def noise(seed: int, number: int, site: Site, many: int) -> np.ndarray:
    """The first standard normal numbers of the stream of a prompt's number at a site. -> float64 (many)"""
    key = int(address(["noise", seed, number, site])[:32], 16)
    raw = np.random.Philox(key=key).random_raw(many)
    return normal(((raw >> np.uint64(12)) + 0.5) * 2.0**-52)


def normal(p: np.ndarray) -> np.ndarray:
    """The standard normal numbers below which the shares `p` in (0, 1) of all lie. float64, as large as `p`"""
    q = p - 0.5
    inside = q * _quotient(NEAR_HALF, MIDDLE**2 - q * q)
    r = np.sqrt(-logarithm(np.where(q < 0, p, 1 - p)))
    outside = np.where(r <= TAIL, _quotient(IN_THE_TAIL, r - 1.6), _quotient(FAR_OUT, r - TAIL))
    return np.where(abs(q) <= MIDDLE, inside, np.where(q < 0, -outside, outside))


def logarithm(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of positive float64 numbers, to the last bits or so, alike on every machine."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < 0.5**0.5
    mantissa, exponent = np.where(small, 2 * mantissa, mantissa), exponent - small
    s = (mantissa - 1) / (mantissa + 1)
    series = np.zeros_like(s)
    for term in reversed(range(TERMS)):
        series = series * (s * s) + 1 / (2 * term + 1)
    return np.asarray(exponent * LN_2 + 2 * s * series)


def _quotient(polynomials: np.ndarray, x: np.ndarray) -> np.ndarray:
    above, below = np.zeros_like(x), np.zeros_like(x)
    for a, b in polynomials.T[::-1]:
        above, below = above * x + a, below * x + b
    return np.asarray(above / below)
