"""A real Kafka that asks for a login over TLS, by PLAIN and by SCRAM, beside the listener that asks for none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from broker.local.child import Program
from broker.local.home import Home
from broker.local.jars import ensure_jars
from broker.local.kafka import LocalKafka
from broker.local.ports import LOOPBACK, any_free
from broker.local.progress import Silence
from broker.settings import load_settings
from tests.adapters.certificates import Authority

USER: Final = "desk"
PASSWORD: Final = "canary-quillfeather"
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-512")

_SETTINGS: Final = """
listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{login_port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{login_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms={mechanisms}
listener.name.sasl_ssl.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={certificate}
"""
"""Follows the settings that it replaces: Kafka takes what it reads last."""


@dataclass(frozen=True, slots=True)
class SaslKafka:
    """Where it listens with and without a login, and the certificate of the authority that vouches for it."""

    bootstrap: str
    open_bootstrap: str
    authority: Path
    user: str = USER
    password: str = field(default=PASSWORD, repr=False)


class _AskingKafka(LocalKafka):
    """The embedded Kafka with one listener more."""

    def __init__(self, home: Home, jars: tuple[Path, ...], lock: int, certificate: Path) -> None:
        super().__init__(home, jars, (), lock)
        self.login_port = any_free()
        self._certificate = certificate

    def _write_settings(self) -> None:
        super()._write_settings()
        port, controller_port = self._ports
        with self._settings.open("a") as settings:
            settings.write(
                _SETTINGS.format(
                    host=LOOPBACK,
                    port=port,
                    login_port=self.login_port,
                    controller_port=controller_port,
                    mechanisms=",".join(MECHANISMS),
                    user=USER,
                    password=PASSWORD,
                    certificate=self._certificate,
                )
            )

    def _program(self, main_class: str, *arguments: str) -> Program:
        scram = ("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]") if "format" in arguments else ()
        return super()._program(main_class, *arguments, *scram)


@contextmanager
def sasl_kafka(folder: Path) -> Iterator[SaslKafka]:
    """One such Kafka, its data in `folder`, while the block lasts."""
    authority = Authority.new(folder)
    authority.server(LOOPBACK, "localhost")
    home, settings = Home(folder / "home"), load_settings(home=folder / "home", _env_file=None)
    jars = ensure_jars(settings.cache_dir, settings.maven_repository, Silence())
    with home.owned() as lock:
        running = _AskingKafka(home, jars, lock, folder / f"{LOOPBACK}.pem")
        try:
            running.start()
            yield SaslKafka(f"{LOOPBACK}:{running.login_port}", running.bootstrap, authority.file)
        finally:
            running.stop()
