"""Every CloudEvents attribute of the contract with its form; any other attribute is refused.

Attributes are Kafka headers: they are routed and logged, so that none of them carries anything of tier 2 or up
(domain.md §9.1), and each form leaves no room for a sentence.
"""

import re
from typing import Final

from broker.schemas.event import Subject
from broker.schemas.ids import (
    CONSENT_ID_PATTERN,
    EVENT_ID_PATTERN,
    INCIDENT_ID_PATTERN,
    OFFER_ID_PATTERN,
    ORG_ID_PATTERN,
    REFERRAL_ID_PATTERN,
)
from broker.schemas.shapes import RFC3339_PATTERN
from broker.schemas.vocabulary import MsgStatus

SUBJECT_PATTERNS: Final = {
    Subject.REFERRAL: REFERRAL_ID_PATTERN,
    Subject.CONSENT: CONSENT_ID_PATTERN,
    Subject.INCIDENT: INCIDENT_ID_PATTERN,
    Subject.ORGANISATION: ORG_ID_PATTERN,
    Subject.EVENT: EVENT_ID_PATTERN,
    Subject.ANY: "|".join((REFERRAL_ID_PATTERN, INCIDENT_ID_PATTERN, ORG_ID_PATTERN, EVENT_ID_PATTERN)),
}
"""The form of a subject by what it names; a consent's id has the form of an event's."""

_CODED: Final = r"^[A-Za-z0-9_.,:/#-]{1,200}$"
_OPAQUE: Final = r"^[a-z0-9-]{1,64}$"

REQUIRED: Final[dict[str, str]] = {
    "id": EVENT_ID_PATTERN,
    "source": ORG_ID_PATTERN.replace("^", "^urn:dvb:org:(?=.{1,64}$)", 1),
    "specversion": r"^1\.0$",
    "type": _CODED,
    "subject": _OPAQUE,
    "time": RFC3339_PATTERN,
    "msgstatus": f"^({'|'.join(MsgStatus)})$",
}
"""What every event has, with its form."""

OPTIONAL: Final[dict[str, str]] = {
    "datacontenttype": r"^application/json$",
    "dataschema": _CODED,
    "recordedtime": RFC3339_PATTERN,
    "partitionkey": _OPAQUE,
    "correlationid": SUBJECT_PATTERNS[Subject.ANY],
    "causationid": EVENT_ID_PATTERN,
    "expirytime": RFC3339_PATTERN,
    "consentid": CONSENT_ID_PATTERN,
    "consentver": r"^[1-9][0-9]{0,5}$",
    "offerid": OFFER_ID_PATTERN,
    "noticecode": _CODED,
    "dataclassification": _CODED,
    "dataregulation": _CODED,
    "datacategory": _CODED,
    "traceparent": r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$",
}
"""What an event may have, with its form."""

FORMS: Final = {name: re.compile(form) for name, form in (REQUIRED | OPTIONAL).items()}
SUBJECT_FORMS: Final = {subject: re.compile(pattern) for subject, pattern in SUBJECT_PATTERNS.items()}
