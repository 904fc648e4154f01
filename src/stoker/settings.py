"""Everything that can be set, in one frozen value; the only reader of os.environ."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one Stoker runs. Built by `stoker up` from its options and the environment.

    `store_url` is an SQLAlchemy URL, empty for SQLite under `data`. `keep_warm_s` is how long an idle environment is
    kept. `region` is what local clients use that name none. `concurrency` is how many invocations may run at once in a
    region. `sandbox` is `linux` or `gvisor`, the driver for functions that don't choose. `blanks` is how many
    pre-forked processes wait at most per runtime in use, `slots` how many prepared networks and disks at least. `home`
    and `path` (the variables HOME and PATH) are where interpreters are looked for. `prices` is a TOML file with the
    bill's prices, else they are those of us-east-1.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 4566
    store_url: str = ""
    account: str = "000000000000"
    region: str = "us-east-1"
    keep_warm_s: float = 600.0
    concurrency: int = 1000
    sandbox: str = "linux"
    allow_weak_isolation: bool = False
    blanks: int = 16
    slots: int = 8
    access_key: str | None = None
    secret_key: str | None = None
    home: Path = Path("/")
    path: str = ""
    prices: Path | None = None

    @classmethod
    def from_environment(cls, *, environ: Mapping[str, str] = os.environ, **options: object) -> "Settings":
        """The options given, completed by `STOKER_ACCESS_KEY` and `STOKER_SECRET_KEY`."""
        values = {name: value for name, value in options.items() if value is not None}
        values.setdefault("access_key", environ.get("STOKER_ACCESS_KEY") or None)
        values.setdefault("secret_key", environ.get("STOKER_SECRET_KEY") or None)
        values.setdefault("home", Path(environ.get("HOME", "/")))
        values.setdefault("path", environ.get("PATH", ""))
        return cls(**values)  # type: ignore[arg-type]

    @property
    def root_key(self) -> tuple[str, str] | None:
        """The preset root key: access key and secret."""
        return (self.access_key, self.secret_key) if self.access_key and self.secret_key else None

    def endpoint_at(self, port: int) -> str:
        """The URL by which clients on this machine reach it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
