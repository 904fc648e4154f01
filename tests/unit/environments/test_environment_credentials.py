"""How long a function's credentials are good for, and how long something may hold them."""

from stoker.environments import environment, templates
from stoker.serve.execution_credentials import ROLE_SESSION_S

LONGEST_INVOCATION_S = 15 * 60


def test_what_a_snapshot_kept_outlasts_the_environments_made_from_it() -> None:
    """A client that was made in an init has the credentials of that time, in each environment that begins after it."""
    oldest_s = templates.MAX_AGE_S + environment.MAX_AGE_S + LONGEST_INVOCATION_S
    assert oldest_s < ROLE_SESSION_S
