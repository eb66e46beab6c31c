"""The kinds of columns that tables are made of, in any zone. Times are UTC."""

from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def moment(*, nullable: bool = False, default_now: bool = False) -> Any:
    """A point in time."""
    default = {"server_default": text("now()")} if default_now else {}
    return Field(sa_type=DateTime(timezone=True), nullable=nullable, sa_column_kwargs=default)


def json(default: str | None = None) -> Any:
    """A JSON text, stored parsed."""
    kept = {} if default is None else {"server_default": default}
    return Field(sa_type=JSONB, nullable=False, sa_column_kwargs=kept)


def binary(*, nullable: bool = False) -> Any:
    """Bytes as they are."""
    return Field(sa_type=LargeBinary, nullable=nullable)


def long_text() -> Any:
    """Text of any length."""
    return Field(sa_column=Column(Text, nullable=False))
