"""Time and memory of `crystal mcp`: the handshake of a cold process, and its first search.

python benchmarks/mcp_server.py CRYSTAL "A question it can answer" [--rounds 5] [--pause 1.5]
                                [--json results/mcp_server.json]

Each round starts a process and speaks to it by standard input and output, as a client does:
initialize, tools/list, then after a pause a search, and the same search once more. Resident memory
is read after the handshake, after the pause and at the end, on Linux.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from common import machine, write_json

_CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "benchmark", "version": "1"}}


class Session:
    """A server's process, and the requests that it answers in turn."""

    def __init__(self, crystal: Path) -> None:
        self.began = time.perf_counter()
        command = [sys.executable, "-m", "crystalcli", "mcp", "-c", str(crystal)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._id = 0

    def ask(self, method: str, parameters: dict[str, Any]) -> float:
        """Send a request; return the seconds until it was answered."""
        began = time.perf_counter()
        self._id += 1
        self.send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": parameters})
        assert self.process.stdout is not None
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer or answer["result"].get("isError"):
            raise RuntimeError(str(answer))
        return time.perf_counter() - began

    def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def megabytes(self) -> float:
        """Return the resident memory."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096 / 1e6

    def end(self) -> None:
        """Close the server's input and wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(crystal: Path, question: str, pause: float) -> dict[str, float]:
    """Return the times of one round, in seconds, and the memory, in megabytes."""
    session = Session(crystal)
    session.ask("initialize", _CLIENT)
    figures = {"handshake": time.perf_counter() - session.began, "memory after the handshake": session.megabytes()}
    session.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    figures["tools/list"] = session.ask("tools/list", {})
    time.sleep(pause)
    figures["memory after the pause"] = session.megabytes()
    search = {"name": "search", "arguments": {"question": question}}
    figures["first search"] = session.ask("tools/call", search)
    figures["second search"] = session.ask("tools/call", search)
    figures["memory at the end"] = session.megabytes()
    session.end()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crystal", type=Path)
    parser.add_argument("question")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pause", type=float, default=1.5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rounds = [measure(options.crystal, options.question, options.pause) for _ in range(options.rounds)]
    print(f"{options.crystal}, {options.rounds} rounds, pause {options.pause} s; {machine()}")
    for name in rounds[0]:
        values = [figures[name] for figures in rounds]
        print(f"{name:28} median {statistics.median(values):8.3f}  from {min(values):8.3f} to {max(values):8.3f}")
    write_json(options.json, {"rounds": rounds, "pause": options.pause})


if __name__ == "__main__":
    main()
