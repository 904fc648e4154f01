"""Functions for end-to-end tests, on the shared server or on one of a test's own."""

import pytest

from fakes.deployment import Deployment
from fakes.live_server import LiveServer


@pytest.fixture(scope="session")
def functions(live_server: LiveServer) -> Deployment:
    """Deploys to the shared server."""
    return Deployment(live_server.client("lambda"))


@pytest.fixture
def own_functions(own_server: LiveServer) -> Deployment:
    """Deploys to a server of the test's own, started here."""
    own_server.start()
    return Deployment(own_server.client("lambda"))
