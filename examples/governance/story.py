"""An agent that may change itself, and what stands in its way: about a minute and a half, on the current hive.

    kgents demo governance              or, in a checkout:  python examples/governance/story.py

It plays in a namespace of its own; at the end the agent is gone and the record stays. Two things concern the whole
hive: the time for which a change is watched is short meanwhile, and for some seconds the hive is frozen.
"""

from __future__ import annotations

import argparse
import signal
import textwrap
import time

from stage import Stage

from kgents.api.errors import KgentsError


def main() -> None:
    parser = argparse.ArgumentParser(prog="story.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--context", help="the kubeconfig context of the hive; the current one if left out")
    parser.add_argument("--keep", action="store_true", help="leave the agent running, to look around")
    given = parser.parse_args()
    begun = time.monotonic()
    with Stage(given.context, keep=given.keep) as stage:
        for act in (opening, scaling, forgetting, new_release, sickening, brakes, reckoning):
            act(stage)
    print(f"\nThat was {time.monotonic() - begun:.0f} seconds. How it works: docs/governance.md")


def tell(text: str) -> None:
    print("\n" + textwrap.fill(" ".join(text.split()), 100), flush=True)


def heading(text: str) -> None:
    print(f"\n━━ {text} " + "━" * (96 - len(text)), flush=True)


def opening(stage: Stage) -> None:
    heading("1. A mill")
    tell(f"""An agent called mill grinds orders, in the namespace {stage.namespace}. It is a program of seventy lines
        that talks to its hive through kgents.sdk. It may not write to agents, not even to itself: it can only ask.""")
    if not stage.bake_is_short:
        tell("The time for which a change is watched stays as you have set it, so this may take longer.")
    stage.phase("Running")
    stage.kgents("status")


def scaling(stage: Stage) -> None:
    heading("2. Under load: inside its envelope, merged by itself")
    tell("""Twenty-four orders arrive. The mill sees that it is alone with them, says so (SCARCITY), and proposes to be
        three. Its umwelt lets it be one to four, so nobody has to look.""")
    stage.signal(*(f"order {number}" for number in range(1, 25)), type="INTENT")
    row = stage.proposal("I am alone", "Merged")
    stage.kgents("proposals")
    stage.kgents("why", f"proposal/{row['name']}")


def forgetting(stage: Stage) -> None:
    heading("3. Out of bounds: blocked")
    tell("""Somebody warns that the disk is filling up. The mill wants to help, and proposes to delete its own memory.
        What is deleted cannot be made again: that is blocked, until a person lifts it with a written reason.""")
    stage.signal("the disk is filling up", type="WARNING", target="mill")
    row = stage.proposal("without my memory", "Blocked")
    stage.kgents("why", f"proposal/{row['name']}")
    tell("Here somebody says no.")
    stage.kgents("reject", row["name"], "--reason", "the memory is what makes it worth having")
    stage.proposal("without my memory", "Rejected")


def new_release(stage: Stage) -> None:
    heading("4. In between: reviewed by a person")
    tell("""There is a new release. The mill proposes to become mill:2. All of its code would change, so somebody has to
        look; he approves the very diff that he has seen, and no other.""")
    stage.signal("mill:2", type="OPPORTUNITY", target="mill")
    row = stage.proposal("new release", "Reviewing")
    stage.kgents("diff", row["name"])
    stage.kgents("approve", row["name"], "--reason", "looks good to me")
    tell("Changes of one agent take turns: this one waits until the last one has been watched for its time.")
    stage.proposal("new release", "Merged")
    stage.kubectl("get", "prop")


def sickening(stage: Stage) -> None:
    heading("5. It sickens, and is taken back")
    tell("The new release does not work. Nobody has to be awake: whatever sickens after a change is put back.")
    stage.phase("Degraded", "Failed")
    stage.kgents("status")
    row = stage.proposal("new release", "RolledBack")
    stage.phase("Running")
    tell("And back it is:")
    stage.kgents("why", f"proposal/{row['name']}")
    stage.kgents("status")


def brakes(stage: Stage) -> None:
    heading("6. The brake")
    tell("""Something is wrong, and nobody knows what. One command stops what agents write, and every merge: the API
        server itself refuses, even with all of kgents dead. The programs run on.""")
    stage.frozen = True
    stage.kgents("freeze", "--reason", "a drill", "--yes")
    stage.signal("an order in the frost", type="INTENT")
    stage.until("a refusal in the mill's log", lambda: "REFUSED" in stage.kgents("logs", "mill", quiet=True))
    stage.kgents("logs", "mill", "--tail", "1")
    stage.kgents("status")
    stage.kgents("thaw")
    stage.frozen = False
    stage.until("the frozen order", lambda: "ground an order in the frost" in stage.kgents("logs", "mill", quiet=True))
    tell("Thawed, the mill has ground the order that came in the frost.")


def reckoning(stage: Stage) -> None:
    heading("7. Who did what, and why")
    tell("""Every decision is in the record, each entry sealed with the one before: nobody changes one unseen. And the
        agent can say how it came to be what it is.""")
    stage.kgents("audit", "--verify", check=False)  # others may have broken the chain before
    stage.kgents("why", "mill")
    stage.kubectl("get", "prop")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except KgentsError as error:
        raise SystemExit(f"kgents: {error}") from error
