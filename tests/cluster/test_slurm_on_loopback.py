"""The Slurm of these tests: it runs jobs, gives GPUs, and takes jobs back."""

from __future__ import annotations

from pathlib import Path

from slurm_on_loopback import Slurm, happens

JOB = "#!/bin/bash\nenv > {out}\nsleep 300\n"


def test_it_runs_cancels_and_requeues_jobs(slurm: Slurm, tmp_path: Path) -> None:
    script, out = tmp_path / "job.sh", tmp_path / "out"
    script.write_text(JOB.format(out=out))
    job = slurm.call("sbatch", "--parsable", "--gres=gpu:1", "--output=/dev/null", str(script)).strip()
    assert happens(lambda: out.exists() and "CUDA_VISIBLE_DEVICES" in out.read_text(), 30)
    assert job in slurm.jobs()
    slurm.call("scontrol", "requeue", job)
    assert happens(lambda: "PENDING" in slurm.call("squeue", "--noheader", "--format=%T", "--job", job), 30)
    slurm.call("scancel", job)
    assert happens(lambda: job not in slurm.jobs(), 30)
