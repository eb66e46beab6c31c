"""disclosures.listed: a source has shown a survivor who received what about her: that it did, not what it said."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject


class ListForm(CodeList):
    """How it was shown."""

    TEXT = "TEXT"
    PAGE = "PAGE"


class DisclosuresListed(EventData):
    """That a list was made for a survivor, published by the referral's source before it is shown.

    The list itself stays with the source, where it is known who she is. `recipients` is how many it names.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.disclosures.listed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"recipients": 3, "form": "PAGE"}

    recipients: Annotated[int, Field(ge=0, le=999)]
    form: ListForm
