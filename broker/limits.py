"""Every limit of the project, by name and unit, each with its reason; a number that bounds something lives here."""

from typing import Final

# Embedded parts (broker/local)

kafka_start_seconds_max: Final = 90
"""Five seconds on two idle cores; a loaded laptop or a first start after a crash (log recovery) takes far longer."""

postgres_start_seconds_max: Final = 60
"""A second as a rule; crash recovery replays up to `max_wal_size` first."""

postgres_init_seconds_max: Final = 120
"""`initdb` writes 40 MB; slow disks of continuous-integration machines are the worst case."""

part_stop_seconds_max: Final = 15
"""What a part gets to close its files in order before it is killed; both survive being killed."""

home_release_seconds_max: Final = 20
"""How long a start waits for a dead owner's parts to finish stopping: a little longer than `part_stop_seconds_max`."""

home_settle_seconds: Final = 1.0
"""How long a start waits for a living owner: it may be on its way out, or only have looked who owns the folder."""

poll_seconds: Final = 0.02
"""Between two looks at a starting or stopping part: short against its second, long against the cost of a look."""

kafka_probe_seconds_max: Final = 2.0
"""For one question to a Kafka that is starting: on the loopback interface an answer comes in milliseconds."""

reach_seconds_max: Final = 5.0
"""What `handoff doctor` gives an address before it calls it unreachable."""

jar_download_workers: Final = 4
"""Jars fetched at once: the repository is shared by everyone, and more gains nothing at 45 MB."""

jar_download_attempts: Final = 4
"""Tries for one jar before the start gives up; between them the wait doubles."""

jar_request_seconds_max: Final = 30
"""For the repository to answer one request."""

socket_path_bytes_max: Final = 103
"""A Unix socket's path holds 107 bytes on Linux and 103 on macOS; the shorter serves both."""

log_bytes_max: Final = 10 * 1024 * 1024
"""One log file of an embedded part; then it is moved aside, one older file being kept."""

kafka_heap_mebibytes: Final = 512
"""Enough for one county on one machine; an operator with more traffic runs Kafka as its own service."""

postgres_buffers_mebibytes: Final = 256
"""The indexes of a county's open referrals; more would be taken from Kafka on a machine of two gigabytes."""

# The agency's client (broker/client.py)

kafka_connect_seconds_max: Final = 15.0
"""How long a client tries to reach Kafka before it says that it cannot: a person is waiting."""

topics_appear_seconds_max: Final = 10.0
"""How long a client looks for its topics before it says that they are not there: new ones spread within seconds."""

confirm_seconds_max: Final = 30.0
"""How long a client sends one event again until Kafka confirms it: a broker's restart takes less."""

published_remembered_max: Final = 1024
"""Events that a client remembers, so that publishing one twice by its id sends the same bytes: hours of one desk."""

notices_remembered_max: Final = 10_000
"""Notices that a client remembers, so that a repeated one is not shown twice: far more than Kafka repeats at once."""

notice_poll_milliseconds: Final = 500
"""How long one look at the notice topic waits for the first record; new ones come at once, stopping waits this long."""

notice_noted_seconds_max: Final = 5.0
"""How long a reader tries to note its place: aiokafka tries for ever where Kafka is away or the reader was closed."""

notice_clock_skew_seconds_max: Final = 600
"""How far an agency's clock may be from Kafka's for an answer to be found without reading the whole topic."""

content_keys_kept_days_max: Final = 21
"""The longest referral (ten days undecided at P3) and the time in which its provider must be let in, with a margin."""

directory_ahead_seconds_max: Final = 300
"""How far the operator's clock may be ahead of an agency's: as far as a sender's may (docs/wire-format.md §7)."""

kept_lock_poll_seconds: Final = 0.02
"""Between two looks at the lock of what is kept: whoever has it encrypts one file, a millisecond's work."""

agent_look_seconds: Final = 30.0
"""Between two looks of the agent at its zone's folder and at choices that wait for a key: a provider waits for hours at
most, and the operator hands out a directory a few times a week."""

agent_again_seconds: Final = 5.0
"""Before the agent sends a record once more that Kafka has not confirmed for `confirm_seconds_max`."""

# What the broker holds sealed (broker/domain/shredding.py)

shred_receipt_hours: Final = 24
"""How long wrapped keys outlive the provider's first word that it is in touch (domain.md §7.5)."""

shred_unreceipted_hours: Final = 72
"""How long wrapped keys outlive a hand-over of which nobody says anything (domain.md §7.5)."""

shred_look_hours: Final = 24
"""Between two looks at what is held for an open need: needs move, and nothing may be destroyed earlier than this."""

shred_referrals_max: Final = 200
"""Referrals looked at in one transaction: short for whoever waits for one of them; a backlog takes several."""

keys_retention_hours_max: Final = 72
"""How long Kafka may keep wrapped keys on their way (domain.md §7.5): as long as the broker does."""

early_keys_minutes: Final = 60
"""How long keys wait for the referral that they belong to, which is published before them on another topic, and may be
read after them. Then their source is told that there is none."""

early_keys_max: Final = 500
"""Events with keys that are read again in one transaction; a backlog takes several."""

# Keys over their life (broker/store/keys.py, handoff doctor)

key_overlap_days: Final = 14
"""How long an older key stays valid beside a newer one: until every agency has the new directory, with a weekend."""

opening_key_kept_days: Final = key_overlap_days + content_keys_kept_days_max
"""After its successor was made, an opening key may be destroyed: nothing that was wrapped for it is under way then."""

key_age_days_max: Final = 365
"""`handoff doctor` warns of an older key that has no end: what was wrapped for it adds up with its age."""

key_ends_days_warned: Final = 30
"""`handoff doctor` warns that long before a zone's last key of a kind ends: a new one takes a telephone call."""

directory_age_days_max: Final = 30
"""`handoff doctor` warns of an older directory: somebody may have joined, or lost a key, since."""

policy_settling_seconds_told: Final = 15
"""How long `handoff policy activate` stays to say how far what is open was reconsidered; a clock does it anyway."""

# The provider zone (adapters)

provider_pool_connections_max: Final = 8
"""Connections of one process to the provider zone's database: intake, sender and a few people at once."""

answers_claimed_max: Final = 200
"""Answers that one sender holds while Kafka confirms them."""

answers_idle_seconds: Final = 0.05
"""Between two looks at an empty outbox: short against a person's patience, and a look costs one index probe."""

answers_send_seconds_max: Final = 30.0
"""After this the transaction that holds the answers is given up and begun anew; Kafka's own limit is 20."""

answer_sent_seconds_max: Final = 3.0
"""How long a command waits to say that an answer has left; it was stored before."""

zone_look_seconds: Final = 5
"""Between two looks at the zones' folders and at what is to be forgotten."""

inbox_listed_max: Final = 500
"""Rows of one list: more than a desk can work, few enough to answer at once."""

opaque_offer_hours: Final = 24
"""How long an offer's content outlives its end (domain.md §7.5)."""

offers_forgotten_max: Final = 500
"""Offers forgotten in one transaction; a backlog takes several looks."""

keys_apart_hours: Final = 1
"""How long wrapped keys wait for what they open: the two are published together, on two topics."""

# FHIR servers (adapters/fhir, adapters/transports/fhir.py)

fhir_attempt_seconds_max: Final = 15.0
"""One attempt altogether: a handful of short requests (reliability.md §6.3, F5)."""

fhir_answer_bytes_max: Final = 4 * 1024 * 1024
"""The longest answer is a large server's statement of what it can: a stock HAPI says it in 1.3 MB."""

fhir_answer_values_max: Final = 120_000
"""Brackets and commas of one answer: each may become an object of some 200 bytes (reliability.md §6.5, S12)."""

fhir_entries_max: Final = 200
"""Entries of one Bundle: far more than a page of ours asks for, and than a Task ever has versions."""

fhir_page_entries: Final = 50
"""Tasks asked for at once while polling."""

fhir_pages_max: Final = 20
"""Pages read in one look; what is left is read in the next, so that one busy server holds up no other."""

fhir_lookback_days: Final = 45
"""How far back the first look after a start goes: the longest referral and the report of its outcome (domain.md
§10.3); answers that were stored before are known by their ids."""

fhir_poll_overlap_seconds: Final = 120
"""How far each look reaches back behind the last: a server may show a change, or all of a history, a little later."""

fhir_tasks_remembered_max: Final = 10_000
"""Versions of Tasks that were read already; a forgotten one is only read again."""

fhir_token_margin_seconds: Final = 30
"""A token is renewed so long before it ends: no request is under way for longer."""

fhir_assertion_seconds: Final = 240
"""How long the signed request for a token is good: SMART allows five minutes, and clocks differ."""

fhir_poll_seconds_min: Final = 5
"""Between two looks at one server: more often is load for others without use, a person answers."""

fhir_token_characters_max: Final = 8192
"""A longer token fits into no server's headers."""

fhir_wake_seconds_min: Final = 1.0
"""Between two looks at one server, however often somebody says that something has changed: anybody may say it."""

# Requests to providers' own systems (adapters/guard.py, adapters/outgoing.py, adapters/transports/webhook.py)
# Requests to providers' own systems (adapters/guard.py, adapters/transports)

outgoing_seconds_max: Final = 15.0
"""One request altogether, from asking for the name to the last byte (reliability.md §6.3, F5, F6)."""

outgoing_read_bytes_max: Final = 64 * 1024
"""What is read of an answer: we need codes and short resources; more would only fill memory."""

outgoing_kept_seconds: Final = 60.0
"""How long connections are used again before names and rules are asked anew; a handshake a minute costs 2 ms."""

outgoing_drain_seconds: Final = 1.0
"""How long the rest of an answer that nobody wants is waited for, so that its connection can be used again."""

outgoing_connect_seconds_max: Final = 10.0
"""For one address to take a connection: less than the whole, so that we know that nothing was sent."""

outgoing_idle_seconds: Final = 15.0
"""How long an idle connection is kept: many servers close theirs soon after."""

outgoing_resolvers_max: Final = 32
"""Names asked for at once: as many servers of names may hang before anybody waits for another's."""

outgoing_url_characters_max: Final = 2000
"""A longer address is nobody's."""

retry_after_seconds_max: Final = 3600
"""As far as we do what a receiver asks us to wait: longer, and a person should hear of it first."""

signing_secrets_max: Final = 5
"""Secrets that sign at once: two while one follows the other, with room for a mistake."""

secrets_kept_seconds: Final = 10.0
"""How long a channel's secrets are remembered: a retired one signs for that long at most."""

# The door (adapters/door)

door_body_bytes_max: Final = 64 * 1024
"""An answer is some hundred bytes; as large as any event may be."""

door_body_seconds_max: Final = 15.0
"""For a body to arrive: it is sent at once or by somebody who means to keep us waiting."""

door_signature_seconds_max: Final = 300
"""How far a request's time may be from ours (Standard Webhooks): clocks differ, and what is older may be a replay."""

door_requests_max: Final = 256
"""Requests at once: a busy provider's are answered in milliseconds; more wait at the proxy."""

door_idle_seconds: Final = 75
"""How long an idle connection is kept: longer than proxies keep theirs, so that they never use one that is closing."""

door_stop_seconds_max: Final = 5
"""What requests under way get to end when the process stops; each is stored or is sent again."""
