"""Where this process stands: one of several may work, and the others wait, ready to take over."""

from __future__ import annotations

from kgents.vitals.observing import Reading, offer

STARTING, WAITING, LEADING, AT_WORK = "starting", "waiting", "leading", "at work"


class Station:
    """Who waits is as ready as who works: that is what a second replica is for."""

    def __init__(self) -> None:
        self.state = STARTING
        offer(Reading("kgents_leading", "1 while this process leads.", "", lambda: [("", float(self._leads()))]))

    def why_not_ready(self) -> str:
        """ "" when it is."""
        if self.state == STARTING:
            return "the API server has not answered yet"
        return "the operators read what there is" if self.state == LEADING else ""

    def wait(self) -> None:
        self.state = WAITING

    def lead(self) -> None:
        self.state = LEADING

    def work(self) -> None:
        self.state = AT_WORK

    def _leads(self) -> bool:
        return self.state in (LEADING, AT_WORK)
