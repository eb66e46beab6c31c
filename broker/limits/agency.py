"""Limits of an agency's client and of its door to the network, each with its unit and its reason."""

from typing import Final

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

# Hearing by HTTP (broker/agency/by_http.py)

tail_seconds_max: Final = web_wait_seconds_max + 15.0
"""How long one page of notices may take: what the door waits, and a slow line."""

tail_again_seconds: Final = 3.0
"""Before a door that did not answer is asked again."""

# The log as agencies keep it (broker/agency/kept_log.py)

log_look_seconds: Final = 600.0
"""Between two looks of a client at the log: a fork shows within ten minutes, and a hundred clients ask once in six
seconds."""

log_silent_seconds_max: Final = 3 * 3600
"""How old the newest checkpoint may be: a log that does not grow has one each hour."""

log_answer_seconds_max: Final = 15.0
"""For the broker's door to answer a question about the log."""

log_answer_bytes_max: Final = 64 * 1024
"""Of an answer: a checkpoint with all its signatures and sixty hashes have some 6 KB."""
