"""APIs as requests meet them: compiled when first called, and anew after each change."""

import asyncio

from stoker.apis.http.apis import HttpApis
from stoker.apis.http.compiled import DeployedApi, compile_api


class DeployedApis:
    """Every compiled API stays in memory until it changes: some 2 KB a route."""

    def __init__(self, apis: HttpApis) -> None:
        self._apis = apis
        self._known: dict[str, DeployedApi] = {}
        self._loading: dict[str, asyncio.Task[DeployedApi]] = {}
        self._changes = 0
        apis.watch(self._forget)

    def __repr__(self) -> str:
        return f"<DeployedApis {len(self._known)} compiled>"

    async def get(self, region: str, api_id: str) -> DeployedApi:
        """What is known, else what is loaded. Raises NotFoundException where the API has just gone."""
        return self._known.get(api_id) or await self._load_once(region, api_id)

    async def _load_once(self, region: str, api_id: str) -> DeployedApi:
        """Whoever needs the same one at the same time waits for one look into the database."""
        task = self._loading.get(api_id)
        if task is None:
            task = self._loading[api_id] = asyncio.create_task(self._load(region, api_id))
            task.add_done_callback(lambda done: self._loaded(api_id, done))
        return await asyncio.shield(task)

    def _loaded(self, api_id: str, task: asyncio.Task[DeployedApi]) -> None:
        if self._loading.get(api_id) is task:
            del self._loading[api_id]

    async def _load(self, region: str, api_id: str) -> DeployedApi:
        changes = self._changes
        draft, snapshots = await self._apis.deployed(region, api_id)
        # A large API takes some milliseconds.
        api = await asyncio.to_thread(compile_api, region, draft, snapshots)
        if changes == self._changes:
            self._known[api_id] = api
        return api

    def _forget(self, api_id: str) -> None:
        self._changes += 1
        self._known.pop(api_id, None)
        # Who asks from now on must not be answered by what was read before.
        self._loading.pop(api_id, None)
