"""The server's process. `stoker up` becomes it, so that what read the command line takes up no memory while it runs."""

import logging
import os
import pickle
import sys

from stoker.linux import heap


def main() -> int:
    """Serve by the settings in the descriptor that the command line names."""
    heap.keep_one()
    # botocore loads all of it (5 MB) where it is there, to sign in a way that nobody asks of a server. What objects
    # need of it is loaded with the first that does.
    sys.modules["awscrt"] = None  # type: ignore[assignment]
    from stoker.serve.run import run

    del sys.modules["awscrt"]
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        settings = pickle.load(file)
    try:
        return run(settings)
    except Exception:
        # A client's mistake can be asked for again with STOKER_TRACEBACK; a server's end has to be in its log.
        logging.getLogger(__name__).exception("the server ended by a mistake of its own")
        return 1


if __name__ == "__main__":
    # Without the interpreter's own end, which waits for every thread: some may hang in a server that does not answer.
    status = main()
    logging.shutdown()
    os._exit(status)
