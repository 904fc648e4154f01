"""The web console at /_stoker/console/: pages for people, rendered here, and a little script.

It has no powers of its own. Whoever signs in does so with an access key, and all that a page shows or does is a call of
the AWS APIs that is signed with it (`aws.py`), so that the same policies apply as for boto3. What no AWS API tells, it
shows only to those whom the APIs would show the function in question (`sight.py`).

May import `services` and what is below, and nothing of `front_door`: the application that takes the calls is handed in.
Read `app.py` first, then `visit.py`; the pages are in `pages`.
"""
