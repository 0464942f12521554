"""A soak of the embedded API server: writers, watchers, kills and restarts, and a verdict with figures.

Time is cut into rounds. In a round, writers change objects in every way there is and note what the server acknowledged;
watchers note every event; pagers note every list they read in pages. In the first half of the time the server is killed
(`kill -9`) or stopped in the middle of it all and started again; in the second half one process lives through all
rounds, so that its memory can be judged. At the end of a round the writers pause, everybody catches up, and the
notes are held against each other (`checks.py`): they must tell one and the same history. Then they are thrown away.
"""
