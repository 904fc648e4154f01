"""SQS's queues: durable, standard and FIFO, with dead-letter queues. The rules; `services.sqs` speaks for them.

May import `deliveries`, `store` and `model`. Read `queues.py` first: it is what others call. Then `claims.py` (what a
receive takes), `receivers.py` (who waits for it) and `sending.py`.
"""
