"""One set of connection options for aiokafka, said again in FastStream's words."""

from collections.abc import Mapping
from typing import Any

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

_SASL = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


def faststream_options(kafka: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `KafkaBroker` for the same cluster, with the same protection."""
    return {"bootstrap_servers": kafka["bootstrap_servers"], "security": _security(kafka)}


def _security(kafka: Mapping[str, Any]) -> BaseSecurity | None:
    protocol = kafka.get("security_protocol", "PLAINTEXT")
    if protocol == "PLAINTEXT":
        return None
    use_ssl, context = protocol.endswith("SSL"), kafka.get("ssl_context")
    mechanism = kafka.get("sasl_mechanism")
    if mechanism is None:
        return BaseSecurity(use_ssl=use_ssl, ssl_context=context)
    return _SASL[mechanism](
        username=kafka["sasl_plain_username"],
        password=kafka["sasl_plain_password"],
        use_ssl=use_ssl,
        ssl_context=context,
    )
