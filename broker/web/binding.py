"""The headers of an HTTP request as those of the Kafka record that it becomes (docs/wire-format.md §11).

One signature counts for both: `content-type` and `wh-signature` keep their names, `ce-id` is `ce_id`, every value stays
as it is, byte for byte, and so does the body. Whatever else a client or a proxy puts in is left behind.
"""

from collections.abc import Iterable
from typing import Final

from broker.seal.signature import SIGNATURE_HEADER

_HTTP_PREFIX: Final = "ce-"
_KAFKA_PREFIX: Final = "ce_"
_SAME: Final = frozenset({"content-type", SIGNATURE_HEADER})


def kafka_headers(http: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, bytes]]:
    """The record's headers. Names are in small letters, as every HTTP server of Python gives them."""
    carried: list[tuple[str, bytes]] = []
    for raw, content in http:
        name = raw.decode("latin-1")
        if name in _SAME:
            carried.append((name, content))
        elif name.startswith(_HTTP_PREFIX):
            carried.append((_KAFKA_PREFIX + name.removeprefix(_HTTP_PREFIX), content))
    return carried
