"""Queues: put a message in, and look at what waits."""

from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console.routing import Route, get, post
from stoker.console.visit import Page, Redirect, Visit

# A look takes messages away from others for no longer than this.
_LOOK_S = 1
_COUNTS = {
    "ApproximateNumberOfMessages": "waiting",
    "ApproximateNumberOfMessagesNotVisible": "being worked on",
    "ApproximateNumberOfMessagesDelayed": "delayed",
}


class QueuePages:
    """The list, and one queue."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [
            get("/queues", self.show),
            post("/queues", self.create),
            get("/queues/{name}", self.show_one),
            post("/queues/{name}/send", self.send),
            post("/queues/{name}/look", self.look),
            post("/queues/{name}/purge", self.purge),
        ]

    async def show(self, visit: Visit) -> Page:
        prefix = {"QueueNamePrefix": visit.query["q"]} if visit.query.get("q") else {}
        answer = await visit.aws.call("sqs", "ListQueues", MaxResults=100, **prefix)
        names = [url.rpartition("/")[2] for url in answer.get("QueueUrls", ())]
        return Page(
            template="queues.html", context={"section": "queues", "names": names, "q": visit.query.get("q", "")}
        )

    async def create(self, visit: Visit) -> Redirect:
        name = visit.form["name"]
        fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}
        await visit.aws.call("sqs", "CreateQueue", QueueName=name, Attributes=fifo)
        return Redirect(to=f"/queues/{name}")

    async def show_one(self, visit: Visit) -> Page:
        """With its numbers, which a script asks for again."""
        name = visit.names["name"]
        answer = await visit.aws.call("sqs", "GetQueueAttributes", QueueUrl=await _url(visit), AttributeNames=["All"])
        facts: Mapping[str, Any] = answer["Attributes"]
        context = {
            "section": "queues",
            "name": name,
            "facts": facts,
            "counts": [(text, facts.get(key, "0")) for key, text in _COUNTS.items()],
        }
        return Page(template="queue_counts.html" if visit.is_fragment else "queue.html", context=context)

    async def send(self, visit: Visit) -> Page:
        group = {"MessageGroupId": visit.form["group"]} if visit.form["group"] else {}
        sent = await visit.aws.call(
            "sqs", "SendMessage", QueueUrl=await _url(visit), MessageBody=visit.form.raw("body"), **group
        )
        return Page(template="done.html", context={"done": f"Sent as {sent['MessageId']}."})

    async def look(self, visit: Visit) -> Page:
        """Some of what waits. It is hidden from others for a second, and counts as received."""
        answer = await visit.aws.call(
            "sqs",
            "ReceiveMessage",
            QueueUrl=await _url(visit),
            MaxNumberOfMessages=10,
            VisibilityTimeout=_LOOK_S,
            AttributeNames=["All"],
        )
        return Page(template="messages.html", context={"messages": answer.get("Messages", [])})

    async def purge(self, visit: Visit) -> Page:
        await visit.aws.call("sqs", "PurgeQueue", QueueUrl=await _url(visit))
        return Page(template="done.html", context={"done": "Emptied."})


async def _url(visit: Visit) -> str:
    return str((await visit.aws.call("sqs", "GetQueueUrl", QueueName=visit.names["name"]))["QueueUrl"])
