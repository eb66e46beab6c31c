"""What settings must look like: as patterns, and in words for whoever has set one that does not."""

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator


def oidc_roles(roles: str) -> str:
    """`claim=ROLE[,claim=ROLE…]`, with these roles."""
    one = rf"[^\s,=]{{1,100}}=({roles})"
    return rf"^{one}(,{one})*$"


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValueError("unknown") from None
    return name


ZoneName = Annotated[str, AfterValidator(_time_zone)]
"""A name of the time zone database of the IANA."""

STAFF_ROLES: Final = "STAFF|SUPERVISOR|PRIVACY_OFFICER"
DESK_ROLES: Final = "COORDINATOR|OPERATOR|AUDITOR|PRIVACY_OFFICER"
PAGES_URL: Final = r"^(https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1):\d{1,5})$"
LISTENS_AT: Final = r"^(\[[0-9a-f:]+\]|[^\s:\[\]]+):\d{1,5}$"
OIDC_ISSUER: Final = r"^(https://[^\s?#]{1,200}[^\s?#/]|http://(localhost|127\.0\.0\.1):\d{1,5}(/[^\s?#]*[^\s?#/])?)$"
OIDC_CLAIM: Final = r"^[A-Za-z0-9_:/-]+(\.[A-Za-z0-9_:/-]+)*$"
SENTENCE: Final = r"^[^\r\n<>]{1,200}$"

IN_WORDS: Final = {
    "broker_url": "must look like https://broker.example, without a slash at its end; http only for 127.0.0.1:port",
    "broker_org": "must look like org-broker: small letters, digits and hyphens after `org-`",
    "desk_address": "must look like 127.0.0.1:8091",
    "desk_oidc_issuer": "must look like https://login.network.example/realm, without a slash at its end",
    "desk_oidc_role_claim": "must look like groups or realm_access.roles",
    "desk_oidc_roles": "must look like duty=COORDINATOR,ops=OPERATOR; roles: COORDINATOR, OPERATOR, AUDITOR,"
    " PRIVACY_OFFICER",
    "desk_url": "must look like https://desk.network.example, without a slash at its end; http only for 127.0.0.1:port",
    "door_address": "must look like 127.0.0.1:8080",
    "inbox_address": "must look like 127.0.0.1:8090",
    "inbox_exit_url": "must look like https://www.weather.gov/",
    "inbox_oidc_issuer": "must look like https://login.haven.example/realm, without a slash at its end",
    "inbox_oidc_role_claim": "must look like groups or realm_access.roles",
    "inbox_oidc_roles": "must look like advocates=STAFF,leads=SUPERVISOR; roles: STAFF, SUPERVISOR, PRIVACY_OFFICER",
    "inbox_url": "must look like https://inbox.haven.example, without a slash at its end; http only for 127.0.0.1:port",
    "kafka_bootstrap": "must look like host:port or host:port,host:port",
    "log_origin": "must be a name without spaces and without a plus sign, such as log.example/county",
    "maven_repository": "must look like https://host/path, without a slash at its end",
    "outgoing_internal": "must look like fhir.hospital.internal:8443, in small letters, or several of these by comma",
    "outgoing_loopback": "must look like localhost:8443 or localhost:8443,127.0.0.1:8080",
    "public_complaints": "must be one line of at most 200 characters, without < and >",
    "public_operator": "must be one line of at most 200 characters, without < and >",
    "public_withdrawal": "must be one line of at most 200 characters, without < and >",
    "time_zone": "must be a name of the IANA's time zones, such as America/Los_Angeles or UTC",
    "topic_prefix": "must be small letters, digits or hyphens and end in a dot",
    "web_address": "must look like 127.0.0.1:8080",
}
