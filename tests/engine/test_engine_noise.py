"""Noise: normal, a stream for each prompt and site, and the same numbers everywhere and always."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from entrack.engine.noise import logarithm, noise, normal
from entrack.sites import Part, Site

STREAM, OTHER = Site(3, Part.RESIDUAL), Site(4, Part.RESIDUAL)
GOLDEN = "fb19975ccb0cd4bf558176300e32e9bfc2d222f5f78ff4bf"
FLOATS = [-1.5901814699172974, 0.07001687586307526, 0.38346028327941895, 1.980316400527954]
SHARES = np.concatenate(
    [np.linspace(0.001, 0.999, 997), 10.0 ** -np.arange(1.0, 300, 7), 1 - 10.0 ** -np.arange(1.0, 16)]
)


def test_golden_numbers() -> None:
    """Of these nothing may ever change."""
    assert noise(0, 0, STREAM, 3).tobytes().hex() == GOLDEN
    assert noise(1, 5, STREAM, 4).astype(np.float32).tolist() == FLOATS


def test_normal_numbers_are_those_of_the_normal_distribution() -> None:
    expected = np.array([NormalDist().inv_cdf(share) for share in SHARES])
    np.testing.assert_allclose(normal(SHARES), expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(logarithm(SHARES), np.log(SHARES), rtol=1e-14)


def test_mean_variance_and_correlation() -> None:
    """Within five standard errors."""
    many = 200_000
    streams = np.stack([noise(*each, many) for each in ((0, 0, STREAM), (0, 1, STREAM), (1, 0, STREAM), (0, 0, OTHER))])
    assert (abs(streams.mean(1)) < 5 / many**0.5).all()
    assert (abs(streams.var(1) - 1) < 5 * (2 / many) ** 0.5).all()
    assert (abs(np.corrcoef(streams) - np.eye(4)) < 5 / many**0.5).all()
    assert (abs((streams[0, 1:] * streams[0, :-1]).mean()) < 5 / many**0.5).all()
    for least in (1.0, 2.0, 3.0):
        share = 2 * NormalDist().cdf(-least)
        assert abs((abs(streams) > least).mean() - share) < 5 * (share / streams.size) ** 0.5


def test_a_longer_stream_begins_like_a_shorter_one() -> None:
    assert (noise(0, 3, STREAM, 50)[:7] == noise(0, 3, STREAM, 7)).all()
