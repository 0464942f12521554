"""What agents are written with: signals, claims, proposals, memory, their umwelt. Cheap to import.

    from kgents import sdk

    me = sdk.agent()
    for signal in me.sense("SCARCITY", least=0.3):
        me.propose({"spec": {"replicas": 3}}, reason=f"too little of {signal.payload}", caused_by=[signal])

In a pod it acts with the pod's own ServiceAccount; outside, `sdk.agent("scholar")` with the current kubeconfig context.
"""

from __future__ import annotations

from kgents.sdk.agent import Agent, agent
from kgents.sdk.memory import Memory
from kgents.sdk.proposals import Proposal
from kgents.sdk.signals import Signal, Work
from kgents.sdk.umwelt import Umwelt

__all__ = ["Agent", "Memory", "Proposal", "Signal", "Umwelt", "Work", "agent"]
