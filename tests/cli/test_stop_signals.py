"""Interrupts that Python drops, in a process of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.waiting import GUARD

DROPPED = """
import os, signal, sys, time, weakref
from crystalcli.cli.terminal.stop_signals import handle_interrupts

handle_interrupts()

class Held:
    def __del__(self):
        {destructor}

def callback(_):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)

held = Held()
reference = weakref.ref(held, callback)
try:
    del held
    time.sleep(3600)
except KeyboardInterrupt:
    print("heard")
"""


@pytest.mark.parametrize(
    ("destructor", "said"), [("pass", ""), ("raise ValueError('of the destructor')", "of the destructor")]
)
def test_an_interrupt_in_a_callback_of_a_weak_reference_is_heard_after_it(destructor, said):
    command = [sys.executable, "-c", DROPPED.format(destructor=destructor)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GUARD)
    assert (done.returncode, done.stdout) == (0, "heard\n")
    assert said in done.stderr
    assert "KeyboardInterrupt" not in done.stderr


LOADING = """
import os, signal, sys, time
from crystalcli.cli.terminal.stop_signals import handle_interrupts, stop_on_signals

sys.path.insert(0, {folder!r})
handle_interrupts()
try:
    with stop_on_signals():
        import torch
        print("loaded", flush=True)
        time.sleep(3600)
except KeyboardInterrupt:
    print("heard")
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_while_torch_is_imported_is_heard_after_it(tmp_path, name):
    # In the place of torch: its C++ functions end the process at a KeyboardInterrupt in Python that they call.
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("from torch import parts")
    (tmp_path / "torch" / "parts.py").write_text(
        f"import os, signal, time\nos.kill(os.getpid(), signal.{name})\ntime.sleep(0.2)\n"
    )
    command = [sys.executable, "-c", LOADING.format(folder=str(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GUARD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "loaded\nheard\n", "")
