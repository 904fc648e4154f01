"""The AWS command line without its start: half a second of imports is made once, and each command is a fork of that.

`python -m fakes.aws_forks SOCKET` serves until it is killed. `CLIENT` is the program to be put on the PATH as `aws`: it
hands over its arguments, variables, folder and standard streams, and ends as the command did.
"""

import json
import os
import signal
import socket
import sys
import traceback

CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
    sock.connect({path!r})
    request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
    socket.send_fds(sock, [len(request).to_bytes(4, "big")], [0, 1, 2])
    sock.sendall(request)
    answer = sock.recv(1)
sys.exit(answer[0] if answer else 1)
"""


def main(path: str) -> None:
    from awscli import clidriver

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(16)
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(connection, clidriver)
            connection.close()


def _answer(connection: socket.socket, clidriver: object) -> None:
    """In the fork: become the command, and tell how it ended."""
    length, streams, _, _ = socket.recv_fds(connection, 4, 3)
    request = b""
    while len(request) < int.from_bytes(length, "big"):
        request += connection.recv(65_536)
    arguments, environment, folder = json.loads(request)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.chdir(folder)
    # Where its own data is: it says that to itself when it is imported.
    own = os.environ["AWS_DATA_PATH"]
    os.environ.clear()
    os.environ.update(environment, AWS_DATA_PATH=own)
    sys.argv = ["aws", *arguments]
    status = 255
    try:
        status = clidriver.main()  # type: ignore[attr-defined]
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except Exception:  # A process's boundary: there is nobody above who would tell of it.
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([status & 255]))
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
