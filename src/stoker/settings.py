"""Everything that can be set, in one frozen value; the only reader of os.environ."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# In the data directory: what those bring who read figures from another machine.
METRICS_TOKEN = "metrics-token"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one Stoker runs. Built by `stoker up` from its options and the environment.

    `store_url` is an SQLAlchemy URL, empty for SQLite under `data`. `objects_url` is where S3's objects are
    (`s3://BUCKET/PREFIX?endpoint=URL&region=NAME`), empty for files under `data`; `objects_access_key` and its secret
    are for there. `keep_warm_s` is how long an idle environment is kept. `region` is what local clients use that name
    none. `concurrency` is how many invocations may run at once in a region. `sandbox` is `linux` or `gvisor`, the
    driver for functions that don't choose. `blanks` is how many pre-forked processes wait at most per runtime in use,
    `slots` how many prepared networks and disks at least. `home` and `path` (the variables HOME and PATH) are where
    interpreters are looked for. `prices` is a TOML file with the bill's prices, else they are those of us-east-1.
    `tls_cert` and `tls_key` are PEM files, both or none; `insecure` lets others than this machine come in without them.
    `loopback_endpoints` lets SNS call HTTP endpoints on this machine. Without `enforce_iam` whoever has a key may do
    everything.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 4566
    store_url: str = ""
    objects_url: str = ""
    objects_access_key: str | None = None
    objects_secret_key: str | None = None
    account: str = "000000000000"
    region: str = "us-east-1"
    keep_warm_s: float = 600.0
    concurrency: int = 1000
    sandbox: str = "linux"
    allow_weak_isolation: bool = False
    blanks: int = 24
    slots: int = 8
    access_key: str | None = None
    secret_key: str | None = None
    home: Path = Path("/")
    path: str = ""
    prices: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False
    loopback_endpoints: bool = False
    enforce_iam: bool = True

    @classmethod
    def from_environment(cls, *, environ: Mapping[str, str] = os.environ, **options: object) -> "Settings":
        """The options given, completed by `STOKER_ACCESS_KEY`, `STOKER_SECRET_KEY` and their like for objects."""
        values = {name: value for name, value in options.items() if value is not None}
        values.setdefault("access_key", environ.get("STOKER_ACCESS_KEY") or None)
        values.setdefault("secret_key", environ.get("STOKER_SECRET_KEY") or None)
        values.setdefault("objects_access_key", environ.get("STOKER_OBJECTS_ACCESS_KEY") or None)
        values.setdefault("objects_secret_key", environ.get("STOKER_OBJECTS_SECRET_KEY") or None)
        values.setdefault("home", Path(environ.get("HOME", "/")))
        values.setdefault("path", environ.get("PATH", ""))
        return cls(**values)  # type: ignore[arg-type]

    @property
    def root_key(self) -> tuple[str, str] | None:
        """The preset root key: access key and secret."""
        return (self.access_key, self.secret_key) if self.access_key and self.secret_key else None

    @property
    def objects_key(self) -> tuple[str, str] | None:
        """The key with which objects are put where `objects_url` says."""
        access, secret = self.objects_access_key, self.objects_secret_key
        return (access, secret) if access and secret else None

    @property
    def tls(self) -> tuple[Path, Path] | None:
        """The certificate and its key, if the port speaks TLS."""
        return (self.tls_cert, self.tls_key) if self.tls_cert and self.tls_key else None

    @property
    def is_local(self) -> bool:
        """Whether only this machine can come in."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def endpoint_at(self, port: int) -> str:
        """The URL by which clients on this machine reach it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        scheme = "https" if self.tls else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
