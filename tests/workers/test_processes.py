"""Workers that are processes, with a model and without: the same bytes, whoever dies and however the run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from attrs import evolve
from drawn_plans import ASKED, BATCHES, MODELS, of
from e2e_world import World, make_world
from store_tools import ROOT, environment
from stress.employed import employed, seen
from stress.walks import Study

from entrack import load, system
from entrack.cli.progress import ProgressBar
from entrack.engine.errors import DeviceMissing, EngineError
from entrack.errors import ArgumentError
from entrack.events import Event, FewerWorkers, ModelLoading, RunFinished, StepDone, WorkersHere, unwatched
from entrack.execution.environment import Environment
from entrack.execution.reuse_policy import ReusePolicy
from entrack.model_config import ModelFacts
from entrack.models.key import ModelKey, ModelSource
from entrack.plan.steps import Evaluate, Step
from entrack.report.document import document
from entrack.store import DiskStore, MemoryStore
from entrack.workers import identity, room
from entrack.workers.base import Workers
from entrack.workers.errors import NoRoom, PoisonedStep, WorkerCalledOff, WorkerRefused
from entrack.workers.executor import computed
from entrack.workers.identity import Identity
from entrack.workers.processes import Processes, _Process
from entrack.workers.room import Room, gpus_of, wide_threads, workers_given
from entrack.workers.worker import Settings

FACTS = ModelFacts("llama", 1, 1, 1, 4, 4, 8, 9)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study.made(tmp_path_factory.mktemp("study"))


def test_a_run_with_workers_one_of_which_is_killed_is_byte_for_byte_the_same(world: World, tmp_path: Path) -> None:
    alone, events = world.load().run(MemoryStore(), threads=1), list[Event]()
    with seen(program=None) as found:

        def watch(event: Event) -> None:
            events.append(event)
            if isinstance(event, StepDone) and sum(isinstance(each, StepDone) for each in events) == 5:
                os.kill(found.alive[0].pid, signal.SIGKILL)

        results = world.load().run(tmp_path / "store", threads=1, workers=2, watcher=watch)
    assert document(results) == document(alone)
    done = [event for event in events if isinstance(event, StepDone) and not event.found]
    assert len(done) == results.provenance.computed == alone.provenance.computed
    assert len(found.requests) - len(done) <= 1 < len(found.started) <= 3
    assert any(isinstance(event, ModelLoading) and event.done for event in events)
    assert isinstance(events[-1], RunFinished)
    again = world.load().run(tmp_path / "store", threads=1, workers=2)
    assert again.provenance.computed == 0, "on a full store no worker is started"


def test_the_quickstart_is_the_same_with_any_number_of_workers(tmp_path: Path) -> None:
    spec = load(ROOT / "specs" / "quickstart.et", n=4)
    found = {workers: spec.run(tmp_path / str(workers), workers=workers) for workers in (0, 1, 2)}
    documents = {document(results) for results in found.values()}
    stores = {workers: DiskStore(tmp_path / str(workers)) for workers in found}
    objects = {
        tuple((name, action.object) for name in store.addresses() if (action := store.find(name)) is not None)
        for store in stores.values()
    }
    assert len(documents) == len(objects) == 1
    assert len({results.numbers_tex() for results in found.values()}) == 1


def test_an_error_of_a_worker_is_the_one_without_workers(world: World, tmp_path: Path) -> None:
    spec = world.spec("measure m = accuracy(base) on 2 boxes")
    said = []
    for workers in (0, 1):
        with pytest.raises(DeviceMissing) as raised:
            spec.run(tmp_path / str(workers), device="mps", workers=workers)
        said.append(str(raised.value))
    assert said[0] == said[1]


COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from entrack.cli.main import main; main()"
)


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="who is whose child is read from /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
def test_no_worker_outlives_its_run(world: World, tmp_path: Path, number: signal.Signals) -> None:
    """However the run ends, and in the middle of whatever."""
    command = [sys.executable, "-c", COMMAND, "run", str(world.study), "--store", str(tmp_path), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    try:
        workers = children(process.pid)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == (130 if number is signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in said
    until = time.monotonic() + 10
    while any(map(runs, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert workers and not any(map(runs, workers))


def children(pid: int) -> list[int]:
    """The workers of a run, once it has some."""
    until = time.monotonic() + 60
    found: list[int] = []
    while not found and time.monotonic() < until:
        time.sleep(0.02)
        found = [int(each.name) for each in Path("/proc").glob("[0-9]*") if parent(each) == pid and is_worker(each)]
    return found


def parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def is_worker(process: Path) -> bool:
    try:
        return b"entrack/workers/process.py" in (process / "cmdline").read_bytes()
    except OSError:
        return False


def runs(pid: int) -> bool:
    return is_worker(Path(f"/proc/{pid}"))


def test_a_worker_of_another_version_is_refused(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Identity.own("cpu")
    other = evolve(own, packages={**own.packages, "torch": "9.9"})
    monkeypatch.setattr(identity.Identity, "own", lambda device: other)
    with seen(), pytest.raises(WorkerRefused, match=r"worker \d is not as this process: torch .* there, 9\.9 here"):
        employed(study, tmp_path, 2)
    assert not list(DiskStore(tmp_path).addresses())


def test_a_worker_that_cannot_begin_is_said_with_what_it_said(study: Study, tmp_path: Path) -> None:
    program = tmp_path / "broken.py"
    program.write_text("import sys\nsys.exit('there is no such library')\n")
    with seen(program), pytest.raises(EngineError, match=r"ended with status 1 \(there is no such library\), before"):
        employed(study, tmp_path / "store", 1)


def test_a_step_that_kills_its_workers_is_named(tmp_path: Path) -> None:
    study = Study(of({"node 0": Evaluate(MODELS[0], BATCHES[0], (), ASKED)}), {})
    program = tmp_path / "killing.py"
    die = "import os, signal; from stress import made_up_worker as own; from entrack.workers import process, worker\n"
    act = "own.MadeUp.compute = lambda *given: os.kill(os.getpid(), signal.SIGKILL)\n"
    program.write_text(f"{die}{act}worker.Computing = own.MadeUp\nprocess.main()\n")
    with (
        seen(program) as found,
        pytest.raises(PoisonedStep, match=r"3 workers were lost over one step, what node 0 is for: .*SIGKILL"),
    ):
        employed(study, tmp_path / "store", 1)
    assert len(found.started) == 3


def test_a_worker_that_is_asked_to_terminate_does_not_count_against_its_step(tmp_path: Path) -> None:
    study = Study(of({"node 0": Evaluate(MODELS[0], BATCHES[0], (), ASKED)}), {})
    program, ends = tmp_path / "terminated.py", tmp_path / "ends"
    program.write_text(
        "import os, signal; from stress import made_up_worker as own; from entrack.workers import process, worker\n"
        "compute = own.MadeUp.compute\n"
        f"def ended(*given):\n    open({str(ends)!r}, 'a').write('x')\n"
        f"    if os.path.getsize({str(ends)!r}) > 4: return compute(*given)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "own.MadeUp.compute = ended\nworker.Computing = own.MadeUp\nprocess.main()\n"
    )
    with seen(program) as found:
        employed(study, tmp_path / "store", 1)
    assert len(found.started) == 5


def test_a_step_over_which_every_worker_is_called_off_ends_the_run() -> None:
    asked: list[Step] = []

    class CalledOff(Workers):
        at_once = 1

        def compute(self, step: Step, *given: object) -> NoReturn:
            asked.append(step)
            raise WorkerCalledOff("worker 1 was ended by SIGTERM") if len(asked) < 50 else AssertionError("for ever")

        def close(self) -> None:
            raise NotImplementedError

    step = Evaluate(MODELS[0], BATCHES[0], (), ASKED)
    with pytest.raises(PoisonedStep, match=r"20 workers were called off over one step, measure m: .*SIGTERM"):
        computed(CalledOff(), step, {}, None, "measure m")
    assert len(asked) == 20


def test_a_step_goes_to_the_process_that_has_its_model_else_to_one_that_has_had_nothing() -> None:
    with seen() as found:
        pool = Processes(Room(2, {}, 10**9), Settings())
        try:
            started = []
            for model in (MODELS[0], MODELS[0], MODELS[1], MODELS[0], MODELS[1]):
                pool.compute(Evaluate(model, BATCHES[0], (), ASKED), {}, None)
                started.append(len(found.started))
        finally:
            pool.close()
    assert started == [1, 1, 2, 2, 2] and not found.alive


def test_a_process_may_end_while_it_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[bool] = []
    looked = iter([SimpleNamespace(kill=lambda: killed.append(True)), None])
    process = _Process(1, Settings(), None, unwatched)
    monkeypatch.setattr(_Process, "_process", property(lambda self: next(looked)), raising=False)
    process.kill()
    assert killed


# --- room -------------------------------------------------------------------------------------------------------------


def a_plan(folder: Path, megabytes: int) -> dict[ModelKey, ModelSource]:
    folder.mkdir()
    with (folder / "model.safetensors").open("wb") as stream:
        stream.truncate(megabytes * 10**6)
    return {ModelKey("a", "b", "c", FACTS): ModelSource("m", folder)}


def test_as_many_workers_as_there_is_memory_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, said = Room(8, a_plan(tmp_path / "m", 1000), 10**9), list[Event]()
    assert asked.models == int(2.5e9), "twice what the file has, which may be of two bytes a weight, and a quarter"
    assert asked.each == asked.models + 10**9 // 8 + room.ALONE
    monkeypatch.setattr(system, "free_memory", lambda: 10 * asked.each)
    assert asked.fitting(said.append) == 8 and not said
    monkeypatch.setattr(system, "free_memory", lambda: int(3.5 * asked.each))
    assert Processes(asked, Settings(), watcher=said.append).at_once == 3
    assert said == [FewerWorkers(8, 3, "workers take 3.2 GB each (2.5 GB of them models), and 11.3 GB are free")]
    monkeypatch.setattr(system, "free_memory", lambda: asked.each - 1)
    with pytest.raises(NoRoom, match=r"3\.2 GB each \(2\.5 GB of them models\), and 3\.2 GB are free"):
        Processes(asked, Settings()).at_once  # noqa: B018  # it is asked for


def test_a_container_has_the_memory_that_it_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(system, "CONTROLS", (evolve(system.CONTROLS[0], root=tmp_path),))
    machine = system.machine_memory()
    for said, has in (("max\n", machine), (f"{machine * 2}\n", machine), (f"{10**8}\n", 10**8)):
        limit.write_text(said)
        assert system.machine_memory() == has
        assert system.default_memory() == has // 2


@pytest.mark.parametrize("version", [2, 1])
def test_free_is_what_the_container_and_the_job_have_left(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers in MB. The cache of files is given back; `max` is no limit; a path from outside is not here."""
    controls = evolve(system.CONTROLS[2 - version], root=tmp_path)
    own, meminfo = tmp_path / "cgroup", tmp_path / "meminfo"
    monkeypatch.setattr(system, "CONTROLS", (controls,))
    monkeypatch.setattr(system, "OWN_GROUPS", own)
    monkeypatch.setattr(system, "MEMINFO", meminfo)

    def group(name: str, most: str, taken: int, cached: int) -> None:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / controls.most).write_text(f"{most}\n")
        (folder / controls.taken).write_text(f"{taken * 10**6}\n")
        (folder / "memory.stat").write_text(f"anon 1\n{controls.given_back} {cached * 10**6}\n")

    meminfo.write_text("MemFree: 7 kB\nMemAvailable:  5000000 kB\n")
    assert system.free_memory() == 5_120_000_000, "no control group says anything"
    own.write_text(f"7:pids:/elsewhere\n3:{'memory,hugetlb' if version == 1 else ''}:/job\n")
    group(".", "max" if version == 2 else "9223372036854771712", 900, 0)
    group("job", f"{2000 * 10**6}", 700, 300)
    assert system.free_memory() == 1600 * 10**6, "the job has least"
    group(".", f"{1000 * 10**6}", 900, 50)
    assert system.free_memory() == 150 * 10**6, "the container has least"
    group(".", f"{1000 * 10**6}", 1100, 50)
    assert system.free_memory() == 0
    own.write_text("0::/of/another/view\nodd: line:\n")
    group(".", f"{1000 * 10**6}", 100, 0)
    assert system.free_memory() == 900 * 10**6
    meminfo.write_text("MemAvailable:  500 kB\n")
    assert system.free_memory() == 512_000, "the machine has least"


@pytest.mark.parametrize("version", [2, 1])
def test_control_groups_that_say_something_odd_limit_nothing(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controls = evolve(system.CONTROLS[2 - version], root=tmp_path)
    most, taken, stat = (tmp_path / name for name in (controls.most, controls.taken, "memory.stat"))
    monkeypatch.setattr(system, "CONTROLS", (controls,))
    monkeypatch.setattr(system, "OWN_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(system, "MEMINFO", tmp_path / "meminfo")
    (tmp_path / "cgroup").write_text("\n3\n4:memory\n0:\n")
    (tmp_path / "meminfo").write_text("MemAvailable:\nMemAvailable: some kB\nMemAvailable: 500 kB\n")
    half = system.machine_memory() // 2
    assert system.free_memory() == half, "the machine does not say"
    for said in ("-1", "", "none", "\0", "\N{SUPERSCRIPT TWO}", "9" * 5000):
        most.write_text(f"{said}\n")
        taken.write_text("5\n")
        assert (system.free_memory(), system.machine_memory() // 2) == (half, half), said
    (tmp_path / "meminfo").write_text("MemAvailable: 5000 kB\n")
    most.write_text("1000\n")
    for said in (controls.given_back, f"{controls.given_back} -7", f"{controls.given_back} some"):
        stat.write_text(f"{said}\n")
        assert system.free_memory() == 995, said
    stat.write_text(f"{controls.given_back} 900\n")
    assert system.free_memory() == 1000, "no more than the most"
    most.unlink()
    most.mkdir()
    assert system.free_memory() == 5_120_000, "it cannot be read"


def test_fewer_workers_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    ProgressBar()(FewerWorkers(8, 3, "they take 3 GB each"))
    assert capsys.readouterr().err == "warning: 3 workers in place of 8: they take 3 GB each\n"


def test_it_is_said_that_workers_are_waited_for_until_they_are_here() -> None:
    bar = ProgressBar()
    said = []
    for here in (0, 1, 8):
        bar(WorkersHere(here, 8))
        said.append(bar.line(3))
    assert said == [f"after 3 s: {what}" for what in ("waiting for workers (0 of 8)", *["computing with a worker"] * 2)]


def test_nothing_is_loaded_where_there_is_no_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "free_memory", lambda: 1000)
    with seen() as found, pytest.raises(NoRoom):
        world.spec("measure m = accuracy(base) on 2 boxes").run(MemoryStore(), workers=2)
    assert not found.started


def test_a_gpu_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(room.VISIBLE, raising=False)
    monkeypatch.setattr(room, "device_kind", lambda asked: asked or "cuda")
    monkeypatch.setattr(room, "glob", lambda pattern: ["/dev/nvidia0", "/dev/nvidia1"])
    assert gpus_of(None) == gpus_of("cuda") == ("0", "1") and gpus_of("cpu") == gpus_of("cuda:1") == ()
    assert [workers_given(asked, None) for asked in (None, 0, 5)] == [2, 0, 5]
    assert workers_given(None, "cpu") == workers_given(None, "cuda:1") == 0
    with pytest.raises(ArgumentError, match="cuda:1"):
        workers_given(2, "cuda:1")
    with pytest.raises(ArgumentError, match="gpus_per_worker is 3, and this machine has 2 GPUs"):
        workers_given(1, None, 3)
    monkeypatch.setenv(room.VISIBLE, "GPU-3a, 5")
    assert gpus_of(None) == ("GPU-3a", "5"), "what a scheduler has given is divided"
    pool = Processes(Room(4, {}, on_gpus=True), Settings(), gpus_of(None))
    assert pool.at_once == 4
    assert [process._gpu for process in pool._processes.values()] == ["GPU-3a", "5", "GPU-3a", "5"]
    assert {process._settings.sharing for process in pool._processes.values()} == {2}
    monkeypatch.setenv(room.VISIBLE, "")
    assert gpus_of(None) == ()


def test_threads_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert [wide_threads(many) for many in (0, 1, 2, 3, 20)] == [None, None, 4, 2, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert wide_threads(2) is None
    here = Environment("cpu", wide_threads=4)
    assert [here.told(facts, ReusePolicy.EXACT)["threads"] for facts in (FACTS, evolve(FACTS, d_model=4096))] == [1, 4]
