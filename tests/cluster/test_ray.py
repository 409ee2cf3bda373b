"""The quickstart on actors of Ray: the same bytes as alone."""

from __future__ import annotations

import psutil
import pytest
from cluster_world import World, comes_to

pytestmark = [pytest.mark.usefixtures("ray"), pytest.mark.timeout(1200)]


def test_the_same_bytes_and_nothing_twice(world: World) -> None:
    ran = world.run("on-ray", "--on", "ray", "--workers", "2")
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects
    assert ran.computed == world.alone.computed


def test_an_actor_that_is_killed_comes_again(world: World) -> None:
    running = world.started("on-ray-killed", "--on", "ray", "--workers", "2")
    assert comes_to(world.folder / "on-ray-killed", 3)
    actors = [each for each in psutil.Process(running.pid).children(recursive=True) if "ray::Actor" in each.name()]
    assert actors
    actors[0].kill()
    ran = world.finished(running, "on-ray-killed")
    assert ran.status == 0, ran.err
    assert ran.objects == world.alone.objects and ran.computed == world.alone.computed


def test_a_cluster_that_does_not_answer_is_named(world: World) -> None:
    ran = world.run("no-ray", "--on", "ray://127.0.0.1:1")
    assert ran.status == 3 and "no workers: no Ray cluster answers at ray://127.0.0.1:1" in ran.err, ran.err
