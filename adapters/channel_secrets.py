"""What a channel's folder holds besides keys: passwords, and the certificates by which a server is believed.

Files that are not their owner's alone are not read; what they hold stands in no message.
"""

import ssl
from functools import lru_cache
from pathlib import Path

from broker.seal.key_files import read_secret


def password_of(folder: Path, name: str) -> str:
    """The password in a file, without the line's end.

    Raises:
        KeyFileTooOpen, KeyFileForeign: it is missing, or not its owner's alone.
        ValueError: it is no text.
    """
    return read_secret(folder / name).decode().strip()


def tls_of(folder: Path, name: str) -> ssl.SSLContext:
    """Checks a server's certificate and name against the certificates in a file (PEM), or the system's without one.

    Raises:
        KeyFileTooOpen, KeyFileForeign: it is not its owner's alone.
        ValueError: it holds no certificates.
    """
    path = folder / name
    return _tls(read_secret(path).decode() if path.exists() else None)


@lru_cache(maxsize=64)
def _tls(authorities: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authorities)
    except ssl.SSLError:
        raise ValueError("the certificates cannot be read") from None
