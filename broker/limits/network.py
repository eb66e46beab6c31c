"""Limits of the broker: what it keeps, waits for and seals, each with its unit and its reason."""

from typing import Final

from broker.limits.agency import content_keys_kept_days_max

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

# Pages of the network (broker/web/pages, broker/store/public_reports.py)

public_quarters_max: Final = 8
"""Quarters that the public page tells of: two years show whether it gets better."""

public_report_days: Final = 2
"""After a quarter's end before it is counted: what happened in its last minutes has been stored by then."""

public_kept_seconds: Final = 60
"""How long a process keeps what the public page says: a thousand readers are one question to the database."""

page_requests_max: Final = 32
"""Pages that are made at once, apart from the door's requests: whoever reads never keeps an agency out."""

# The log by HTTP (broker/web/log.py)

log_rate_per_second: Final = 100.0
"""Requests for the log, lasting, of everybody together: a proof takes a millisecond, and events go first."""

log_rate_burst: Final = 1000.0
"""Requests for the log at once: an auditor's tool fetches the tiles of a million entries with four times as many."""

# Anchors of the log (broker/trail/anchoring.py)

anchor_seconds_max: Final = 30.0
"""For a witness or time stamp authority to answer: they are asked once a day, and nobody waits for them."""

anchor_answer_bytes_max: Final = 64 * 1024
"""Of an answer: a token with its certificates has some 5 KB."""

# The desk (broker/web/desk)

desk_requests_max: Final = 512
"""Requests at once: each open page keeps one, which waits, and a network has tens of people at work."""

desk_form_hours: Final = 24
"""How long it is known that a form was sent: a page that lay open over a shift is sent again within it."""

openid_answer_seconds_max: Final = 10.0
"""For the operator's own sign-in to answer: somebody waits before a page."""

desk_unreached_days: Final = 7
"""How far back the desk tells of providers that were not reached: a weekend and what came of it."""

desk_rows_max: Final = 200
"""Rows of one list of the desk: more than anybody reads, few enough to answer at once; commands have the rest."""

kafka_servers_wait_seconds: Final = 10
"""How long a topic's servers are waited for: one that has just come, or was away, answers before it counts as there."""
