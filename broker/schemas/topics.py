"""Topic names: one topic per organisation and direction, so that Kafka's own ACLs say who writes and who reads.

The exercise environment has its own topics, by prefix; nothing that subscribes to one can be made to read the other.
"""

import re

from broker.schemas.event import Flow
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import MsgStatus

_NAME = re.compile(r"^(source|source-keys|answer|notice|provider|keys)\.(org-[a-z0-9-]+)$")


class Topics:
    """The topic names of one environment (`actual` or `exercise`); `prefix` keeps networks on one cluster apart."""

    __slots__ = ("_before", "_names", "environment", "prefix")

    def __init__(self, environment: MsgStatus = MsgStatus.ACTUAL, prefix: str = "") -> None:
        """The names are made once each: every message asks for one."""
        self.environment = environment
        self.prefix = prefix
        self._before = prefix + ("exercise." if environment is MsgStatus.EXERCISE else "")
        self._names: dict[tuple[Flow, OrgId], str] = {}

    def name(self, flow: Flow, org: OrgId) -> str:
        """The topic on which `org` writes (source, source-keys, answer) or reads (notice, provider, keys)."""
        name = self._names.get((flow, org))
        if name is None:
            name = self._names[(flow, org)] = f"{self._before}{flow.value}.{org}"
        return name

    def parse(self, topic: str) -> tuple[Flow, OrgId] | None:
        """The flow and organisation of a topic of this environment; None for any other topic."""
        if not topic.startswith(self._before):
            return None
        found = _NAME.match(topic.removeprefix(self._before))
        return (Flow(found[1]), OrgId(found[2])) if found else None

    def pattern(self, *flows: Flow) -> str:
        """What to subscribe to for every organisation's topics of these flows, the ones that are still to come too."""
        return f"^{re.escape(self._before)}({'|'.join(flow.value for flow in flows)})\\.org-.*$"

    def of_organisation(self, org: OrgId, *, provider: bool) -> tuple[str, ...]:
        """The topics to create when an organisation is onboarded."""
        own = (Flow.BROKER_TO_PROVIDER, Flow.KEYS_TO_PROVIDER, Flow.PROVIDER_TO_BROKER) if provider else ()
        every = (Flow.SOURCE_TO_BROKER, Flow.KEYS_TO_BROKER, Flow.BROKER_TO_SOURCE)
        return tuple(self.name(flow, org) for flow in (*every, *own))
