"""AWS's wire: bytes to checked values and back, driven by botocore's service models.

May import `settings`, `model`, `bootstrap` and `linux` of Stoker's, and botocore's loader and model. Read
`message.py` (the values), then `api.py` (one service's operations); a protocol is one module (`rest_json`,
`json_rpc`, `query`) behind `protocol.py`. `sigv4.py` says who is calling, `credentials.py` which keys there are.
"""
