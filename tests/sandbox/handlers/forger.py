"""Functions that try to gain something by what they leave in the memory that becomes a template."""

import ctypes
import json
import os
import sys
import time

while time.process_time() < 0.08:
    pass


def answers(event, context):
    return "here"


class Nested:
    """Dumps what no parser likes."""

    def dumps(self, value):
        return "[" * 200_000

    def loads(self, text):
        return json.loads(text)


class Forger:
    """Stands in for the platform's module in the process that becomes a template, and forges what the host reads."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return getattr(self._module, name)

    def leave(self, facts, descriptor, message, tid_address):
        forgery = os.environ["FORGERY"]
        if forgery == "paths":
            facts = {"files": dict.fromkeys(facts["files"], "/etc/shadow")}
        elif forgery == "facts":
            facts = {"files": [1, 2], "break": "x"}
        elif forgery == "nested":
            self._module.json = Nested()
        elif forgery == "huge":
            libc = ctypes.CDLL(None)
            libc.mmap.restype = ctypes.c_void_p
            for _ in range(64):
                libc.mmap(None, ctypes.c_size_t(1 << 40), 3, 0x4022, -1, ctypes.c_long(0))
        elif forgery == "many":
            libc = ctypes.CDLL(None)
            libc.mmap.restype = ctypes.c_void_p
            for number in range(20_000):
                libc.mmap(None, ctypes.c_size_t(4096), 1 + number % 2, 0x22, -1, ctypes.c_long(0))
        elif forgery == "taken":
            libc = ctypes.CDLL(None)
            libc.mmap.restype = ctypes.c_void_p
            libc.mmap(ctypes.c_void_p(self._module.TABLE_ADDRESS), ctypes.c_size_t(1 << 20), 3, 0x100022, -1, 0)
        return self._module.leave(facts, descriptor, message, tid_address)


def _forge():
    frame = sys._getframe()
    while frame is not None:
        client = frame.f_locals.get("client") or frame.f_locals.get("lambda_runtime_client")
        method = getattr(type(client), "_hand_over", None)
        if method is not None:
            method.__globals__["memory_image"] = Forger(method.__globals__["memory_image"])
        frame = frame.f_back


if "FORGERY" in os.environ:
    _forge()
json.dumps({})
