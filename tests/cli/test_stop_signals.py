"""Interrupts that Python drops, in a process of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.waiting import GUARD

DROPPED = """
import os, signal, sys, time, weakref
from crystalcli.cli.terminal.stop_signals import retry_lost_interrupts

retry_lost_interrupts()

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
