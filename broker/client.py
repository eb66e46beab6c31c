"""What an agency imports: publish events that are checked, sealed and signed, and hear for certain what became of them.

    async with AgencyClient("org-hotline-county", zone, "localhost:9092") as client:
        await client.grant_consent(release, asked_in_private=True)
        referral = await client.request_referral(
            priority="P1",
            services=["EMERGENCY_SHELTER"],
            need_summary={"adults": 1, "children": 2, "safe_tonight": False},
            access_needs={"preferred_language": "es", "interpreter": True},
            jurisdiction_code="US-CA",
            victim_agreed="YES",
            worker_contact={"role": "ADVOCATE_ON_CALL", "callback": "+15555550100"},
            groups={"FG04": {"alias": "Robin"}, "FG03": safe_contact},
            consent=release,
        )
        await client.accepted(referral.requested, seconds=10)
        async for notice in client.notices():
            match notice.fact:
                case RecipientChosen():
                    await client.seal_chosen(notice)
                case ReferralClosed():
                    break

What the broker would refuse is refused here first, with the same code (`EventRefusedBeforeSending`): nothing has left
then. Every error is a `HandoffError` with a `remedy`, and none shows a field's value.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Self, Unpack

from broker.agency.consents import ConsentLike, KnownConsents, ref_of
from broker.agency.contents import GroupContent
from broker.agency.errors import NoAnswerYet, NotAccepted
from broker.agency.facts import Facts
from broker.agency.hearing import Listener, Since
from broker.agency.keeping import KeptReferral, KeyKeeper, MemoryKeeper
from broker.agency.kept_files import FolderKeeper, zone_keeper
from broker.agency.kept_log import KeptLog
from broker.agency.late_sealing import LateSealing
from broker.agency.ledger import zone_ledger
from broker.agency.log_door import LogDoor
from broker.agency.notices import Hearing, Notice
from broker.agency.outcomes import Answer, Outcomes
from broker.agency.planning import Plan, Share
from broker.agency.publishing import About, Event, Published, Publishing
from broker.agency.records import Desk
from broker.agency.referring import ReferralPublished, Referring, RequestFields
from broker.agency.sending import Sender
from broker.domain.consent import ConsentRef
from broker.errors import SettingsInvalid
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.event import EventData
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, EventId, KeyId, OrgId, ReferralId
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_held import ReferralHeld
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import MsgStatus
from broker.settings import Settings
from broker.zone import AgencyZone, NetworkDirectory, load_zone

__all__ = [
    "AgencyClient",
    "ConsentRecord",
    "ConsentRef",
    "EventAccepted",
    "EventRefused",
    "FolderKeeper",
    "KeptReferral",
    "KeyKeeper",
    "MemoryKeeper",
    "NetworkDirectory",
    "Notice",
    "Plan",
    "Published",
    "RecipientChosen",
    "ReferralClosed",
    "ReferralHeld",
    "ReferralPublished",
    "ReferralStatus",
    "Share",
    "Since",
]

ANSWER_SECONDS: Final = 30.0
"""How long one waits by default for the broker's answer; as a rule it comes within a tenth of a second."""


class AgencyClient(Facts):
    """One agency's connection to the network, for one event loop. Open it once and share it.

    Content keys stay in `keeper`: by default encrypted in the zone's folder, from which any later process of the zone,
    such as `handoff agent`, lets in the providers that are chosen.
    """

    def __init__(
        self,
        org: str,
        zone: Path,
        kafka_bootstrap: str,
        *,
        environment: MsgStatus | Literal["actual", "exercise"] = MsgStatus.ACTUAL,
        topic_prefix: str = "",
        kafka_options: Mapping[str, Any] | None = None,
        name: str = "client",
        keeper: KeyKeeper | None = None,
        broker_url: str | None = None,
    ) -> None:
        """The client of `org`, whose folder `zone` is (see `broker.zone`), on the Kafka at `host:port[,host:port…]`.

        `kafka_options` are further keyword arguments of aiokafka's clients, for TLS and SASL. `name` tells readers of
        the same notices apart: each name is told everything once, and goes on where it was when it comes again. With
        `broker_url`, its door, it keeps the log's checkpoints and logs an error when the log was cut or rewritten.

        Raises:
            ZoneIncomplete: the folder lacks something.
            KeyFileError: a key file is missing or cannot be trusted.
        """
        self.org = OrgId(org)
        self._folder = zone
        self._zone = load_zone(zone, self.org, datetime.now(UTC))
        self._name, topics = name, Topics(MsgStatus(environment), topic_prefix)
        kafka = {"bootstrap_servers": kafka_bootstrap, **(kafka_options or {})}
        self._hearing = Hearing(self._zone, topics)
        self._consents = KnownConsents()
        self.kept_keys: KeyKeeper = zone_keeper(zone) if keeper is None else keeper
        self._sender = Sender(kafka)
        self.ledger = zone_ledger(zone)
        self.publishing = Publishing(Desk(self._zone, topics), self._sender, self.ledger)
        self._referring = Referring(self.publishing, self._consents, self.kept_keys)
        self.late = LateSealing(self.publishing, self._consents, self.kept_keys)
        self._listener = Listener(kafka, self._hearing)
        self._outcomes = Outcomes(self._listener, self._hearing.read)
        self.log = None if broker_url is None else KeptLog(zone, LogDoor(broker_url, lambda: self._zone.signing_key))

    @classmethod
    def of_settings(
        cls, settings: Settings, org: str, *, name: str = "client", keeper: KeyKeeper | None = None
    ) -> Self:
        """The client of an organisation whose zone is in `<home>/zones/<org>`, by the settings of this installation.

        Raises:
            SettingsInvalid: no address of Kafka is set; and as the constructor.
        """
        if settings.kafka_bootstrap is None:
            raise SettingsInvalid("HANDOFF_KAFKA_BOOTSTRAP is not set and no embedded Kafka runs.")
        return cls(
            org,
            settings.zones / org,
            settings.kafka_bootstrap,
            environment=settings.environment,
            topic_prefix=settings.topic_prefix,
            kafka_options=settings.kafka_client_options(),
            name=name,
            keeper=keeper,
            broker_url=settings.broker_url,
        )

    def __repr__(self) -> str:
        return f"<AgencyClient {self.org}>"

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaUnreachable: Kafka does not answer within seconds.
            NotOnboarded: the agency's topics are not there.
        """
        await self._sender.start((*self.publishing.desk.own_topics, self._listener.topic))
        if self.log is not None:
            self.log.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.log is not None:
            await self.log.end()
        await self._outcomes.stop()
        await self._listener.stop()
        await self._sender.stop()

    @property
    def zone(self) -> AgencyZone:
        """The agency's zone: the network's directory, the policy pack that is asked before anything leaves."""
        return self._zone

    def look_again(self) -> None:
        """Take in what has changed in the zone's folder since: a newer directory, a new key of its own.

        Raises:
            ZoneIncomplete, KeyFileError: what is there now cannot be used; the client goes on with what it had.
        """
        self._zone = load_zone(self._folder, self.org, datetime.now(UTC))
        self._hearing.zone = self._zone
        self.publishing.desk = Desk(self._zone, self.publishing.desk.topics)

    # --- publishing ----------------------------------------------------------------------------------------------

    async def publish(
        self,
        fact: EventData,
        *,
        subject: str,
        consent: ConsentLike = None,
        expires_at: datetime | None = None,
        event_id: EventId | None = None,
        time: datetime | None = None,
    ) -> Published:
        """Check, sign and publish an event; returns when all in-sync replicas of Kafka have it.

        Under one `event_id` exactly one sequence of bytes leaves, however often it is published. `expires_at` (aware):
        from then on the broker refuses it. `time` (aware): when the fact came to be, now as a rule.

        Raises:
            EventRefusedBeforeSending: the broker would refuse it; nothing has left.
            NotConfirmed: it may have arrived or not; `publish_again` sends the same bytes.
            NotOnboarded: there is no such topic.
        """
        if isinstance(fact, ConsentRevoked):
            self._consents.check_named(ConsentId(subject), fact, self._zone.directory.by_org)
        about = About(subject, ref_of(consent), expires_at, event_id, time)
        record = self.publishing.drafted(fact, about)
        if isinstance(fact, ConsentGranted | ConsentNarrowed | ConsentRevoked):
            await self.late.consents_change(lambda: self._note(fact, subject))
        return await self.publishing.send(self.publishing.remember(record))

    async def publish_again(self, event_id: EventId) -> Published:
        """Send an event that was not confirmed once more, and whatever was to follow it: the same bytes.

        Raises:
            KeyError: this client has not made an event of this id, or too long ago.
            NotConfirmed, NotOnboarded: as `publish`.
        """
        published = await self.publishing.send(event_id)
        follower = self.publishing.follower(event_id)
        while follower is not None:
            await self.publishing.send(follower)
            follower = self.publishing.follower(follower)
        return published

    def know_consent(self, record: ConsentRecord) -> None:
        """Show the client a release that was published earlier, so that it can seal to whom it names."""
        self._consents.note(record)

    # --- referrals -----------------------------------------------------------------------------------------------

    def plan_referral(
        self,
        *,
        groups: Mapping[str, GroupContent] | None = None,
        seal_to: Sequence[OrgId] | None = None,
        consent: ConsentLike = None,
        **fields: Unpack[RequestFields],
    ) -> Plan:
        """What `request_referral` would let leave, and for whom; nothing is sealed, kept or sent.

        Raises:
            EventRefusedBeforeSending, RecipientUnknown: as `request_referral`.
        """
        if isinstance(consent, ConsentRecord):
            self._consents.note(consent)
        return self._referring.plan(fields, groups or {}, seal_to, consent)

    async def request_referral(
        self,
        *,
        groups: Mapping[str, GroupContent] | None = None,
        seal_to: Sequence[OrgId] | None = None,
        consent: ConsentLike = None,
        referral_id: ReferralId | None = None,
        expires_at: datetime | None = None,
        event_id: EventId | None = None,
        **fields: Unpack[RequestFields],
    ) -> ReferralPublished:
        """Ask for help: publish `referral.requested` and, for those whom the release names, the wrapped keys.

        `groups` are what identifies the survivor, by group code (`handoff schema show FG03`); each is checked by its
        model and sealed with a key of its own. `seal_to` are the organisations to wrap the keys for: by default all of
        the kinds asked that the release names. Nobody gets a group that the rules or the release do not let them have;
        `ReferralPublished.shares` says so. Without a release nobody is sealed to until `recipient.chosen` comes.

        Raises:
            EventRefusedBeforeSending: with the code that the broker would refuse it with.
            RecipientUnknown: an organisation of `seal_to` is not in the directory or has no key.
            AssociationUnplaced: the abuser is tied to a kind of provider (FG08), and it is not said which.
            NotConfirmed, NotOnboarded: as `publish`.
        """
        planned = self.plan_referral(groups=groups, seal_to=seal_to, consent=consent, **fields)
        return await self.request_planned(
            planned, consent=consent, referral_id=referral_id, expires_at=expires_at, event_id=event_id
        )

    async def request_planned(
        self,
        planned: Plan,
        *,
        consent: ConsentLike = None,
        referral_id: ReferralId | None = None,
        expires_at: datetime | None = None,
        event_id: EventId | None = None,
    ) -> ReferralPublished:
        """Do what `plan_referral` has shown; raises as `request_referral`."""
        return await self._referring.request(planned, ref_of(consent), referral_id, expires_at, event_id)

    async def seal_for(
        self,
        referral_id: ReferralId,
        recipient: OrgId,
        groups: Iterable[FieldGroup] | None = None,
        key_ids: Iterable[KeyId] = (),
    ) -> Published:
        """Let an organisation in: wrap the kept content keys for it, all groups that it may have, or those of `groups`.

        `key_ids` restricts for which of its keys; only keys of the directory are ever used.

        Raises:
            ContentKeysGone: they are not kept here.
            ShareDenied: the rules let it have none of these groups.
            RecipientUnknown: the directory does not have it, or no such key of it.
            NotConfirmed, NotOnboarded: as `publish`.
        """
        return await self.late.seal_for(referral_id, recipient, groups, key_ids)

    async def seal_chosen(self, notice: Notice) -> Published:
        """Do what a `recipient.chosen` asks for; the same notice heard again is answered by the same bytes.

        Raises as `seal_for`. After RecipientUnknown the choice waits for a newer directory (`handoff agent` looks).
        """
        chosen = notice.fact
        if not isinstance(chosen, RecipientChosen):
            raise TypeError("seal_chosen takes a notice of recipient.chosen")
        return await self.late.seal_chosen(notice.event_id, ReferralId(notice.subject), chosen)

    # --- hearing -------------------------------------------------------------------------------------------------

    async def notices(
        self, since: Since = "earliest", *, keep_place: bool = True, to_end: bool = False
    ) -> AsyncGenerator[Notice]:
        """What the broker says to this agency, signed by it: receipts, refusals, holds, choices, status, closure.

        Each notice comes at least once; a repeated one is dropped as long as the client lives. A client of this name
        that has been here before goes on where it was, unless `keep_place` is False; `since` is for a new one. A
        notice counts as handled when the next one is asked for. It ends by itself only with `to_end`, after what was
        there when it began.

        Raises:
            NotOnboarded: there is no such topic.
            KafkaUnreachable: Kafka does not answer within seconds.
        """
        group = f"{self._listener.topic}.{self._name}" if keep_place else None
        async with aclosing(self._listener.notices(group, since, to_end=to_end)) as heard:
            async for notice in heard:
                self.ledger.hear(notice)
                yield notice
                await self.late.follow(notice)

    async def wait_for(self, event: Event, seconds: float = ANSWER_SECONDS) -> Answer:
        """The broker's answer to an event, `EventAccepted` or `EventRefused`, whoever else reads the notices.

        Raises:
            NoAnswerYet: none came in so many seconds.
            NotOnboarded, KafkaUnreachable: nothing can be heard.
        """
        answer = await self._outcomes.wait(*self.publishing.looked_for(event), seconds)
        if answer is None:
            raise NoAnswerYet
        return answer

    async def accepted(self, event: Event, seconds: float = ANSWER_SECONDS) -> EventAccepted:
        """The receipt of an event that the broker has durably taken.

        Raises:
            NotAccepted: it was refused: code, field, meaning and remedy.
            NoAnswerYet, NotOnboarded, KafkaUnreachable: as `wait_for`.
        """
        answer = await self.wait_for(event, seconds)
        if isinstance(answer, EventRefused):
            raise NotAccepted(answer.code, answer.field)
        return answer

    def _note(self, fact: EventData, subject: str) -> None:
        if isinstance(fact, ConsentGranted | ConsentNarrowed):
            self._consents.note(fact.record)
        elif isinstance(fact, ConsentRevoked):
            self._consents.revoke(ConsentId(subject), fact)
