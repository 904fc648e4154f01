"""Everything that can be set, in one frozen value; the only reader of os.environ."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

# In the data directory: what those bring who read figures from another machine.
METRICS_TOKEN = "metrics-token"


class SettingsError(ValueError):
    """What is set cannot be."""


@dataclass(frozen=True, kw_only=True)
class TraceSettings:
    """Where traces go and which are kept. `url` is the collector's, with its path; `ratio` of all traces are kept, if
    `parent_based` of those that nobody has decided about before.
    """

    url: str
    headers: Mapping[str, str]
    resource: Mapping[str, str]
    parent_based: bool = True
    ratio: float = 1.0

    @classmethod
    def from_environment(cls, endpoint: str | None, environ: Mapping[str, str]) -> "TraceSettings | None":
        """What OpenTelemetry's own variables say; `endpoint` goes before theirs. None where nobody names a collector.

        Raises SettingsError. Source: "Environment Variable Specification" and "OTLP Exporter Configuration".
        """
        given = {name.removeprefix("OTEL_"): value for name, value in environ.items() if name.startswith("OTEL_")}
        base = endpoint or given.get("EXPORTER_OTLP_ENDPOINT")
        own = None if endpoint else given.get("EXPORTER_OTLP_TRACES_ENDPOINT")
        url = own or (f"{base.rstrip('/')}/v1/traces" if base else "")
        if not url or given.get("SDK_DISABLED", "").lower() == "true" or given.get("TRACES_EXPORTER") == "none":
            return None
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise SettingsError(f"The collector of traces is to be an http:// or https:// URL, not {url!r}.")
        protocol = given.get("EXPORTER_OTLP_TRACES_PROTOCOL") or given.get("EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
        if protocol != "http/protobuf":
            raise SettingsError(f"Traces are sent as http/protobuf (port 4318 of a collector), not as {protocol}.")
        headers = _pairs(given.get("EXPORTER_OTLP_TRACES_HEADERS") or given.get("EXPORTER_OTLP_HEADERS") or "")
        resource = {"service.name": "stoker", **_pairs(given.get("RESOURCE_ATTRIBUTES") or "")}
        if given.get("SERVICE_NAME"):
            resource["service.name"] = given["SERVICE_NAME"]
        parent_based, ratio = _sampler(given.get("TRACES_SAMPLER") or "", given.get("TRACES_SAMPLER_ARG") or "1")
        return cls(url=url, headers=headers, resource=resource, parent_based=parent_based, ratio=ratio)


def _sampler(name: str, argument: str) -> tuple[bool, float]:
    plain = name.removeprefix("parentbased_") or "always_on"
    if plain not in ("always_on", "always_off", "traceidratio"):
        raise SettingsError(f"OTEL_TRACES_SAMPLER={name} is not known here.")
    try:
        ratio = {"always_on": 1.0, "always_off": 0.0}.get(plain)
        ratio = float(argument) if ratio is None else ratio
    except ValueError:
        ratio = -1.0
    if not 0.0 <= ratio <= 1.0:
        raise SettingsError(f"OTEL_TRACES_SAMPLER_ARG={argument} is no share between 0 and 1.")
    return not name or name.startswith("parentbased_"), ratio


def _pairs(text: str) -> dict[str, str]:
    """`a=1,b=2`, percent-encoded. Raises SettingsError for what no header may hold."""
    pairs = {}
    for part in filter(str.strip, text.split(",")):
        name, equals, value = part.partition("=")
        name, value = name.strip(), unquote(value.strip())
        if not equals or not name or not f"{name}{value}".isprintable():
            raise SettingsError(f"{part!r} is not of the form name=value.")
        pairs[name] = value
    return pairs


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
    `proxies` are the addresses and networks of proxies in front, who are believed for whom they speak.
    `loopback_endpoints` lets SNS call HTTP endpoints on this machine. Without `enforce_iam` whoever has a key may do
    everything. `traces` is None where no collector is named.
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
    proxies: tuple[str, ...] = ()
    loopback_endpoints: bool = False
    enforce_iam: bool = True
    traces: TraceSettings | None = None

    @classmethod
    def from_environment(
        cls, *, environ: Mapping[str, str] = os.environ, otlp_endpoint: str | None = None, **options: object
    ) -> "Settings":
        """The options given, completed by `STOKER_ACCESS_KEY`, `STOKER_SECRET_KEY` and their like for objects, and by
        OpenTelemetry's variables. Raises SettingsError for what those say that cannot be.
        """
        values = {name: value for name, value in options.items() if value is not None}
        values.setdefault("access_key", environ.get("STOKER_ACCESS_KEY") or None)
        values.setdefault("secret_key", environ.get("STOKER_SECRET_KEY") or None)
        values.setdefault("objects_access_key", environ.get("STOKER_OBJECTS_ACCESS_KEY") or None)
        values.setdefault("objects_secret_key", environ.get("STOKER_OBJECTS_SECRET_KEY") or None)
        values.setdefault("home", Path(environ.get("HOME", "/")))
        values.setdefault("path", environ.get("PATH", ""))
        values.setdefault("traces", TraceSettings.from_environment(otlp_endpoint, environ))
        return cls(**values)  # type: ignore[arg-type]

    @property
    def database_url(self) -> str:
        """Where the store is."""
        return self.store_url or f"sqlite:///{self.data}/stoker.db"

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
