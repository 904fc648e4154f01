"""A Flask application, as it runs anywhere. apig-wsgi makes a handler of it."""

import hashlib

from apig_wsgi import make_lambda_handler
from flask import Flask, Response, abort, redirect, request

app = Flask(__name__)
notes = ["first"]


@app.get("/")
def page():
    items = "".join(f"<li>{note}</li>" for note in notes)
    return f'<ul>{items}</ul><form method="post" action="notes"><input name="note"><button>Add</button></form>'


@app.post("/notes")
def add():
    notes.append(request.form["note"])
    answer = redirect("../", 303)
    answer.set_cookie("last", request.form["note"])
    answer.set_cookie("count", str(len(notes)))
    return answer


@app.get("/notes/<int:number>")
def note(number):
    if number >= len(notes):
        abort(404)
    return {"note": notes[number], "query": request.args.to_dict(flat=False)}


@app.post("/files")
def take_file():
    return {"sha256": hashlib.sha256(request.files["file"].read()).hexdigest()}


@app.get("/pixel.gif")
def pixel():
    return Response(b"GIF89a\x01\x00\x01\x00\x80\xff\x00", mimetype="image/gif")


handler = make_lambda_handler(app, binary_support=True)
