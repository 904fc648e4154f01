"""Buckets: put a file in, and see that it is there."""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from urllib.parse import quote

from stoker.console.routing import Route, get, post
from stoker.console.visit import InputError, Page, Redirect, Visit

# What is shown of an object.
MOST_SHOWN = 64 * 1024


class BucketPages:
    """The list, one bucket, and one object."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = [
            get("/buckets", self.show),
            post("/buckets", self.create),
            get("/buckets/{name}", self.show_one),
            post("/buckets/{name}/put", self.put),
            post("/buckets/{name}/delete", self.delete),
            get("/buckets/{name}/object", self.show_object),
        ]

    async def show(self, visit: Visit) -> Page:
        answer = await visit.aws.call("s3", "ListBuckets")
        return Page(template="buckets.html", context={"section": "buckets", "buckets": answer.get("Buckets", [])})

    async def create(self, visit: Visit) -> Redirect:
        name, region = visit.form["name"], visit.aws.region
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        await visit.aws.call("s3", "CreateBucket", Bucket=name, **where)
        return Redirect(to=f"/buckets/{name}")

    async def show_one(self, visit: Visit) -> Page:
        name, query = visit.names["name"], visit.query
        token = {"ContinuationToken": query["from"]} if query.get("from") else {}
        prefix = query.get("q", "")
        answer = await visit.aws.call("s3", "ListObjectsV2", Bucket=name, Prefix=prefix, MaxKeys=100, **token)
        context = {
            "section": "buckets",
            "name": name,
            "objects": answer.get("Contents", []),
            "following": answer.get("NextContinuationToken"),
            "q": prefix,
        }
        return Page(template="objects.html" if visit.is_fragment else "bucket.html", context=context)

    async def put(self, visit: Visit) -> Redirect:
        """A text as typed, or a file, which a script brings in base64."""
        name, form = visit.names["name"], visit.form
        if not form["key"]:
            raise InputError("Give it a key: its name in the bucket.")
        try:
            body = await asyncio.to_thread(_body, form["file"], form.raw("text"))
        except binascii.Error:
            raise InputError("The file did not arrive whole.") from None
        kind = {"ContentType": form["type"]} if form["type"] else {}
        await visit.aws.call("s3", "PutObject", Bucket=name, Key=form["key"], Body=body, **kind)
        return Redirect(to=f"/buckets/{name}")

    async def delete(self, visit: Visit) -> Redirect:
        await visit.aws.call("s3", "DeleteObject", Bucket=visit.names["name"], Key=visit.form.raw("key"))
        return Redirect(to=f"/buckets/{visit.names['name']}")

    async def show_object(self, visit: Visit) -> Page:
        """Its facts, and its beginning if that is text."""
        name, key = visit.names["name"], visit.query.get("key", "")
        facts = await visit.aws.call("s3", "HeadObject", Bucket=name, Key=key)
        text = None
        if facts["ContentLength"]:
            span = {"Range": f"bytes=0-{MOST_SHOWN - 1}"}
            body = (await visit.aws.call("s3", "GetObject", Bucket=name, Key=key, **span))["Body"]
            text = None if b"\0" in body else body.decode(errors="replace")
        context = {"section": "buckets", "name": name, "key": key, "facts": facts, "text": text, "quoted": quote(key)}
        return Page(template="object.html", context=context)


def _body(file: str, text: str) -> bytes:
    return base64.b64decode(file, validate=True) if file else text.encode()
