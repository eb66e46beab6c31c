"""referral.sealed: the source has wrapped its keys for named organisations; keys travel apart from ciphertexts."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import WRAPPED_KEY
from broker.schemas.field_groups import Marked
from broker.schemas.sealed import WrappedKey
from broker.schemas.shapes import UNIQUE


class ReferralSealed(EventData):
    """Content keys wrapped for recipients, published together with a named release or after `recipient.chosen`.

    They go out on a topic of their own, which Kafka keeps for days only. The broker keeps them apart from the
    ciphertexts and hands each organisation its own after it has accepted.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.referral.sealed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.KEYS_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"wraps": [WRAPPED_KEY]}

    wraps: Annotated[
        tuple[WrappedKey, ...], Field(min_length=1, max_length=64), UNIQUE, Marked(1, "Wrapped keys", sealed=True)
    ]
