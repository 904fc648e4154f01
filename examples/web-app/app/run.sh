#!/bin/sh
exec python -m waitress --listen="127.0.0.1:$PORT" app:app
