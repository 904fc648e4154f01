"""A Python function's process where there is no zygote to fork from: in gVisor, which executes programs only.

`python -I -S -X utf8 exec_python.py HANDLER` with the channel as standard input, the one descriptor of the host's that
gVisor can hand in. From here on all is as in a fork: the same client, module path and streams.
"""

from __future__ import annotations

import os
import sys

PLATFORM = "/var/runtime/platform"


def main(handler: str) -> None:
    sys.path[:0] = ["/var/runtime", PLATFORM]
    from stoker.bootstrap import python_function

    sys.path.remove(PLATFORM)
    os.dup2(0, python_function.CHANNEL, inheritable=False)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    python_function.open_streams()
    python_function.complete_interpreter()
    python_function.run(handler)


if __name__ == "__main__":
    main(sys.argv[1])
