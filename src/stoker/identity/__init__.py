"""Who there is and what they may do: users, groups, roles and their policies, and the decision about a request.

May import `store`, `wire` and `model`. Read `evaluation.py` first: AWS's evaluation logic in one page. `documents.py`
makes values of policies, `directory.py` knows whose they are.
"""
