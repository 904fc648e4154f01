"""Users in a table: a page with a form for browsers, JSON for everybody else."""

import base64
import html
import json
import os
import uuid
from urllib.parse import parse_qs

import boto3

TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE"])
PAGE = """<!doctype html>
<title>Users</title>
<h1>Users</h1>
<ul>{users}</ul>
<form method="post" action="users">
  <input name="name" placeholder="Name" required>
  <input name="email" type="email" placeholder="Email" required>
  <button>Add</button>
</form>
"""


def handler(event, context):
    """The route says what is wanted."""
    route = event["routeKey"]
    if route == "GET /":
        return page()
    if route == "GET /users":
        return answer(200, users())
    if route == "POST /users":
        return add(event)
    key = {"id": event["pathParameters"]["id"]}
    if route == "DELETE /users/{id}":
        TABLE.delete_item(Key=key)
        return {"statusCode": 204}
    found = TABLE.get_item(Key=key).get("Item")
    return answer(200, found) if found else answer(404, {"message": "There is no such user."})


def add(event):
    """From a form the browser goes back to the page; from JSON comes the user that was made."""
    body = event.get("body", "")
    if event["isBase64Encoded"]:
        body = base64.b64decode(body).decode()
    is_form = event["headers"].get("content-type", "").startswith("application/x-www-form-urlencoded")
    try:
        given = {name: values[0] for name, values in parse_qs(body).items()} if is_form else json.loads(body)
        user = {"id": uuid.uuid4().hex[:8], "name": given["name"], "email": given["email"]}
    except (ValueError, KeyError, TypeError):
        return answer(400, {"message": "A user has a name and an email."})
    TABLE.put_item(Item=user)
    return {"statusCode": 303, "headers": {"Location": "./"}} if is_form else answer(201, user)


def users():
    return sorted(TABLE.scan()["Items"], key=lambda user: user["name"])


def page():
    rows = "".join(f"<li>{html.escape(user['name'])} ({html.escape(user['email'])})</li>" for user in users())
    return {"statusCode": 200, "headers": {"Content-Type": "text/html"}, "body": PAGE.format(users=rows)}


def answer(status, content):
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(content)}
