"""The broker's door as an agency asks it about the log: what anybody may know, and what became of its own events."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import aiohttp
from pydantic_core import from_json

from broker import limits
from broker.agency.errors import BrokerUnreachable
from broker.schemas.ids import EventId
from broker.seal.keys import SigningKey
from broker.seal.request_signature import TIMESTAMP_HEADER, sign_request
from broker.seal.signature import SIGNATURE_HEADER


class LogDoor:
    """One agency's way to the door at this address, such as `https://broker.example`."""

    def __init__(self, url: str, signing_key: Callable[[], SigningKey]) -> None:
        """`signing_key` gives the agency's key of this moment."""
        self._url = url.rstrip("/")
        self._signing_key = signing_key

    async def log(self, path: str) -> str | None:
        """What stands at `/log/<path>`; None where there is nothing.

        Raises:
            BrokerUnreachable: there is no answer.
        """
        return await self._get(f"/log/{path}", {})

    async def event(self, event_id: EventId) -> dict[str, Any] | None:
        """What became of an event of the agency's own; None where nothing is known of it.

        Raises:
            BrokerUnreachable: there is no answer.
        """
        path, timestamp = f"/events/{event_id}", str(int(time.time()))
        signature = sign_request(f"GET {path}".encode(), timestamp.encode(), self._signing_key()).decode()
        answer = await self._get(path, {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature})
        try:
            found: dict[str, Any] | None = None if answer is None else from_json(answer)
        except ValueError:
            raise BrokerUnreachable from None
        return found

    async def _get(self, path: str, headers: dict[str, str]) -> str | None:
        timeout = aiohttp.ClientTimeout(total=limits.log_answer_seconds_max)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._url + path, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status == HTTPStatus.NOT_FOUND:
                    return None
                content = await answer.content.read(limits.log_answer_bytes_max + 1)
                while not answer.content.at_eof() and len(content) <= limits.log_answer_bytes_max:
                    content += await answer.content.read(limits.log_answer_bytes_max)
                if answer.status != HTTPStatus.OK or len(content) > limits.log_answer_bytes_max:
                    raise BrokerUnreachable
                return content.decode()
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError, ValueError) as error:
            raise BrokerUnreachable(f"The broker's door does not answer ({type(error).__name__}).") from None
