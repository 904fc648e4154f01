"""DynamoDB: requests to reads and writes of items, and their outcomes in its words.

May import `items`, `wire` and `model`. Read `service.py` first: it says which module answers which operation.
"""
