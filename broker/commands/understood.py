"""What an event in short form asks of the client: the fact, what it is about, and for a referral whom to seal to."""

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from broker.agency.errors import EventRefusedBeforeSending, refused_here
from broker.agency.planning import Plan
from broker.agency.publishing import About
from broker.client import AgencyClient, ConsentRef
from broker.commands.event_file import FileNotUsable, ShortEvent, now_utc, read_event_file
from broker.commands.raw_record import fresh_subject
from broker.schemas.catalogue import event_named
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.event import EventData
from broker.schemas.ids import ConsentId, EventId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import instant


def fact_of(event: ShortEvent) -> EventData:
    """The event's data, read as the broker reads them.

    Raises:
        EventRefusedBeforeSending: with the code that the broker would refuse them with.
    """
    kind = event_named(event.type)
    if kind is None:
        raise EventRefusedBeforeSending(RefusalCode.TYPE_UNKNOWN, "type")
    with refused_here():
        return kind.read(to_json(event.data))


def is_request(event: ShortEvent) -> bool:
    """Whether the client is to seal what it carries; a request with ciphertexts of its own is published as it is."""
    return event_named(event.type) is ReferralRequested and "sealed" not in event.data


def plan_of(event: ShortEvent, client: AgencyClient) -> Plan:
    """What of a request would leave, and for whom; raises as `AgencyClient.plan_referral`."""
    fields: dict[str, Any] = dict(event.data)
    return client.plan_referral(groups=event.seal, seal_to=event.seal_to, consent=_consent(event), **fields)


def about_of(event: ShortEvent, client: AgencyClient) -> About:
    """The attributes that the file chooses; a fresh subject where it names none."""
    return About(
        subject=fresh_subject(event, client.publishing.desk),
        consent=_consent(event),
        expires_at=_moment(event.expirytime, "expirytime"),
        event_id=EventId(event.id) if event.id is not None else None,
        time=_moment(event.time, "time"),
    )


def know_release(client: AgencyClient, path: Path) -> None:
    """Show the client the releases of a file that was published earlier.

    Raises:
        FileNotUsable: it holds something else.
    """
    for event in read_event_file(path, client.org, now_utc()):
        fact = fact_of(event) if isinstance(event, ShortEvent) else None
        if not isinstance(fact, ConsentGranted | ConsentNarrowed):
            raise FileNotUsable(f"{path} holds no release in short form.")
        client.know_consent(fact.record)


def _consent(event: ShortEvent) -> ConsentRef | None:
    return ConsentRef(ConsentId(event.consentid), event.consentver) if event.consentid is not None else None


def _moment(text: str | None, name: str) -> datetime | None:
    try:
        return None if text is None else instant(text)
    except ValueError:
        raise EventRefusedBeforeSending(RefusalCode.ATTRIBUTE_INVALID, name) from None
