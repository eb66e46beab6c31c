"""Limits of the provider zone: what it keeps, tries and shows, each with its unit and its reason."""

from typing import Final

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

deliveries_quick_max: Final = 256
"""Attempts that are under way at once and not for long: five thousand a second that are answered in 50 ms."""

deliveries_quick_seconds: Final = 0.25
"""An attempt that takes longer waits for the other side: it is no reason to begin fewer others."""

deliveries_claimed_min: Final = 64
"""Places that must be free before more is claimed: a claim of two costs half of what one of sixty does."""

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

channel_failing_hours: Final = 24
"""For how long a provider's people are told that one of its systems did not take what was then taken by another."""

channel_failing_alarm_minutes: Final = 15
"""How long a channel fails before somebody of its organisation is needed: longer than a receiver restarts."""

channel_settings_kept_max: Final = 1_000
"""Settings of channels that were understood, so that they are not read anew at each claim: ten counties' channels."""

retry_after_seconds_min: Final = 1.0
"""However soon a receiver asks to be tried again."""

retry_after_seconds_max: Final = 3600.0
"""However long a receiver asks us to wait: what waits longer is a matter for people."""

control_delivery_hours: Final = 24
"""How long a withdrawal, an expiry, a release or a revocation is tried; revocations the broker chases itself, too."""

dead_letter_hours: Final = 72
"""How long what ended without arriving can be sent anew, and what it said by code is kept."""

dead_letter_warning_hours: Final = 12
"""How long before that a list says so: a night in which nobody looks."""

delivery_listed_max: Final = 200
"""Deliveries of one list, the latest first, and of one portion that is sent again: few enough to answer at once."""

channels_per_organisation_max: Final = 20
"""Ways of reaching one organisation: a desk has three or four."""

channel_settings_bytes_max: Final = 64 * 1024
"""A channel's settings or one of its secrets, as a file: an address and a few options, a key or a certificate."""

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

outgoing_urls_kept_max: Final = 1_000
"""Addresses whose shape was checked, so that it is not read anew for every notice: ten counties' channels."""

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

own_kafka_login_seconds_max: Final = 2.0
"""To ask whether it was the login that was refused: with the attempt's own time still below those 15 s."""

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

# A provider's roster (adapters/inbox/roster.py)

roster_kept_days: Final = 30
"""How long a turn that is over stays on the roster: until last month's calls have been looked into."""

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

stored_said_seconds: Final = 60
"""For how long the page that follows a form says that it was stored: a slow link, and not the next look at it."""

page_form_bytes_max: Final = 16 * 1024
"""The largest form of a page: the longest has a dozen short fields."""

# Coming in at pages (broker/entry)

ceremony_minutes: Final = 5
"""From the press of a button to the finger on the device, or to the way back from the organisation's own sign-in."""

openid_known_minutes: Final = 60
"""How long a provider's addresses and keys are relied on; a key that is newer is looked for at once."""

openid_read_bytes_max: Final = 256 * 1024
"""The largest answer of a provider: key sets with certificates in them have some 20 KB."""

openid_clock_seconds_max: Final = 60
"""By how much a provider's clock may differ from ours."""

openid_token_seconds_max: Final = 300
"""How old an ID token may be: it was made a moment ago."""

openid_proof_seconds_max: Final = 300
"""How long ago somebody may have proven who they are, where the provider says when: it was asked for anew."""

passkey_fresh_minutes: Final = 5
"""How long after signing in somebody may make a further passkey: it outlives the session, and must be theirs."""

# What open pages learn by themselves (broker/look/counts.py)

counts_look_seconds: Final = 0.5
"""Between two looks of a process at what waits: open pages show it within a second."""

counts_repeat_seconds: Final = 10.0
"""A number is told again after so long, though nothing has changed: a page that hears nothing knows that it is lost."""

counts_stream_seconds_max: Final = 60.0
"""How long a page is told before it must ask again, and be signed in: how long a stream outlives a session."""

inbox_requests_max: Final = 2_048
"""Requests at once: each open page keeps one, which waits."""

# The inbox's own pages (adapters/inbox/web)

capacity_fresh_hours: Final = 4
"""How long the network relies on what was said of free places (domain.md §11)."""

contact_noted_minutes: Final = 15
"""How long after an agreed hour has ended an attempt that was made within it may still be noted."""

draft_kept_hours: Final = 12
"""How long what was chosen and not sent is kept: until the end of a shift."""

readings_shown_max: Final = 200
"""How many openings a page shows: those of a busy month."""

# Answers that come before the one that must precede them (adapters/inbox/early.py)

early_answer_hours: Final = 72
"""How long an answer waits for one that must precede it: a weekend of a system that resends on Monday."""

early_answers_each_offer_max: Final = 32
"""Answers that wait for one offer: more than any whole way from acceptance to outcome has."""
