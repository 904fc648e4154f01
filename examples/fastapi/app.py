"""A FastAPI application, as it runs anywhere. Mangum makes a handler of it."""

from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Response
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI(title="Items")
items: dict[int, str] = {1: "first"}


class Item(BaseModel):
    name: str


@app.get("/items/{item_id}")
def read_item(item_id: int, loud: bool = False) -> dict[str, str]:
    if item_id not in items:
        raise HTTPException(404, "There is no such item.")
    return {"name": items[item_id].upper() if loud else items[item_id]}


@app.post("/items", status_code=201)
def add_item(item: Item, response: Response) -> dict[str, str]:
    response.set_cookie("seen", item.name)
    response.set_cookie("more", "yes")
    return {"name": item.name}


@app.get("/echo/{rest:path}")
def echo(rest: str, x_word: Annotated[list[str] | None, Header()] = None) -> dict[str, object]:
    return {"rest": rest, "words": x_word}


handler = Mangum(app, lifespan="off")
