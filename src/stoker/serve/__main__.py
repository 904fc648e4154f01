"""The server's process. `stoker up` becomes it, so that what read the command line takes up no memory while it runs."""

import logging
import os
import pickle
import sys

from stoker.serve.run import run


def main() -> int:
    """Serve by the settings in the descriptor that the command line names."""
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        settings = pickle.load(file)
    try:
        return run(settings)
    except Exception:
        # A client's mistake can be asked for again with STOKER_TRACEBACK; a server's end has to be in its log.
        logging.getLogger(__name__).exception("the server ended by a mistake of its own")
        return 1


if __name__ == "__main__":
    sys.exit(main())
