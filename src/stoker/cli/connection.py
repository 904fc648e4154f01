"""How a client finds its server: the endpoint, the key and the region. The only reader of client settings.

What is said with an option wins, then STOKER_ENDPOINT and STOKER_ACCESS_KEY with STOKER_SECRET_KEY, then what every AWS
client reads (AWS_ENDPOINT_URL, AWS_PROFILE, AWS_ACCESS_KEY_ID, …), then what a server on this machine left in its
data directory (--data, STOKER_DATA): `credentials` (an AWS credentials file), `endpoint` and `region` (a line each).
AWS_SHARED_CREDENTIALS_FILE stands for that file where no data directory is named.
"""

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoker.cli.failures import CliError
from stoker.cli.places import data_directory

DEFAULT_ENDPOINT = "http://127.0.0.1:4566"
DEFAULT_REGION = "us-east-1"
# A synchronous invocation may take the longest timeout of a function, 900 s, and its init before that.
READ_TIMEOUT_S = 930


@dataclass(frozen=True, kw_only=True)
class ClientOptions:
    """What was said on the command line before the command; None where nothing was."""

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    data: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Key:
    """An access key, or the name of a profile in which boto3 finds one."""

    access_key: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    profile: str | None = None


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A server to talk to and with which key. `certificate` is what vouches for it, where no authority does."""

    endpoint: str
    region: str | None
    key: Key
    certificate: Path | None = None

    def client(self, service: str, *, read_timeout_s: int = READ_TIMEOUT_S) -> Any:
        """A boto3 client for one of the server's APIs. It doesn't retry: this is a conversation with a person."""
        from botocore.config import Config

        session = self.session()
        config = Config(
            connect_timeout=5,
            read_timeout=read_timeout_s,
            retries={"total_max_attempts": 1},
            # Some operations have hosts of their own at AWS, such as `streaming-…`; here there is one.
            inject_host_prefix=False,
        )
        region = session.region_name or DEFAULT_REGION
        verify = None if self.certificate is None else str(self.certificate)
        return session.client(service, endpoint_url=self.endpoint, region_name=region, config=config, verify=verify)

    def session(self) -> Any:
        """A boto3 session with the key and the region."""
        import boto3  # type: ignore[import-untyped]

        return boto3.Session(
            aws_access_key_id=self.key.access_key,
            aws_secret_access_key=self.key.secret_key,
            aws_session_token=self.key.session_token,
            profile_name=self.key.profile,
            region_name=self.region,
        )


def connect(context: Any) -> Connection:
    """The server for a command, from the options that stand before it (`main.py` keeps them in the context)."""
    return resolve(context.obj)


def resolve(options: ClientOptions, environ: Mapping[str, str] = os.environ) -> Connection:
    """Find the server. Raises CliError when there is no key to be had."""
    data = local_data(options, environ)
    key = _key(options, environ, data)
    region = options.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if region is None and key.profile is None:
        region = own_region(data)
    url = endpoint(options, environ, data)
    return Connection(endpoint=url, region=region, key=key, certificate=own_certificate(url, data))


def local_data(options: ClientOptions, environ: Mapping[str, str] = os.environ) -> Path:
    """The data directory of this machine's server."""
    if options.data is not None:
        return options.data
    if environ.get("STOKER_DATA"):
        return Path(environ["STOKER_DATA"])
    return data_directory(environ, uid=os.geteuid(), home=Path.home())


def endpoint(options: ClientOptions, environ: Mapping[str, str], data: Path) -> str:
    """The server's URL, without a slash at its end."""
    said = options.endpoint or environ.get("STOKER_ENDPOINT") or environ.get("AWS_ENDPOINT_URL")
    url = said or _left(data, "endpoint") or DEFAULT_ENDPOINT
    if "://" not in url:
        url = f"http://{url}"
    return url.rstrip("/")


def local_key(data: Path) -> Key:
    """The key that the server wrote when it first started. Raises CliError saying how to get one."""
    return _key_in(data / "credentials")


def _key_in(path: Path) -> Key:
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise CliError(
            f"No credentials: neither in the environment nor in {path}. Start the server with `stoker up`, "
            "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from None
    except PermissionError:
        raise CliError(
            f"{path} belongs to another user. "
            f"`eval $(sudo stoker --data {path.parent} credentials --export)` gets the key."
        ) from None
    return _parse_credentials(text, path)


def _parse_credentials(text: str, path: Path) -> Key:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
        section = parser["default"] if parser.has_section("default") else parser[parser.sections()[0]]
        return Key(access_key=section["aws_access_key_id"], secret_key=section["aws_secret_access_key"])
    except (configparser.Error, KeyError, IndexError):
        raise CliError(f"{path} is not an AWS credentials file; restart the server to have it written anew.") from None


def _key(options: ClientOptions, environ: Mapping[str, str], data: Path) -> Key:
    if options.profile:
        return Key(profile=options.profile)
    if environ.get("STOKER_ACCESS_KEY") and environ.get("STOKER_SECRET_KEY"):
        return Key(access_key=environ["STOKER_ACCESS_KEY"], secret_key=environ["STOKER_SECRET_KEY"])
    if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        return Key(
            access_key=environ["AWS_ACCESS_KEY_ID"],
            secret_key=environ["AWS_SECRET_ACCESS_KEY"],
            session_token=environ.get("AWS_SESSION_TOKEN") or None,
        )
    if environ.get("AWS_PROFILE"):
        return Key(profile=environ["AWS_PROFILE"])
    if environ.get("AWS_SHARED_CREDENTIALS_FILE") and options.data is None and not environ.get("STOKER_DATA"):
        return _key_in(Path(environ["AWS_SHARED_CREDENTIALS_FILE"]))
    return local_key(data)


def own_certificate(url: str, data: Path) -> Path | None:
    """The certificate that the server of this data directory signed itself, if `url` is where that listens."""
    path = data / "certificate.pem"
    return path if url.startswith("https:") and url == _left(data, "endpoint") and path.is_file() else None


def own_region(data: Path) -> str:
    """The region that the server of this data directory was started with."""
    return _left(data, "region") or DEFAULT_REGION


def _left(data: Path, name: str) -> str | None:
    try:
        return (data / name).read_text().strip() or None
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        # No server has started here, or it is another user's: its defaults are as good a guess as any.
        return None
