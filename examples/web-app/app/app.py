"""A web application as it runs anywhere: it knows neither Lambda nor events."""

import hashlib
import time

from flask import Flask, Response, redirect, request
from markupsafe import escape

app = Flask(__name__)


@app.get("/")
def page():
    name = request.cookies.get("name")
    greeting = f"<p>Welcome back, {escape(name)}!</p>" if name else ""
    return f'{greeting}<form method="post" action="sign"><input name="name"><button>Sign</button></form>'


@app.post("/sign")
def sign():
    # In a cookie, and not in this process: there may be many of them, and none for ever.
    answer = redirect("./", 303)
    answer.set_cookie("name", request.form["name"])
    answer.set_cookie("visits", str(int(request.cookies.get("visits", 0)) + 1))
    return answer


@app.get("/seen/<path:rest>")
def seen(rest):
    return {
        "rest": rest,
        "query": request.args.to_dict(flat=False),
        "cookies": request.cookies,
        "host": request.host,
        "context": request.headers.get("x-amzn-request-context"),
    }


@app.post("/files")
def take_file():
    return {"sha256": hashlib.sha256(request.files["file"].read()).hexdigest()}


@app.get("/pixel.gif")
def pixel():
    return Response(b"GIF89a\x01\x00\x01\x00\x80\xff\x00", mimetype="image/gif")


@app.get("/count")
def count():
    def lines():
        for number in range(3):
            yield f"{number}\n"
            time.sleep(1)

    return Response(lines(), mimetype="text/plain")
