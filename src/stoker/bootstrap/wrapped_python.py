"""A Python function's process where a program of the function's own starts it: AWS_LAMBDA_EXEC_WRAPPER.

In a sandbox this file is /var/runtime/bootstrap.py, and `python /var/runtime/bootstrap.py` is what the wrapper is given
to execute. It may have changed the variables, the interpreter's options and who its parent is, so nothing is inherited
from the platform: the official client comes by HTTP, like a custom runtime.
"""

from __future__ import annotations

import os
import site
import sys

PLATFORM = "/var/runtime/platform"


def main() -> None:
    """Serve the handler that _HANDLER names by now."""
    # A wrapper's interpreter has `site`, for the function's sitecustomize; this machine's packages are not for it.
    packages = tuple(os.path.join(path, "") for path in site.getsitepackages())
    sys.path[:] = [entry for entry in sys.path if not os.path.join(entry, "").startswith(packages)]
    sys.path[:0] = ["/var/runtime", PLATFORM]
    from stoker.bootstrap import http_runtime_api

    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    # The official client's own transport is compiled for Stoker's interpreter only.
    sys.modules["runtime_client"] = http_runtime_api.RuntimeClient(address)  # type: ignore[assignment]
    from stoker.bootstrap import python_function

    sys.path.remove(PLATFORM)
    from awslambdaric import bootstrap
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

    python_function.open_streams()
    python_function.show_function()
    python_function.hide_platform()
    bootstrap.run(os.environ["_HANDLER"], LambdaRuntimeClient(address))


if __name__ == "__main__":
    main()
