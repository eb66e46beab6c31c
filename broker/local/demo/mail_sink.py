"""A mail server of the demo's own: takes mail on the loopback interface, keeps each as a file, and sends nothing on.

Notices by e-mail are shown by it without an account anywhere. It asks for no login and has no certificate: a channel
reaches it by `"host": "127.0.0.1", "inClear": true`.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from broker import limits
from broker.local.ports import LOOPBACK

logging.getLogger("mail.log").disabled = True  # aiosmtpd's own: it writes down who wrote to whom

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


class MailSink:
    """`async with MailSink(folder) as sink`; then `sink.port`, and `sink.mails()` from the oldest to the newest."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        """With port 0 it listens wherever there is room."""
        self._folder, self._wanted_port = folder, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.BaseTransport] = set()
        self._one_at_a_time = asyncio.Lock()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def mails(self) -> Sequence[Path]:
        """The mails that it keeps, one file each."""
        return sorted(self._folder.glob("*.eml"))

    async def __aenter__(self) -> Self:
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._converse, LOOPBACK, self._wanted_port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            for conversation in tuple(self._open):
                conversation.close()
            await self._server.wait_closed()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's
        """Keep a mail; the oldest make room for it."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._keep, envelope.original_content or b"")
        return "250 2.0.0 OK: kept"

    def _keep(self, mail: bytes) -> None:
        kept = self.mails()
        number = int(kept[-1].stem) + 1 if kept else 1
        descriptor = os.open(self._folder / f"{number:06d}.eml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(mail.replace(b"\r\n", b"\n"))
        for oldest in kept[: max(0, len(kept) + 1 - limits.sink_mails_max)]:
            oldest.unlink(missing_ok=True)

    def _converse(self) -> asyncio.Protocol:
        return _Conversation(self, self._open)


class _Conversation(SMTP):
    def __init__(self, sink: MailSink, opened: set[asyncio.BaseTransport]) -> None:
        super().__init__(
            sink,
            data_size_limit=limits.sink_mail_bytes_max,
            hostname="localhost",
            loop=asyncio.get_running_loop(),
        )
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember it, to hang up in the end."""
        self._opened.add(transport)
        super().connection_made(transport)
