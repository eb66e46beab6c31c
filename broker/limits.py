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

# The courier (adapters/courier.py)

attempt_seconds_max: Final = 15.0
"""One attempt, whatever its transport does: a receiver that takes longer is answered by the next attempt (F5, F6)."""

lease_seconds: Final = 30.0
"""How long a claimed delivery is one courier's alone: one attempt and the storing of its outcome, with a margin.
Whoever dies lets go of it then."""

deliveries_in_flight_max: Final = 1024
"""Attempts of one process that run or are still to be stored: a socket and some ten kilobytes each."""

deliveries_per_recipient_max: Final = 128
"""Attempts at one organisation at once, when it has shown that it takes them: 2,500 a second that answer in 50 ms."""

deliveries_per_recipient_first: Final = 16
"""Attempts at one organisation at once, before anything is known of it."""

deliveries_per_recipient_min: Final = 4
"""Attempts at an organisation that fails or hangs: it holds so few places of the process, and still gets its turn."""

deliveries_idle_seconds: Final = 0.25
"""Between two looks for what is due: short against the 30 seconds that a P0 may take to arrive (domain.md §10.3)."""

deliveries_gather_seconds: Final = 0.01
"""How long a courier gathers outcomes and free places, so that a transaction serves many: nobody notices."""

zone_hear_again_seconds_max: Final = 60.0
"""Before a transport that could not bring in answers begins anew."""

outcomes_stored_max: Final = 500
"""Outcomes in one transaction: beyond it a statement grows longer and costs no less for each."""

courier_stop_seconds: Final = 2.0
"""What attempts get to end by themselves when the process stops; the others are let go of and tried again."""

channel_failures_max: Final = 5
"""Failures in a row by which a channel's breaker opens: more than a receiver's restart makes (reliability.md F14)."""

channel_probe_seconds: Final = 60.0
"""Between two probes through an open breaker (reliability.md F14)."""

retry_after_seconds_min: Final = 1.0
"""However soon a receiver asks to be tried again."""

retry_after_seconds_max: Final = 3600.0
"""However long a receiver asks us to wait: what waits longer is a matter for people."""

control_delivery_hours: Final = 24
"""How long a withdrawal, an expiry, a release or a revocation is tried; revocations the broker chases itself, too."""

dead_letter_hours: Final = 72
"""How long what ended without arriving can be sent anew, and what it said by code is kept."""

delivery_listed_max: Final = 200
"""Deliveries of one list, the latest first: more than anybody reads, few enough to answer at once."""

channels_per_organisation_max: Final = 20
"""Ways of reaching one organisation: a desk has three or four."""

channel_settings_bytes_max: Final = 64 * 1024
"""A channel's settings or one of its secrets, as a file: an address and a few options, a key or a certificate."""

# Requests to providers' own systems (adapters/guard.py, adapters/transports)
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
# Notices by e-mail and what comes back of them (adapters/mail)

mail_attempt_seconds_max: Final = 12.0
"""A whole conversation with a mail server, so that its own word is told before an attempt is cut off at 15 s (F5)."""

mail_goodbye_seconds_max: Final = 1.0
"""The mail is handed over by then; a server that does not answer to QUIT is left."""

returned_mail_bytes_max: Final = 128 * 1024
"""A report on a notice holds the notice, which is short, and an explanation; a mail server's longest has some 30 KB."""

returned_mail_lines_max: Final = 4_000
"""With the next, bounds what reading takes: every line is held against every boundary that is open."""

returned_mail_nesting_max: Final = 24
"""Mentions of a boundary or of a message within the message; a report has five."""

returns_connections_max: Final = 20
"""Conversations at once with the provider's own mail server, which relays what comes back."""

returns_session_seconds_max: Final = 60.0
"""A conversation in which nothing is said for so long is ended."""

returns_commands_max: Final = 100
"""Of one kind in a conversation; a mail server brings several mails in one, and then begins another."""

returns_look_seconds: Final = 2.0
"""Between two looks at where channels want returned mail to be heard; a port that was taken may be free now."""

# A provider's own Kafka (adapters/kafka)

own_kafka_attempt_seconds_max: Final = 12.0
"""A whole attempt, connecting included: below the 15 s at which any attempt is cut off (F5)."""

own_kafka_send_seconds_max: Final = 8.0
"""After this the producer gives a record up: nothing leaves any more once its attempt is over."""

own_kafka_clusters_max: Final = 32
"""Producers open at once in a process; each holds a connection or two. One that is used again is opened again."""

own_kafka_look_seconds: Final = 2.0
"""Between two looks at which channels want answers to be read."""

own_kafka_answers_max: Final = 100
"""Answers read in one look: each is a transaction of its own, and a look must end long before Kafka gives us up."""

own_kafka_pause_seconds_max: Final = 5.0
"""Between two tries to read answers, while their Kafka or our database is away."""

# The demo's own mail server (broker/local/demo/mail_sink.py)

sink_mails_max: Final = 200
"""Mails kept: more than a demo sends, and an end to what a misdirected program can fill the disk with."""

sink_mail_bytes_max: Final = 256 * 1024
"""A notice has less than a thousandth of it."""
# What lies in quarantine (handoff quarantine)

quarantine_alarm_hours: Final = 24
"""How long a record may lie in quarantine before it counts as overdue: a day, so that two days are left of the three
for which Kafka keeps wrapped keys."""

quarantine_settled_days: Final = 30
"""How long a settled row stays: longer than Kafka keeps the record, so that one that is read twice is known."""

quarantine_bulk_max: Final = 1_000
"""Records of one bulk act: each is a transaction of its own, and a person waits."""

reread_milliseconds: Final = 10_000
"""How long Kafka may take to give one record again: a broker's restart takes less."""
# Deadlines and escalation (broker/ticking.py, broker/store/work.py, handoff status)

calendar_years_ahead: Final = 2
"""Holidays are looked up for this year and so many more: the longest deadline is thirty days."""

work_claim_minutes: Final = 10
"""How long a claimed item is its claimant's alone (domain.md §10.4): time for a telephone call."""

clock_silent_seconds_max: Final = 30
"""Without a tick for so long, no clock runs: they tick twice a second, and the shortest deadline is thirty seconds."""

clock_noted_seconds: Final = 1.0
"""How often a clock notes that it runs; each tick would be a row's update for nothing."""

clock_step_seconds_max: Final = 5.0
"""How far the database's clock may run apart from a process's own between two ticks before that is a step."""

clock_step_share_max: Final = 0.05
"""Of open deadlines, the share that one step may let pass (reliability.md F9)."""

clock_step_floor: Final = 20
"""So few deadlines are worked whatever share they are: a county at night has fewer open."""

clock_hold_seconds: Final = 600
"""How long the database's clock must run evenly after a step before it is believed without a human's word."""

outbox_age_seconds_max: Final = 60
"""What has not left after so long is stuck: a relay takes over after a quarter of that."""

overdue_seconds_max: Final = 60
"""How late a deadline may be worked: a backlog of some thousands is worked within it."""

status_hours: Final = 24
"""How far back `handoff status` counts escalations and refusals: a day's work."""
# The log of the trail (broker/trail)

seal_batch_entries_max: Final = 5000
"""Entries sealed in one transaction: a backlog of an hour takes seconds, and no transaction more than a tenth."""

seal_pause_seconds: Final = 0.2
"""Between two looks for entries to seal: few enough commits beside the pipeline's, soon enough for a receipt."""

checkpoint_seconds: Final = 10
"""Between two checkpoints of a growing log: always the same, so that their times tell nothing of what happens."""

checkpoint_idle_seconds: Final = 3600
"""Between two checkpoints of a log that does not grow: it shows that it still lives."""

unsealed_alarm_seconds: Final = 60
"""After so long without being sealed an entry is an alarm: a restart of the sequencer takes a few seconds."""

unsealed_stop_seconds: Final = 900
"""After so long nothing is sent any more: what was disclosed must be provable, and people can be called meanwhile."""

unsealed_look_seconds: Final = 10.0
"""Between two looks at the age of the oldest unsealed entry: short against the alarm."""

sequencer_again_seconds: Final = 1.0
"""Before a sequencer that lost its database, or waits for another to end, tries again."""

# A provider's roster (adapters/inbox/roster.py)

roster_kept_days: Final = 30
"""How long a turn that is over stays on the roster: until last month's calls have been looked into."""

# The door for agencies (broker/web)

web_confirm_seconds_max: Final = 15.0
"""How long an event is sent again until Kafka confirms it: proxies give up after 30 or 60 s."""

web_requests_max: Final = 64
"""Requests worked at once; more are asked to come again, so that those that are worked end in time."""

web_connections_max: Final = 512
"""Connections at once: enough for what `web_requests_max` asks to come again to be told so by code."""

web_rate_per_second: Final = 20.0
"""Requests of one organisation, lasting: a county's busiest hotline makes one in a minute."""

web_rate_burst: Final = 100.0
"""Requests of one organisation at once, as when its software comes back after an outage."""

web_database_seconds_max: Final = 2.0
"""How long PostgreSQL may take to tell something: then the directory that was read last counts, and the rest waits."""

web_notices_max: Final = 200
"""Notices on one page: some 300 KB."""

web_notice_readers_max: Final = 32
"""Readings of notices at once: each is a connection to Kafka. Half of the requests, so that events get through."""

web_wait_seconds_max: Final = 20
"""How long a reading may wait for a notice to come: less than proxies wait."""
# A provider's pages (adapters/inbox/web)

session_idle_minutes: Final = 15
"""A screen that nobody has touched for so long is nobody's: sign in again (pages.md §1 point 8)."""

session_warning_minutes: Final = 13
"""When the page asks whether somebody is still there: two minutes to answer, by the figures of HMRC's pages."""

session_hours_max: Final = 12
"""The longest shift; after it, whoever comes next signs in."""

sign_in_link_minutes: Final = 10
"""How long a printed link may lie about before it is used."""

session_rows_kept_days: Final = 30
"""How long it stays known that somebody was signed in: until last month's readings have been looked into."""

page_form_bytes_max: Final = 16 * 1024
"""The largest form of a page: the longest has a dozen short fields."""
