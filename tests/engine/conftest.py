"""Tiny random models on disk, made once."""

from __future__ import annotations

import pytest
from engine_models import MODELS, Saved, save


@pytest.fixture(scope="session", params=[name for name in MODELS if name != "olmo2"])  # OLMo 3 has all of it
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return save(MODELS[request.param](), tmp_path_factory.mktemp("model"), request.param)


@pytest.fixture(scope="session")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return save(MODELS["llama, grouped, tied"](), tmp_path_factory.mktemp("model"))
