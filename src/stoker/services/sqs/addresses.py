"""Queues by their URLs: `http://host:port/<account>/<name>`; the region is that of the request's signature."""

from typing import Any

from stoker.queues.catalogue import Catalogue
from stoker.queues.errors import QueueDoesNotExist
from stoker.queues.queue import Queue, name_in_url
from stoker.wire.message import Call


class Addresses:
    """`endpoint` is the URL that clients on this machine reach Stoker by. Any host is taken for it in a queue's URL."""

    def __init__(self, catalogue: Catalogue, endpoint: str) -> None:
        self._catalogue = catalogue
        self._endpoint = endpoint

    def url(self, queue: Queue) -> str:
        return f"{self._endpoint}/{queue.account}/{queue.name}"

    def queue(self, call: Call) -> Queue:
        """The queue that a call names. Raises QueueDoesNotExist, InvalidAddress."""
        url: Any = call.params["QueueUrl"]
        name = name_in_url(url, call.account)
        if name is None:
            raise QueueDoesNotExist
        return self._catalogue.find(call.region, name)
