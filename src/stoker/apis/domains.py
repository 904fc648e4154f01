"""Custom domain names: names by which stages of APIs are called, whatever kind of API it is.

A certificate's ARN is kept as it is given: TLS is Stoker's own, or a proxy's in front of it.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.apis.errors import BadRequestException, ConflictException, NotFoundException
from stoker.apis.ids import new_part_id
from stoker.apis.request import ApiCall
from stoker.model.clock import Clock
from stoker.store.store import Store
from stoker.store.tables_http_apis import api_domains, api_mappings

Document = dict[str, Any]
REST_ENDPOINT_TYPE = "RestEndpointType"
"""The member of a domain name that only REST APIs' clients see: which kind of endpoint they asked for."""
MAX_DOMAINS = 120
MAX_MAPPINGS = 200
HasStage = Callable[[Connection, str, str, str], bool]
"""Whether there is such a stage of an API: by region, API and stage. Runs within a transaction."""

_NAME = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
# An address is no name, and these are the services' own.
_RESERVED = re.compile(r"(^|\.)([0-9]+|localhost|amazonaws\.com)$")
_KEY = re.compile(r"[A-Za-z0-9$_.+!*'()-]+(/[A-Za-z0-9$_.+!*'()-]+)*")
_domains, _mappings = api_domains.c, api_mappings.c


class Domains:
    """Make, find, change and delete names and their mappings; all of them are in memory for `serves` and `find`, which
    are what `apis.request.ApiDomains` says.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._stages: list[HasStage] = []
        # By name: what a path begins with, the longest first, and the API and stage.
        self._mapped: dict[str, list[tuple[str, str, str]]] = {}
        self._named: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Domains {' '.join(self._named)}>"

    def know(self, has_stage: HasStage) -> None:
        """Somebody who can tell which stages there are: one for each kind of API."""
        self._stages.append(has_stage)

    async def start(self) -> None:
        """Read them all."""

        def read(conn: Connection) -> tuple[dict[str, str], list[tuple[str, str, str, str]]]:
            names = {row.name: row.region for row in conn.execute(sa.select(_domains.name, _domains.region))}
            return names, [
                (row.domain, row.path, row.api_id, row.stage) for row in conn.execute(sa.select(api_mappings))
            ]

        self._named, rows = await self._store.read(read)
        self._mapped = {name: [] for name in self._named}
        for name, *mapping in sorted(rows, key=lambda row: -len(row[1])):
            self._mapped[name].append((mapping[0], mapping[1], mapping[2]))

    def serves(self, host: str) -> bool:
        return bool(self._named) and self._known(host) is not None

    def find(self, host: str, path: str) -> ApiCall | None:
        name = self._known(host)
        for key, api_id, stage in self._mapped.get(name or "", ()):
            base = f"/{key}" if key else ""
            if not base or path == base or path.startswith(f"{base}/"):
                region = self._named[name or ""]
                return ApiCall(api_id=api_id, region=region, path=path, domain=host, stage=stage, base_path=base)
        return None

    def _known(self, host: str) -> str | None:
        if host in self._named:
            return host
        wildcard = f"*.{host.partition('.')[2]}"
        return wildcard if wildcard in self._named else None

    async def create(self, region: str, name: str, given: Mapping[str, Any]) -> Document:
        name = name.lower()
        if _NAME.fullmatch(name) is None or _RESERVED.search(name) is not None:
            raise BadRequestException(f"Invalid domain name identifier specified: {name}")
        now = self._clock.time()
        document = _completed(region, name, {**given, "DomainName": name})

        def work(conn: Connection) -> None:
            if conn.execute(sa.select(_domains.name).where(_domains.name == name)).first() is not None:
                raise ConflictException("The domain name you provided already exists.")
            count = conn.execute(sa.select(sa.func.count()).select_from(api_domains)).scalar_one()
            if count >= MAX_DOMAINS:
                raise BadRequestException(f"There are at most {MAX_DOMAINS} domain names.")
            conn.execute(sa.insert(api_domains).values(name=name, region=region, created=now, document=document))

        await self._store.write(work)
        await self.start()
        return document

    async def get(self, region: str, name: str) -> Document:
        return await self._store.read(lambda conn: _require(conn, region, name))

    async def all(self, region: str) -> Sequence[Document]:
        query = sa.select(_domains.document).where(_domains.region == region).order_by(_domains.name)
        return await self._store.read(lambda conn: list(conn.execute(query).scalars()))

    async def update(self, region: str, name: str, given: Mapping[str, Any]) -> Document:
        return await self._change(region, name, lambda domain: _completed(region, name, {**domain, **given}))

    async def change_tags(self, region: str, name: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        await self._change(region, name, lambda domain: {**domain, "Tags": change(domain.get("Tags", {}))})

    async def delete(self, region: str, name: str) -> None:
        def work(conn: Connection) -> None:
            _require(conn, region, name)
            conn.execute(sa.delete(api_mappings).where(_mappings.domain == name))
            conn.execute(sa.delete(api_domains).where(_domains.name == name))

        await self._store.write(work)
        await self.start()

    async def map(self, region: str, name: str, key: str, api_id: str, stage: str) -> Document:
        """A new mapping; `key` is what a path begins with, empty for all."""
        mapping_id = new_part_id()

        def work(conn: Connection) -> None:
            _require(conn, region, name)
            self._check(conn, region, name, mapping_id, key, api_id, stage)
            if len(_mapping_rows(conn, name)) >= MAX_MAPPINGS:
                raise BadRequestException(f"A domain name has at most {MAX_MAPPINGS} mappings.")
            values = {"domain": name, "id": mapping_id, "path": key, "api_id": api_id, "stage": stage}
            conn.execute(sa.insert(api_mappings).values(**values))

        await self._store.write(work)
        await self.start()
        return _mapping(mapping_id, key, api_id, stage)

    async def mapping(self, region: str, name: str, mapping_id: str) -> Document:
        return _require_mapping(await self.mappings(region, name), mapping_id)

    async def mappings(self, region: str, name: str) -> Sequence[Document]:
        def read(conn: Connection) -> Sequence[Document]:
            _require(conn, region, name)
            return _mapping_rows(conn, name)

        return await self._store.read(read)

    async def remap(
        self, region: str, name: str, mapping_id: str, *, key: str | None, api_id: str, stage: str | None
    ) -> Document:
        def work(conn: Connection) -> Document:
            _require(conn, region, name)
            before = _require_mapping(_mapping_rows(conn, name), mapping_id)
            new_key = before["ApiMappingKey"] if key is None else key
            new_stage = before["Stage"] if stage is None else stage
            self._check(conn, region, name, mapping_id, new_key, api_id, new_stage)
            where = (_mappings.domain == name) & (_mappings.id == mapping_id)
            values = {"path": new_key, "api_id": api_id, "stage": new_stage}
            conn.execute(sa.update(api_mappings).where(where).values(**values))
            return _mapping(mapping_id, new_key, api_id, new_stage)

        changed = await self._store.write(work)
        await self.start()
        return changed

    async def unmap(self, region: str, name: str, mapping_id: str) -> None:
        await self.mapping(region, name, mapping_id)
        where = (_mappings.domain == name) & (_mappings.id == mapping_id)
        await self._store.write(lambda conn: conn.execute(sa.delete(api_mappings).where(where)).rowcount)
        await self.start()

    def _check(
        self, conn: Connection, region: str, name: str, mapping_id: str, key: str, api_id: str, stage: str
    ) -> None:
        if key and _KEY.fullmatch(key) is None:
            raise BadRequestException(f"Invalid ApiMappingKey: {key}")
        others = [each for each in _mapping_rows(conn, name) if each["ApiMappingId"] != mapping_id]
        if any(each["ApiMappingKey"] == key for each in others):
            raise ConflictException("ApiMapping key already exists for this domain name")
        if not any(has(conn, region, api_id, stage) for has in self._stages):
            raise NotFoundException(f"Invalid stage identifier specified: {stage} of API {api_id}")

    async def _change(self, region: str, name: str, change: Callable[[Document], Document]) -> Document:
        def work(conn: Connection) -> Document:
            changed = change(_require(conn, region, name))
            conn.execute(sa.update(api_domains).where(_domains.name == name).values(document=changed))
            return changed

        return await self._store.write(work)


def _require(conn: Connection, region: str, name: str) -> Document:
    where = (_domains.name == name) & (_domains.region == region)
    found: Document | None = conn.execute(sa.select(_domains.document).where(where)).scalar()
    if found is None:
        raise NotFoundException("The domain name resource specified in the request was not found.")
    return found


def _mapping_rows(conn: Connection, name: str) -> Sequence[Document]:
    query = sa.select(api_mappings).where(_mappings.domain == name).order_by(_mappings.path)
    return [_mapping(row.id, row.path, row.api_id, row.stage) for row in conn.execute(query)]


def _require_mapping(mappings: Sequence[Document], mapping_id: str) -> Document:
    for mapping in mappings:
        if mapping["ApiMappingId"] == mapping_id:
            return mapping
    raise NotFoundException("The api mapping resource specified in the request was not found.")


def _mapping(mapping_id: str, key: str, api_id: str, stage: str) -> Document:
    return {"ApiMappingId": mapping_id, "ApiMappingKey": key, "ApiId": api_id, "Stage": stage}


def _completed(region: str, name: str, domain: Document) -> Document:
    """With what API Gateway says of each configuration; the target name is for a CNAME that leads to Stoker."""
    label = hashlib.sha256(f"{region}/{name}".encode()).hexdigest()[:10]
    target = f"d-{label}.execute-api.{region}.amazonaws.com"
    configurations = [
        {"EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2", "IpAddressType": "ipv4", **each}
        | {"ApiGatewayDomainName": target, "DomainNameStatus": "AVAILABLE"}
        for each in domain.get("DomainNameConfigurations") or [{}]
    ]
    if any(each["EndpointType"] != "REGIONAL" for each in configurations):
        raise BadRequestException("Only REGIONAL endpoints are supported for domain names.")
    return {"Tags": {}, **domain, "DomainNameConfigurations": configurations}
