"""APIs: make, find, change and delete them. Every change of a part goes through `change`."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from stoker.apis.errors import BadRequestException, NotFoundException
from stoker.apis.http import rows
from stoker.apis.http.api_rules import check_api
from stoker.apis.http.deployments import deploy_automatically
from stoker.apis.http.draft import STAGE, Document, Draft, Snapshot
from stoker.apis.ids import new_api_id
from stoker.model.clock import Clock
from stoker.store.store import Store

T = TypeVar("T")


class HttpApis:
    """The region of every API is in memory; `watch` tells of each API that changed, once the change is durable."""

    def __init__(self, store: Store, clock: Clock, account: str) -> None:
        self._store = store
        self._clock = clock
        self._account = account
        self._regions: dict[str, str] = {}
        self._watchers: list[Callable[[str], None]] = []

    def __repr__(self) -> str:
        return f"<HttpApis {len(self._regions)}>"

    async def start(self) -> None:
        """Look which APIs there are."""
        self._regions = await self._store.read(rows.regions)

    def watch(self, watcher: Callable[[str], None]) -> None:
        self._watchers.append(watcher)

    def region_of(self, api_id: str) -> str | None:
        return self._regions.get(api_id)

    async def create(self, region: str, given: Document, fill: Callable[[Draft], None]) -> Draft:
        """A new API; `fill` gives it its first parts."""
        api = check_api({**given, "ApiId": new_api_id(), "CreatedDate": self._clock.time()}, None)
        now = self._clock.time()

        def work(conn: Connection) -> Draft:
            draft = Draft(dict(api), {})
            fill(draft)
            deploy_automatically(draft, now)
            rows.add(conn, region, draft)
            return draft

        draft = await self._store.write(work)
        self._regions[draft.id] = region
        self._announce(draft.id)
        return draft

    async def change(self, region: str, api_id: str, work: Callable[[Draft], T]) -> T:
        """What `work` returns; it may run more than once. Raises NotFoundException where there is no such API."""
        now = self._clock.time()

        def write(conn: Connection) -> T:
            draft = self._require(conn, region, api_id)
            result = work(draft)
            deploy_automatically(draft, now)
            self._check_mapped(conn, draft)
            rows.save(conn, draft)
            return result

        result = await self._store.write(write)
        self._announce(api_id)
        return result

    async def read(self, region: str, api_id: str) -> Draft:
        """An API as it is. Raises NotFoundException."""
        return await self._store.read(lambda conn: self._require(conn, region, api_id))

    async def all(self, region: str) -> Sequence[Document]:
        return await self._store.read(lambda conn: rows.apis_of(conn, region))

    async def deployed(self, region: str, api_id: str) -> tuple[Draft, Mapping[str, Snapshot]]:
        """An API, and what each of its stages serves, by deployment. Raises NotFoundException."""

        def read(conn: Connection) -> tuple[Draft, Mapping[str, Snapshot]]:
            draft = self._require(conn, region, api_id)
            served = {stage.get("DeploymentId") for stage in draft.all(STAGE).values()} - {None}
            return draft, {str(each): rows.snapshot_of(conn, api_id, str(each)) for each in served}

        return await self._store.read(read)

    async def delete(self, region: str, api_id: str) -> None:
        """Delete an API with all its parts; its address is nobody's then."""

        def write(conn: Connection) -> None:
            self._require(conn, region, api_id)
            if rows.is_mapped(conn, api_id):
                raise BadRequestException("Deleting this API is not allowed: domain names are mapped to its stages.")
            rows.delete(conn, api_id)

        await self._store.write(write)
        self._regions.pop(api_id, None)
        self._announce(api_id)

    def _require(self, conn: Connection, region: str, api_id: str) -> Draft:
        draft = rows.load(conn, region, api_id)
        if draft is None:
            raise NotFoundException(f"Invalid API identifier specified {self._account}:{api_id}")
        return draft

    def _check_mapped(self, conn: Connection, draft: Draft) -> None:
        """A stage that a domain name leads to stays."""
        for name in draft.before[1].get(STAGE, {}).keys() - draft.all(STAGE).keys():
            if rows.is_mapped(conn, draft.id, name):
                raise BadRequestException("Deleting this stage is not allowed: domain names are mapped to it.")

    def _announce(self, api_id: str) -> None:
        for watcher in self._watchers:
            watcher(api_id)
