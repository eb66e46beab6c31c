"""The kinds of columns that tables are made of, in any zone. Times are UTC."""

from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def moment(*, nullable: bool = False, default_now: bool = False) -> Any:
    """A point in time."""
    default = text("now()") if default_now else None
    return Field(sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=default))


def json(default: str | None = None) -> Any:
    """A JSON text, stored parsed."""
    return Field(sa_column=Column(JSONB, nullable=False, server_default=default))


def binary(*, nullable: bool = False) -> Any:
    """Bytes as they are."""
    return Field(sa_column=Column(LargeBinary, nullable=nullable))


def long_text() -> Any:
    """Text of any length."""
    return Field(sa_column=Column(Text, nullable=False))
