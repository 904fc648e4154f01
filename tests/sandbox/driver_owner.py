"""`driver_owner.py NAME DATA`: open a driver, start a sandbox, say so and wait to be killed."""

import signal
import sys
from pathlib import Path

from driver_suite import HANDLERS, House, spec

if __name__ == "__main__":
    House(sys.argv[1], Path(sys.argv[2])).start(spec(HANDLERS)).receive()
    print("running", flush=True)
    signal.pause()
