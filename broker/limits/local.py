"""Limits of the embedded parts and of the demo, each with its unit and its reason."""

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

# The demo's own mail server (broker/local/demo/mail_sink.py)

sink_mails_max: Final = 200
"""Mails kept: more than a demo sends, and an end to what a misdirected program can fill the disk with."""

sink_mail_bytes_max: Final = 256 * 1024
"""A notice has less than a thousandth of it."""

# Processes that run for long (broker/collecting.py)

garbage_objects_min: Final = 10_000
"""By how many objects a process must have grown before it looks for garbage among the youngest: some megabytes."""
