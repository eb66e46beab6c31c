"""consent.revoked: a survivor has taken consent back, wholly or in part; from this moment nothing leaves under it."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from broker.schemas.consent_vocabulary import RevocationForm, RevokedBy
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.field_groups import CODES
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import UNIQUE, Moment, VersionNumber, broken
from broker.schemas.vocabulary import Purpose, RevocationScope

__all__ = ["ConsentRevoked", "RevocationForm", "RevocationScope", "RevokedBy"]

ScopeValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]

KNOWN_VALUES: Final[Mapping[str, frozenset[str]]] = {
    "FIELD_GROUP": frozenset(CODES),
    "PURPOSE": frozenset(purpose.value for purpose in Purpose),
}
"""By scope, what a part can be. What else it names is a slip of the pen, and would take nothing back in silence."""

_SCOPED: Final[dict[str, Any]] = {
    "if": {"required": ["scope"], "properties": {"scope": {"not": {"const": "ALL"}}}},
    "then": {"required": ["scopeValues"], "properties": {"scopeValues": {"minItems": 1}}},
    "else": {"properties": {"scopeValues": {"maxItems": 0}}},
}


def values_digest(consent_id: str, values: Iterable[str]) -> str:
    """SHA-256 of what a revocation names, in hex, with the consent's own id, which is random.

    Without that id it tells nothing; with it, a guess at codes or organisations may be held against it.
    """
    return sha256("\n".join([consent_id, *values]).encode()).hexdigest()


class ConsentRevoked(EventData):
    """A revocation, published by the discloser at once and in whatever form it was said: oral is enough.

    The broker stops every send, retry and read under the consent, takes open offers back and tells whoever has
    received something. It covers every version up to the one that it names, also where that one is still to come, and
    is no version itself. `scopeValues` are organisations, field groups or purposes, as `scope` says: a group or purpose
    that is none is refused, and an organisation that neither the record nor the network's directory names takes the
    whole of what the record permits.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.consent.revoked.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER, Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.CONSENT
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "version": 1,
        "revokedAt": "2026-03-05T09:15:00Z",
        "by": "SUBJECT",
        "form": "ORAL",
        "scope": "ALL",
    }

    model_config = ConfigDict(json_schema_extra=_SCOPED)

    version: VersionNumber
    revoked_at: Moment
    by: RevokedBy
    form: RevocationForm
    scope: RevocationScope = RevocationScope.ALL
    scope_values: Annotated[tuple[ScopeValue, ...], Field(max_length=64), UNIQUE] = ()

    @model_validator(mode="after")
    def _part_is_named(self) -> Self:
        if (self.scope is RevocationScope.ALL) != (not self.scope_values):
            raise broken(RefusalCode.PROPERTY_INVALID, "scopeValues")
        if not KNOWN_VALUES.get(self.scope, frozenset(self.scope_values)).issuperset(self.scope_values):
            raise broken(RefusalCode.PROPERTY_INVALID, "scopeValues")
        return self
