"""Shifts the clock of a process by what a file says, at any moment of its life.

Python imports this at its start if it lies on PYTHONPATH. The file GRAVSTREAM_TEST_CLOCK holds the shift in
seconds; the monotonic clock goes on as it does when a machine's clock is set.
"""

import ctypes
import gc
import os
import time
from datetime import UTC, datetime
from pathlib import Path

FILE = os.environ.get("GRAVSTREAM_TEST_CLOCK")

unshifted, unshifted_ns = time.time, time.time_ns


def shift() -> float:
    return float(Path(FILE).read_text())


def now(cls, tz=None):
    return cls.fromtimestamp(time.time(), tz)


def utcnow(cls):
    return cls.fromtimestamp(time.time(), UTC).replace(tzinfo=None)


if FILE:
    time.time = lambda: unshifted() + shift()
    time.time_ns = lambda: unshifted_ns() + int(shift() * 1e9)
    # The class is written in C and takes no other methods; a class in its place ends libraries that are written in C.
    (methods,) = gc.get_referents(datetime.__dict__)
    methods |= {"now": classmethod(now), "utcnow": classmethod(utcnow)}
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))
