"""How long the broker keeps what is over, by class, each with its unit and its reason (domain.md §7.5)."""

from typing import Final

# Sealed payloads and wrapped keys end within days: limits/network.py. The provider's zone: limits/providers.py.

trail_days_victim_services: Final = 30
"""After a referral of a victim service provider is over: the less there is, the less can be subpoenaed."""

trail_days_hipaa: Final = 6 * 365 + 2
"""After a referral of a covered entity is over: its disclosures are accounted for, six years back (45 CFR 164.528)."""

trail_days_others: Final = 2 * 365
"""After any other referral is over."""

trail_days: Final = {
    "VICTIM_SERVICES": trail_days_victim_services,
    "HIPAA": trail_days_hipaa,
    "OTHERS": trail_days_others,
}
"""The three by their rule (broker/domain/retention.py)."""

trail_days_unbound: Final = trail_days_hipaa
"""Of entries that belong to no referral: policies, organisations, questions of auditors."""

consent_content_days: Final = 30
"""After a consent's end its record goes; its id, version and discloser stay. As long as a release lasts."""

consent_tombstone_days: Final = trail_days_hipaa
"""After a consent's end that goes, too."""

erasures_at_once_max: Final = 50
"""Referrals whose erasure is announced in one transaction; a backlog takes several."""

texts_erased_at_once_max: Final = 2_000
"""Texts that one entry declares erased: its own text names them all, in some ten thousand bytes."""

texts_erased_each_look_max: Final = 50_000
"""Of entries that belong to no referral, so many in one look: more than a day's in an hour, and rows for a second."""

retention_look_seconds: Final = 3600.0
"""Between two looks at what has been kept long enough: it reads every referral, and nobody waits for it."""

erasure_look_seconds: Final = 2.0
"""Between two looks at erasures that go on: each waits twice until the sequencer has sealed what it wrote."""

# The provider's zone (adapters/keeping.py)

erasures_listed_max: Final = 500
"""Turns in which codes went, the latest first: some years of what goes once a day."""
