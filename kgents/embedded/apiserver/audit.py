"""What policies and webhooks want to be noted of a write.

Kubernetes adds such annotations to its audit log. There is none here: they go to the server's own log, one line a
write, as JSON, so that nothing in them can forge a line.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from kgents.embedded.apiserver.admission import Review

log = logging.getLogger(__name__)
# Somebody wrote a policy to have these: they are written at any level of logging.
log.setLevel(logging.INFO)


def note(review: Review, annotations: Mapping[str, str]) -> None:
    """Writes annotations down, if there are any."""
    if not annotations:
        return
    call = review.call
    line = {
        "user": call.user.name,
        "verb": call.info.verb,
        "resource": call.resource.qualified,
        "subresource": review.subresource,
        "namespace": call.info.namespace,
        "name": review.name,
        "dryRun": call.dry_run,
        "annotations": dict(annotations),
    }
    log.info("noted %s", orjson.dumps(line).decode())
