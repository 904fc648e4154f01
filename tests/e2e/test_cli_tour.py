"""What `make run` ends in."""

from typing import Any

from fakes.command_line import stoker


def test_the_tour_shows_every_example_with_its_bill_and_where_to_go_on(live_server: Any) -> None:
    done = stoker(live_server.env, "tour")
    for name in ("hello-python", "hello-node", "hello-bootstrap", "thumbnail"):
        assert f"$ stoker invoke {name} " in done.stderr
    assert "a JPEG of 320 x 213 pixels" in done.stdout
    assert "warm · ran" in done.stderr and "at AWS's price" in done.stderr
    assert f"{live_server.endpoint}/_stoker/console/" in done.stdout
