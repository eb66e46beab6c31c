"""What stands in an offer, in plain words for a person in a hurry, in that person's language (broker.look)."""

from datetime import datetime
from typing import Final

from broker.look.language import _, counted
from broker.look.words import moment as moment
from broker.look.words import plain as plain
from broker.look.words import span as span
from broker.schemas.clear_groups import AccessNeeds, OfferedNeed
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.vocabulary import LengthOfNeed, Service

Fact = tuple[str, str]
"""What something is, and what is known of it."""

_LANGUAGES: Final = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "hmn": "Hmong",
    "ht": "Haitian Creole",
    "ko": "Korean",
    "pt": "Portuguese",
    "ru": "Russian",
    "so": "Somali",
    "tl": "Tagalog",
    "vi": "Vietnamese",
    "zh": "Chinese",
}

_HOW_LONG: Final = {
    LengthOfNeed.TONIGHT: "for tonight",
    LengthOfNeed.DAYS: "for some days",
    LengthOfNeed.WEEKS: "for some weeks",
    LengthOfNeed.MONTHS: "for some months",
}

WHAT_WAS_WRONG: Final = {
    RecallReason.WRONG_PERSON: "it is about somebody else, or takes one person for the other.",
    RecallReason.WRONG_RECIPIENT: "it was not meant for you.",
    RecallReason.ENTERED_IN_ERROR: "it should never have existed.",
}
"""Why a source takes back what should never have gone out."""

_ACCESS: Final = {
    "sign_language": "sign language",
    "step_free": "step-free access",
    "mobility_device": "mobility device",
    "deaf_hoh": "deaf or hard of hearing",
    "blind_low_vision": "blind or low vision",
    "service_animal": "service animal",
    "smokefree": "smoke-free",
    "transport_needed": "needs transport",
}


def services(offered: tuple[Service, ...]) -> str:
    """The services asked for, as a list with commas."""
    return ", ".join(plain(service) for service in offered)


def household(need: OfferedNeed | None) -> str | None:
    """For how many, with the children's age bands; None where the offer does not say."""
    if need is None or need.adults is None:
        return None
    people = counted("%(number)s adult", "%(number)s adults", need.adults)
    if need.children:
        children = counted("%(number)s child", "%(number)s children", need.children)
        people = _("%(adults)s and %(children)s") % {"adults": people, "children": children}
        ages = ", ".join(band.value for band in need.child_age_bands)
        if ages:
            people += " " + _("(ages %(ages)s)") % {"ages": ages}
    return people


def urgency(need: OfferedNeed | None) -> str | None:
    """How soon and for how long; None where the offer does not say."""
    if need is None:
        return None
    said = []
    if need.safe_tonight is not None:
        said.append(_("safe tonight") if need.safe_tonight else _("not safe tonight"))
    if need.length_of_need is not None:
        said.append(_(_HOW_LONG[need.length_of_need]))
    if need.needed_by is not None:
        said.append(_("needed by %(moment)s") % {"moment": moment(need.needed_by)})
    return ", ".join(said) or None


def language(access: AccessNeeds | None) -> str | None:
    """Which language, and whether an interpreter is wanted; None where the offer does not say."""
    if access is None or (access.preferred_language is None and not access.interpreter):
        return None
    code = access.preferred_language
    name = "" if code is None else _(_LANGUAGES.get(code.partition("-")[0], code))
    return ", ".join(part for part in (name, _("interpreter wanted") if access.interpreter else "") if part)


def access_needs(access: AccessNeeds | None) -> str | None:
    """What the place must allow for, language apart; None where nothing is asked."""
    if access is None:
        return None
    said = [_(words) for name, words in _ACCESS.items() if getattr(access, name)]
    if access.pet_count or access.pet_types:
        types = ", ".join(_(kind.value) for kind in access.pet_types)
        pets = types or counted("%(number)s animal", "%(number)s animals", access.pet_count)
        said.append(_("pets: %(pets)s") % {"pets": pets})
    if access.gender_of_placement is not None:
        said.append(_("wishes a place for: %(whom)s") % {"whom": plain(access.gender_of_placement)})
    if access.religious_diet is not None:
        said.append(_("diet: %(diet)s") % {"diet": plain(access.religious_diet)})
    return ", ".join(said) or None


def place(offer: OfferMade) -> str | None:
    """Where, never finer than a county or a postal area."""
    return offer.area or offer.jurisdiction_code


def call_back(offer: OfferMade) -> str | None:
    """Whom to call about the offer, by role and number, and until when."""
    worker = offer.worker_contact
    if worker is None:
        return None
    unit = ", " + _("unit %(unit)s") % {"unit": worker.unit} if worker.unit else ""
    until = ", " + _("until %(moment)s") % {"moment": moment(worker.shift_ends_at)} if worker.shift_ends_at else ""
    backup = worker.backup if until else None
    then = f"; {_('then')} {plain(backup.role)}, {backup.callback}" if backup else ""
    return f"{plain(worker.role)}{unit}, {worker.callback}{until}{then}"


def as_of(offer: OfferMade, now: datetime) -> OfferMade:
    """The offer with whom to call at `now`: nobody is called after their shift."""
    worker = offer.worker_contact
    return offer if worker is None else offer.model_copy(update={"worker_contact": worker.at(now)})


def deadline(answer_by: datetime, now: datetime) -> str:
    """A deadline as a person hears it: "answer within 12 min", or "due 5 min ago: answer at once"."""
    if answer_by >= now:
        return _("answer within %(span)s") % {"span": span(answer_by - now)}
    return _("due %(span)s ago: answer at once") % {"span": span(now - answer_by)}


def known(*labelled: tuple[str, str | None]) -> tuple[Fact, ...]:
    """Of these facts, those that are there. What is absent and what was withheld look the same."""
    return tuple((_(label), told) for label, told in labelled if told)
