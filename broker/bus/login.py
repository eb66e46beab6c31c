"""Whether Kafka refuses a login: aiokafka's clients say only that they could not connect, whatever the reason was."""

from collections.abc import Mapping
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError

_REFUSALS: Final = (SaslAuthenticationFailed, UnsupportedSaslMechanismError)


async def login_refused(bootstrap: str, options: Mapping[str, Any]) -> bool:
    """Whether the first of these addresses that answers refuses user, password or mechanism.

    `options` are an aiokafka client's, without the addresses. Takes as long as the network does: bound it.
    """
    for address in bootstrap.split(","):
        host, _, port = address.rpartition(":")
        try:
            connection = await create_conn(host, int(port), **options)
        except _REFUSALS:
            return True
        except (KafkaError, OSError):  # TimeoutError is one: the next address may answer
            continue
        await connection.close()
        return False
    return False
