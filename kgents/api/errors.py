"""Everything that can go wrong for a user, one class per kind of trouble.

    KgentsError              exit 1   the operation failed
    ├── UsageError           exit 2   the call cannot be understood
    ├── NotFound             exit 3   the thing named is not there
    ├── Refused              exit 4   policy or permission says no
    └── Unreachable          exit 5   no layer could answer

An error is one line for a person: what happened, why, and what to do. It never speaks in AGENTESE paths.
Errors of third parties are translated where they are met, with the cause chained.
"""

from __future__ import annotations

from typing import ClassVar


class KgentsError(Exception):
    """The operation failed. `what` is a sentence without its full stop; `why` and `fix` may be empty."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        line = f"{self.what}: {self.why}" if self.why else self.what
        return f"{line}. {self.fix}" if self.fix else line

    def to_dict(self) -> dict[str, str]:
        """The same three parts, as they travel over the wire and in `-o json`."""
        return {"what": self.what, "why": self.why, "fix": self.fix}


class UsageError(KgentsError):
    """The call cannot be understood: an unknown option, a value that does not parse."""

    exit_code = 2


class NotFound(KgentsError):
    """The thing named is not there."""

    exit_code = 3


class Refused(KgentsError):
    """Policy or permission says no, or a person declined."""

    exit_code = 4


class Unreachable(KgentsError):
    """No layer could answer."""

    exit_code = 5
