"""What agents are written with: signals, claims, proposals, memory, their umwelt. Cheap to import.

    from kgents import sdk

    me = sdk.agent()
    for signal in me.follow("SCARCITY", least=0.3):
        me.propose({"spec": {"replicas": 3}}, reason=f"too little of {signal.payload}", caused_by=[signal])

In a pod it acts with the pod's own ServiceAccount; outside, `sdk.agent("scholar")` with the current kubeconfig context.
Everything waits for its answer; a program on an event loop calls it by `asyncio.to_thread`. Errors are KgentsErrors.
`kgents.sdk.testing` has a real hive for tests.
"""

from __future__ import annotations

from kgents.api.errors import KgentsError, NotFound, Refused, Unreachable, UsageError
from kgents.kube.errors import Conflict, TooManyRequests
from kgents.sdk.agent import Agent, agent
from kgents.sdk.following import Following
from kgents.sdk.memory import Memory
from kgents.sdk.proposals import Proposal
from kgents.sdk.reactions import Reaction
from kgents.sdk.signals import Signal
from kgents.sdk.umwelt import Umwelt
from kgents.sdk.work import ClaimLost, Work

__all__ = [
    "Agent",
    "ClaimLost",
    "Conflict",
    "Following",
    "KgentsError",
    "Memory",
    "NotFound",
    "Proposal",
    "Reaction",
    "Refused",
    "Signal",
    "TooManyRequests",
    "Umwelt",
    "Unreachable",
    "UsageError",
    "Work",
    "agent",
]
