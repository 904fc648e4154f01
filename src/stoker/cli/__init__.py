"""The command `stoker`: a client of the AWS API, and the start of the server.

May import everything below it, but at the top of a module only what is quick to load: boto3 and rich are imported
where they are used, so that `stoker --help` answers at once. Read `main.py` first, then `deploy.py` (what happens to a
folder) and `connection.py` (how a client finds its server).
"""
