"""One piece of work in a process of its own: what it took, and its own peak memory.

    python -m benchmarks.alone TASK '{"argument": ...}'

imports first, then works, and prints what it found as one line of JSON.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def alone(task: str, **arguments: Any) -> dict[str, Any]:
    """Run a task of `benchmarks.tasks` in a new process.

    Returns what the task returns, with `imports` [s], and `memory` and `largest_child` [bytes].
    RuntimeError if it fails.
    """
    command = [sys.executable, "-m", "benchmarks.alone", task, json.dumps(arguments, default=str)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the task {task} failed with {done.returncode}; what it said stands above")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    try:
        # On Linux ru_maxrss of a new process begins with what its parent had; the kernel's own mark does not.
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    return 1024 * int(found[1]) if found else _maxrss(resource.RUSAGE_SELF)


def _maxrss(who: int) -> int:
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Do one task and print what it found."""
    name, text = sys.argv[1:]
    began = time.perf_counter()
    # The peers are imported only where they are compared: others would pay for it in memory.
    task = getattr(import_module("benchmarks.peers" if name == "run_synthesis" else "benchmarks.tasks"), name)
    imports = time.perf_counter() - began
    found = task(**json.loads(text))
    more = {"imports": imports, "memory": peak_memory(), "largest_child": _maxrss(resource.RUSAGE_CHILDREN)}
    print(json.dumps(found | more))


if __name__ == "__main__":
    main()
