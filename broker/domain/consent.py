"""Decides what one organisation may tell another about a survivor, under which consent, and why not the rest.

Default deny (domain.md §4.3): a pure function of the question, the consents that are known, the time and the policy
pack. The order of the consents never matters; another denial never widens; every group present is either let through
or withheld for a stated reason. It is asked anew at every offer, attempt, retry, replay and read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from broker.domain import group_sets
from broker.domain.ground import Ground, refused, standing_ground
from broker.domain.pack import Basis, Column, PolicyPack
from broker.domain.question import Effect, Obligations, Phase, Question
from broker.domain.reasons import Reason
from broker.domain.terms import ConsentRef, ConsentTerms
from broker.schemas.field_groups import FieldGroup
from broker.schemas.vocabulary import RecipientCategory, Tier
