"""AWS's services, one package each: wire words to values and back, thin. What they do is decided below them.

May import `invocations` and what is below it, and not each other. `operations` of a service
says what serves which operation (`wire.operations`); one that is not in it answers 501. Read `lambda_` first.
"""
