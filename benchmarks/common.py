"""Shared by the benchmarks: timing whole processes, describing the machine, writing results."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any


def timed_process(command: list[str], **environment: str) -> dict[str, float]:
    """Run a process to its end and return its seconds, processor seconds and peak resident bytes.

    Raises if it fails.
    """
    began = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**installed_environment(), **environment}
    )
    assert child.stderr is not None
    said = child.stderr.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {child.returncode}: {said}")
    return {
        "seconds": time.perf_counter() - began,
        "processor": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024.0,
    }


def installed_environment() -> dict[str, str]:
    """Return the environment in which Python keeps what it compiles.

    It does so for every program that is installed. Without it each process would compile the
    program's modules anew, which takes 0.2 s of `crystal recall`.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def machine() -> str:
    """Describe processors and load: the machine may be shared."""
    return f"{os.cpu_count()} processors, {platform.machine()}, load {os.getloadavg()[0]:.1f}"


def write_json(path: Path | None, data: dict[str, Any]) -> None:
    """Write results with the commit that made them."""
    if path is None:
        return
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"commit": commit, "machine": machine(), **data}, indent=2) + "\n")
