"""Layers: packages of their own, versioned, that functions put under /opt."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from stoker.functions import version_rows
from stoker.functions.records import (
    MAX_NUMBER,
    LayerVersion,
    Page,
    decode_layer,
    decode_marker,
    encode_layer,
    encode_marker,
    page_of,
)
from stoker.functions.unused_code import UnusedCode
from stoker.functions.uploads import Uploads, check_storage
from stoker.model.arn import FunctionId, LayerReferenceName, layer_arn, parse_layer_reference
from stoker.model.clock import Clock
from stoker.model.errors import InvalidParameterValueException, ResourceNotFoundException
from stoker.model.function import LayerReference
from stoker.model.limits import MAX_LAYERS
from stoker.store.store import Store
from stoker.store.tables_functions import layer_versions, package_references

_layers = layer_versions.c


@dataclass(frozen=True, kw_only=True)
class LayerDraft:
    """What PublishLayerVersion is given, besides the zip."""

    account: str
    region: str
    name: str
    description: str = ""
    license_info: str | None = None
    compatible_runtimes: tuple[str, ...] = ()
    compatible_architectures: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LayerFilter:
    """Which versions a list shows: those that say they are compatible with all that is given."""

    runtime: str | None = None
    architecture: str | None = None

    def matches(self, layer: LayerVersion) -> bool:
        return (self.runtime is None or self.runtime in layer.compatible_runtimes) and (
            self.architecture is None or self.architecture in layer.compatible_architectures
        )


class Layers:
    """Publish, find and delete layer versions. A deleted version stays with the functions that have it."""

    def __init__(self, store: Store, uploads: Uploads, unused: UnusedCode, clock: Clock) -> None:
        self._store = store
        self._uploads = uploads
        self._unused = unused
        self._clock = clock

    async def publish(self, draft: LayerDraft, data: bytes) -> LayerVersion:
        """A new version; its number was never used before."""
        package = await self._uploads.inspect(data)
        created = self._clock.time()

        def insert(conn: Connection) -> LayerVersion:
            check_storage(conn, draft.region, package.size)
            layer = LayerVersion(
                account=draft.account,
                region=draft.region,
                name=draft.name,
                version=version_rows.next_number(conn, "layer", draft.region, draft.name),
                description=draft.description,
                license_info=draft.license_info,
                compatible_runtimes=draft.compatible_runtimes,
                compatible_architectures=draft.compatible_architectures,
                code_sha256=package.digest,
                code_size=package.size,
                created=created,
            )
            _insert(conn, layer)
            return layer

        async with self._uploads.kept(data, package):
            return await self._store.write(insert)

    async def get(self, region: str, name: str, version: int) -> LayerVersion:
        """One version; ResourceNotFoundException if it is not there."""
        _check_number(version)
        layer = await self._store.read(lambda conn: find(conn, region, name, version))
        if layer is None:
            raise ResourceNotFoundException
        return layer

    async def delete(self, region: str, name: str, version: int) -> None:
        """Delete one version; one that is not there is no error."""
        _check_number(version)
        digest = await self._store.write(lambda conn: _delete(conn, region, name, version))
        self._unused.consider(filter(None, [digest]))

    async def list_versions(
        self, region: str, name: str, which: LayerFilter, marker: str | None, limit: int
    ) -> Page[LayerVersion]:
        """A layer's versions, newest first."""
        below = decode_marker(marker, 0)[0]

        def read(conn: Connection) -> list[LayerVersion]:
            where = (_layers.region == region) & (_layers.name == name)
            if below:
                where &= _layers.version < below
            found = filter(which.matches, _read(conn, where))
            return list(itertools.islice(found, limit + 1))

        found = await self._store.read(read)
        return page_of(found, limit, lambda layer: encode_marker(layer.version))

    async def list_latest(self, region: str, which: LayerFilter, marker: str | None, limit: int) -> Page[LayerVersion]:
        """The newest matching version of each layer, by name."""
        after = decode_marker(marker, "")[0]

        def read(conn: Connection) -> list[LayerVersion]:
            found = filter(which.matches, _read(conn, (_layers.region == region) & (_layers.name > after)))
            newest = (next(versions) for _, versions in itertools.groupby(found, lambda layer: layer.name))
            return list(itertools.islice(newest, limit + 1))

        found = await self._store.read(read)
        return page_of(found, limit, lambda layer: encode_marker(layer.name))


def find(conn: Connection, region: str, name: str, version: int) -> LayerVersion | None:
    """A layer version, if it is there."""
    if version > MAX_NUMBER:
        return None
    row = conn.execute(sa.select(_layers.document).where(_is(region, name, version))).first()
    return None if row is None else decode_layer(row.document)


def resolve_layers(
    conn: Connection, function: FunctionId, arns: Sequence[str], current: Iterable[LayerReference]
) -> tuple[LayerReference, ...]:
    """The layer versions that ARNs name, in their order; raises what AWS answers.

    `current` are those the function has: they may stay even if they were deleted meanwhile.
    """
    if len(arns) > MAX_LAYERS:
        raise InvalidParameterValueException(f"Cannot reference more than {MAX_LAYERS} layers.")
    kept = {layer.arn: layer for layer in current}
    seen: dict[str, str] = {}
    resolved = []
    for arn in arns:
        reference = _reference(function, arn)
        layer = _find_reference(conn, function, reference)
        found = kept.get(arn) if layer is None else _as_reference(layer)
        if found is None:
            raise InvalidParameterValueException(f"Layer version {arn} does not exist.")
        if reference.name in seen:
            raise InvalidParameterValueException(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{seen[reference.name]} and {arn} are versions of the same layer."
            )
        seen[reference.name] = arn
        resolved.append(found)
    return tuple(resolved)


def _reference(function: FunctionId, arn: str) -> LayerReferenceName:
    reference = parse_layer_reference(arn)
    if reference is None or reference.version is None or reference.region is None:
        raise InvalidParameterValueException(f"Layer version {arn} does not exist.")
    if reference.region != function.region:
        raise InvalidParameterValueException(
            f"Layers are not in the same region as the function. Layers are expected to be in region {function.region}."
        )
    return reference


def _find_reference(conn: Connection, function: FunctionId, reference: LayerReferenceName) -> LayerVersion | None:
    if reference.account != function.account or reference.version is None:
        return None
    return find(conn, function.region, reference.name, reference.version)


def _as_reference(layer: LayerVersion) -> LayerReference:
    return LayerReference(
        arn=layer_arn(layer.region, layer.account, layer.name, layer.version),
        code_sha256=layer.code_sha256,
        code_size=layer.code_size,
    )


def _read(conn: Connection, where: sa.ColumnElement[bool]) -> Iterator[LayerVersion]:
    """By name, and newest first within a name: the primary key's order, read only as far as it is asked for."""
    query = sa.select(_layers.document).where(where).order_by(_layers.name, _layers.version.desc())
    with conn.execute(query, execution_options={"yield_per": 100}) as rows:
        for document in rows.scalars():
            yield decode_layer(document)


def _insert(conn: Connection, layer: LayerVersion) -> None:
    key = {"region": layer.region, "name": layer.name, "version": layer.version}
    conn.execute(sa.insert(layer_versions).values(**key, document=encode_layer(layer), code_size=layer.code_size))
    owner = _owner(layer.region, layer.name, layer.version)
    conn.execute(sa.insert(package_references).values(owner=owner, digest=layer.code_sha256))


def _delete(conn: Connection, region: str, name: str, version: int) -> str | None:
    layer = find(conn, region, name, version)
    conn.execute(sa.delete(layer_versions).where(_is(region, name, version)))
    conn.execute(sa.delete(package_references).where(package_references.c.owner == _owner(region, name, version)))
    return None if layer is None else layer.code_sha256


def _owner(region: str, name: str, version: int) -> str:
    return f"layer/{region}/{name}/{version}"


def _is(region: str, name: str, version: int) -> sa.ColumnElement[bool]:
    return (_layers.region == region) & (_layers.name == name) & (_layers.version == version)


def _check_number(version: int) -> None:
    if version < 1:
        raise InvalidParameterValueException("Layer Version Cannot be less than 1")
