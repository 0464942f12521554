"""A scholar: answers questions, one at a time, and asks for a second pair of hands when too many wait."""

from kgents import sdk

me = sdk.agent("scholar")
asked = None

for work in me.work("INTENT"):  # what waits, then what comes; of all scholars, one has it
    with work:  # done when the block ends well, somebody else's when it does not
        me.think(f"somebody wants to know about {work.payload}")
        answer = f"{work.payload} has {len(work.payload)} letters"
        me.emit("NARRATIVE", answer, caused_by=[work.signal])
    waiting = [one for one in me.sense("INTENT") if not one.claimed_by]
    if len(waiting) > 2 and asked is None:
        me.emit("SCARCITY", f"{len(waiting)} questions wait", intensity=0.8)
        asked = me.propose({"spec": {"replicas": 2}}, reason="too many questions", caused_by=waiting[:3])
