"""What makes a class a table of the broker: one registry of its own, so that no other zone's tables can slip in."""

from typing import ClassVar

from sqlalchemy import MetaData
from sqlmodel import SQLModel

METADATA = MetaData()


class Row(SQLModel):
    """A table of the broker."""

    metadata: ClassVar[MetaData] = METADATA
