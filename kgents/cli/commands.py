"""The commands, by name: what each is for, and the module that is imported when it is called, and only then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """`group`: its module offers `app`, a group of further commands; else a function of the command's own name."""

    name: str
    module: str
    help: str
    group: bool = False
    agent: bool = False
    hidden: bool = False


COMMANDS = {
    command.name: command
    for command in (
        Command("status", "status", "The agents, or one of them", agent=True),
        Command("observe", "observe", "The signals in the air, the strongest first"),
        Command("terrarium", "terrarium", "The whole hive on one screen, as it happens"),
        Command("signal", "signal", "Emit a signal that fades by itself", group=True),
        Command("run", "run", "Make an agent of any program"),
        Command("adopt", "adopt", "Make an agent of a workload that is there, unchanged"),
        Command("release", "adopt", "Let an adopted workload go, as it is", agent=True),
        Command("pause", "pause", "Pause an agent: no pods until it is resumed", agent=True),
        Command("resume", "pause", "Let a paused agent run again", agent=True),
        Command("logs", "logs", "What an agent writes", agent=True),
        Command("tether", "tether", "An agent's ports, log and signals in this terminal", agent=True),
        Command("delete", "delete", "Delete an agent and all that it owns", agent=True),
        Command("apply", "apply", "Apply objects from files"),
        Command("proposals", "proposals", "The changes that somebody wants"),
        Command("propose", "propose", "Ask for a change of an agent", agent=True),
        Command("diff", "diff", "What a proposal would change"),
        Command("approve", "decide", "Approve a proposal"),
        Command("reject", "decide", "Reject a proposal"),
        Command("rollback", "decide", "Take a merged change back"),
        Command("why", "why", "Why an agent or a proposal is as it is", agent=True),
        Command("audit", "audit", "Who asked, who decided, what changed"),
        Command("freeze", "freeze", "Refuse every agent's writes and every merge"),
        Command("thaw", "freeze", "Let agents write again"),
        Command("infra", "infra", "Hives: make, start, stop and delete them", group=True),
        Command("mcp", "mcp", "The hive as an MCP server, for language models"),
        Command("demo", "demo", "Plant the example hive"),
        Command("daemon", "daemon", "The Cortex daemon of a hive", group=True),
        Command("ghost", "ghost", "The last known state, on this disk", group=True),
        Command("paths", "paths", "Every operation, with its path"),
        Command("invoke", "invoke", "Invoke any path"),
        Command("completion", "completion", "Print the completion script for a shell"),
        Command("version", "version", "The version of kgents"),
    )
}
