"""The AsyncAPI 3.0.0 document of the network's topics, made from the same classes as the events.

It is written from the broker's point of view, as AsyncAPI wants it: the broker receives what sources and providers
send. `docs/asyncapi.json` is its checked-in copy.
"""

from collections.abc import Mapping
from typing import Any, Final

from broker.schemas.attributes import OPTIONAL, REQUIRED, SUBJECT_PATTERNS
from broker.schemas.catalogue import short_name
from broker.schemas.event import TO_BROKER, EventData, Flow, events
from broker.schemas.json_schema import JsonSchema, models_of, tidy

CONTRACT_VERSION: Final = "1.0.0"
"""The version of the contract as a whole; each event has its own in its type name."""
ABOUT: Final = (
    "Referrals between agencies that respond to domestic violence, as CloudEvents 1.0 on Kafka. Binary mode is shown; "
    "structured mode is read too (docs/wire-format.md). Drills have topics of their own, with the prefix `exercise.`, "
    "and every event says which it is by `ce_msgstatus`."
)
KAFKA_BINDING: Final = "0.4.0"
_SCHEMAS: Final = "#/components/schemas/{model}"

_CHANNELS: Final[Mapping[Flow, tuple[str, str, str]]] = {
    Flow.SOURCE_TO_BROKER: ("agency", "receiveFromSource", "What one agency asks for: it alone writes here."),
    Flow.KEYS_TO_BROKER: ("agency", "receiveKeys", "The keys to what one agency has sealed, kept for days: it writes."),
    Flow.BROKER_TO_SOURCE: ("agency", "notifySource", "What one agency is told: it alone reads here."),
    Flow.BROKER_TO_PROVIDER: ("org", "tellProvider", "What one provider is asked and handed: it alone reads here."),
    Flow.KEYS_TO_PROVIDER: ("org", "keyProvider", "The keys to what one provider is handed, kept for days: it reads."),
    Flow.PROVIDER_TO_BROKER: ("org", "receiveAnswer", "What one provider answers: it alone writes here."),
}
"""By flow: the parameter in the topic's name, the operation's name, and what the channel is."""


def document() -> JsonSchema:
    """The whole document."""
    references, definitions = models_of(events().values(), _SCHEMAS)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Warm Handoff",
            "version": CONTRACT_VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {flow.value: _channel(flow) for flow in _CHANNELS},
        "operations": {operation: _operation(flow) for flow, (_, operation, _) in _CHANNELS.items()},
        "components": {
            "messages": {event.__name__: _message(event, references[event]) for event in events().values()},
            "schemas": definitions,
        },
    }


def _events_of(flow: Flow) -> list[type[EventData]]:
    return [event for event in events().values() if flow in event.FLOWS]


def _channel(flow: Flow) -> dict[str, Any]:
    parameter, _, what = _CHANNELS[flow]
    names = [event.__name__ for event in _events_of(flow)]
    return {
        "address": f"{flow.value}.{{{parameter}}}",
        "description": f"{what} The key is the event's subject, so that order within a referral is kept.",
        "parameters": {parameter: {"description": "An organisation's id, such as `org-shelter-b`."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _operation(flow: Flow) -> dict[str, Any]:
    received = flow in TO_BROKER
    return {
        "action": "receive" if received else "send",
        "channel": {"$ref": f"#/channels/{flow.value}"},
        "messages": [{"$ref": f"#/channels/{flow.value}/messages/{event.__name__}"} for event in _events_of(flow)],
    }


def _message(event: type[EventData], payload: Mapping[str, Any]) -> dict[str, Any]:
    promise = (event.__doc__ or "").strip().splitlines()
    return {
        "name": event.TYPE,
        "title": short_name(event.TYPE),
        "summary": promise[0],
        "contentType": "application/json",
        "headers": _headers(event),
        "payload": tidy(dict(payload)),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "pattern": SUBJECT_PATTERNS[event.SUBJECT]},
                "bindingVersion": KAFKA_BINDING,
            }
        },
        "examples": [{"name": short_name(event.TYPE), "payload": dict(event.EXAMPLE)}],
    }


def _headers(event: type[EventData]) -> JsonSchema:
    """The Kafka headers of binary mode: each CloudEvents attribute as text, the content type and the signature."""
    subject = SUBJECT_PATTERNS[event.SUBJECT]
    known = {"type": {"const": event.TYPE}, "subject": {"pattern": subject}, "partitionkey": {"pattern": subject}}
    properties: JsonSchema = {
        f"ce_{name}": {"type": "string"} | known.get(name, {"pattern": form})
        for name, form in (REQUIRED | OPTIONAL).items()
    }
    properties["content-type"] = {"type": "string", "const": "application/json"}
    properties["wh-signature"] = {"type": "string", "description": "`v1 <keyid> <signature>`: docs/wire-format.md."}
    required = [f"ce_{name}" for name in REQUIRED]
    return {"type": "object", "required": [*required, "content-type", "wh-signature"], "properties": properties}


def message_of(event: type[EventData]) -> JsonSchema:
    """One event's message as it stands in the document, with the definitions that it leads to."""
    references, definitions = models_of([event], _SCHEMAS)
    message = {event.__name__: _message(event, references[event])}
    return {"components": {"messages": message, "schemas": definitions}}
