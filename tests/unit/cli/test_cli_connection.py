"""How a client finds its server and its key."""

from pathlib import Path

import pytest

from stoker.cli.connection import ClientOptions, Key, resolve
from stoker.cli.failures import CliError
from stoker.cli.places import SYSTEM_DATA, cache_directory, data_directory

AWS = {"AWS_ACCESS_KEY_ID": "AWSKEY", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": "http://aws:1/"}
LOCAL = "[default]\naws_access_key_id = LOCALKEY\naws_secret_access_key = s%ecret\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "credentials").write_text(LOCAL)
    (tmp_path / "endpoint").write_text("http://127.0.0.1:9999\n")
    return tmp_path


def test_without_a_word_a_client_finds_the_server_of_this_machine(data: Path) -> None:
    connection = resolve(ClientOptions(data=data), {})
    assert connection.endpoint == "http://127.0.0.1:9999"
    assert connection.region == "us-east-1"
    assert connection.key == Key(access_key="LOCALKEY", secret_key="s%ecret")


def test_the_variables_of_every_aws_client_are_obeyed(data: Path) -> None:
    connection = resolve(ClientOptions(data=data), {**AWS, "AWS_REGION": "eu-west-1", "AWS_SESSION_TOKEN": "t"})
    assert (connection.endpoint, connection.region) == ("http://aws:1", "eu-west-1")
    assert connection.key == Key(access_key="AWSKEY", secret_key="s", session_token="t")


def test_a_credentials_file_is_obeyed_where_no_data_directory_is_named(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text(LOCAL.replace("LOCALKEY", "FILEKEY"))
    variables = {"AWS_SHARED_CREDENTIALS_FILE": str(file)}
    assert resolve(ClientOptions(), variables).key.access_key == "FILEKEY"
    assert resolve(ClientOptions(), {**variables, "STOKER_DATA": str(data)}).key.access_key == "LOCALKEY"
    assert resolve(ClientOptions(data=data), variables).key.access_key == "LOCALKEY"


def test_stokers_own_variables_win_over_those_of_aws(data: Path) -> None:
    own = {"STOKER_ENDPOINT": "own:2", "STOKER_ACCESS_KEY": "OWN", "STOKER_SECRET_KEY": "s"}
    connection = resolve(ClientOptions(data=data), {**AWS, **own})
    assert (connection.endpoint, connection.key.access_key) == ("http://own:2", "OWN")


def test_an_option_wins_over_everything(data: Path) -> None:
    options = ClientOptions(data=data, endpoint="http://said:3", profile="mine", region="us-west-2")
    connection = resolve(options, {**AWS, "STOKER_ENDPOINT": "http://own:2"})
    assert (connection.endpoint, connection.region) == ("http://said:3", "us-west-2")
    assert connection.key == Key(profile="mine")


def test_the_data_directory_can_be_named_by_a_variable(data: Path) -> None:
    assert resolve(ClientOptions(), {"STOKER_DATA": str(data)}).key.access_key == "LOCALKEY"


def test_without_any_key_the_user_hears_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="Start the server with `stoker up`"):
        resolve(ClientOptions(data=tmp_path), {})


@pytest.mark.parametrize("text", ["", "no sections", "[default]\nregion = x\n"])
def test_a_broken_credentials_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "credentials").write_text(text)
    with pytest.raises(CliError, match="credentials is not an AWS credentials file"):
        resolve(ClientOptions(data=tmp_path), {})


def test_places_follow_the_xdg_specification() -> None:
    home = Path("/home/ada")
    assert data_directory({}, uid=0, home=home) == SYSTEM_DATA
    assert data_directory({}, uid=1000, home=home) == Path("/home/ada/.local/share/stoker")
    assert data_directory({"XDG_DATA_HOME": "/srv"}, uid=1000, home=home) == Path("/srv/stoker")
    assert cache_directory({"XDG_CACHE_HOME": "relative"}, home=home) == Path("/home/ada/.cache/stoker")


def test_a_local_client_uses_the_region_that_its_server_was_started_with(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = A\naws_secret_access_key = S\n")
    (tmp_path / "region").write_text("eu-central-1\n")
    assert resolve(ClientOptions(data=tmp_path), {}).region == "eu-central-1"
    assert resolve(ClientOptions(data=tmp_path), {"AWS_REGION": "us-west-2"}).region == "us-west-2"
