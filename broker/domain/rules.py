"""Every rule of domain.md §2.2 to §2.5 by its id: what it demands, and where the program holds it or why it cannot.

The rows of §2.5 bear no ids of their own; they are numbered here in their order, NNEDV-01 to NNEDV-13. A test holds
that each place exists and that a test names each rule.
"""

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One rule. `held` are places as `module:name`; `not_checked` says what no program can know, and who sees to it."""

    rule: str
    demands: str
    held: tuple[str, ...] = ()
    not_checked: str = ""


_RECORD: Final = "broker.schemas.consent_record"
_SHARING_ITSELF: Final = (
    "Who answers a court or reports by duty does so itself: no event carries it, and nothing here sends it."
)

RULES: Final = (
    # §2.2 VAWA, FVPSA, VOCA
    Rule(
        "VAWA-01a",
        "What identifies leaves a victim service provider by a release alone",
        ("broker.domain.ground:ground_of",),
    ),
    Rule(
        "VAWA-01b",
        "Without one it makes a coarse, opaque offer at most, where the pack allows that",
        ("broker.domain.ground:ground_of", "broker.domain.coarse:coarse_need"),
        "Whether one in a hundred speak a language: the pack's author lists those that do.",
    ),
    Rule("VAWA-02", "A release is in writing", ("broker.domain.release:release_refusal", "broker.domain.permits:sift")),
    Rule("VAWA-03", "A release ends, and soon", ("broker.domain.release:release_refusal",)),
    Rule(
        "VAWA-04",
        "It is in force at each attempt to hand something over, not only when it came",
        ("broker.domain.permits:sift", "broker.relay:Relay"),
    ),
    Rule(
        "VAWA-05",
        "It names the recipient, and nobody whom she excludes",
        ("broker.domain.permits:sift", "broker.domain.permits:excludes"),
    ),
    Rule(
        "VAWA-06",
        "It names organisations, not kinds of them",
        ("broker.domain.release:release_refusal", "broker.domain.permits:sift"),
    ),
    Rule(
        "VAWA-07",
        "Only the groups, fields and sensitivity that it lists",
        (
            "broker.domain.necessity:cut",
            "broker.domain.release:unclear_in",
            "broker.agency.contents:without_excluded",
            "broker.domain.excluded:without_excluded",
            "broker.domain.excluded:exposed",
        ),
    ),
    Rule("VAWA-08", "Only for its purposes", ("broker.domain.permits:sift",)),
    Rule("VAWA-09", "A minor grants together with a parent or guardian", (f"{_RECORD}:RULES",)),
    Rule(
        "VAWA-10",
        "Nobody grants who may be the abuser",
        (f"{_RECORD}:RULES",),
        "Whether somebody is the abuser: the worker who takes the release answers for the check.",
    ),
    Rule(
        "VAWA-11",
        "Help never depends on signing",
        (f"{_RECORD}:Informed",),
        "Whether it was so in the room: the record says that it was, by the worker's reference.",
    ),
    Rule("VAWA-12", "A source hears what became of it by her release alone", ("broker.handlers.gate:feedback",)),
    Rule("VAWA-13", "No shelter's place travels", ("broker.schemas.forbidden_names:NEVER_TRANSIT",)),
    Rule(
        "VAWA-14",
        "A compelled disclosure has notice, protection, and a court's order or a statute",
        (),
        _SHARING_ITSELF,
    ),
    Rule("VAWA-15", "Who audits or funds sees codes and counts", ("broker.domain.ground:ground_of",)),
    Rule("VAWA-16", "What is revoked, suspended or replaced permits nothing", ("broker.domain.permits:sift",)),
    Rule(
        "VAWA-17",
        "No identifier leaves, hashed or not",
        ("broker.schemas.event:Contract",),
        "Whether a reference that should be random is a hash: whoever reviews the discloser's program.",
    ),
    # §2.3 HIPAA
    Rule(
        "HIPAA-01",
        "A health provider tells others by an authorization or another basis of the law",
        ("broker.domain.ground:ground_of",),
    ),
    Rule("HIPAA-02", "An authorization has every element", (f"{_RECORD}:ConsentRecord",)),
    Rule("HIPAA-03", "Agreement under 164.512(c) reaches authorities alone", ("broker.domain.ground:ground_of",)),
    Rule("HIPAA-04", "The individual is told of a report under 164.512(c)", (), _SHARING_ITSELF),
    Rule("HIPAA-05", "Every disclosure is accounted for before it is sent", ("broker.handlers.releasing:release",)),
    Rule(
        "HIPAA-06",
        "An accounting is withheld for a time only",
        (),
        "Nobody's accounting is given out here: the provider's own records office does, from the trail.",
    ),
    Rule(
        "HIPAA-07",
        "Nothing reaches a portal that a proxy reads",
        (),
        "No way out leads to a patient, a portal or a representative; a new one would need a row of the pack.",
    ),
    # §2.4 42 CFR Part 2
    Rule(
        "P2-01",
        "Substance-use programme records are not carried",
        ("broker.domain.necessity:cut", "broker.domain.policy_file:PackFile"),
    ),
    Rule(
        "P2-02",
        "With them goes the notice against redisclosure",
        ("broker.domain.policy_file:PackFile",),
        "They are not carried; no pack can switch them on.",
    ),
    Rule(
        "P2-03",
        "With them goes the consent or its scope",
        ("broker.domain.policy_file:PackFile",),
        "They are not carried; no pack can switch them on.",
    ),
    Rule(
        "P2-04",
        "They never go to police, prosecution or court",
        ("broker.domain.policy_file:PackFile",),
        "They are not carried; no pack can switch them on.",
    ),
    # §2.5 NNEDV Safety Net
    Rule(
        "NNEDV-01",
        "Ask first whether it can be met without sharing",
        (f"{_RECORD}:Informed",),
        "Whether she was asked: the record says so.",
    ),
    Rule("NNEDV-02", "A release for each agency", ("broker.domain.permits:sift",)),
    Rule("NNEDV-03", "No mutual exchange: one discloser", (f"{_RECORD}:Discloser",)),
    Rule("NNEDV-04", "Spoken withdrawal counts at once", ("broker.handlers.consent_revoked:handle",)),
    Rule(
        "NNEDV-05",
        "A release has its elements",
        (f"{_RECORD}:ConsentRecord",),
        "The signatures are on the form that the discloser keeps; its digest is in the record.",
    ),
    Rule(
        "NNEDV-06",
        "The survivor picks what, how, whom and how long",
        (f"{_RECORD}:Informed",),
        "Whether she picked: the record says that all of it was explained.",
    ),
    Rule("NNEDV-07", "Safe contact is confirmed anew before it is used", ("adapters.inbox.contact:usable",)),
    Rule(
        "NNEDV-08",
        "No voicemail unless agreed",
        ("broker.schemas.person_groups:SafeContact",),
        "What is said into one: the worker who calls.",
    ),
    Rule(
        "NNEDV-09",
        "No call back when cut off unless agreed",
        ("broker.schemas.person_groups:SafeContact",),
        "Who calls back: the worker who called.",
    ),
    Rule(
        "NNEDV-10",
        "Caller ID is blocked and not collected",
        (),
        "No program here calls anybody; a telephone's settings are the provider's.",
    ),
    Rule(
        "NNEDV-11",
        "Minimise, and purge on schedule",
        ("broker.domain.necessity:cut", "adapters.retention:forget_ended"),
    ),
    Rule(
        "NNEDV-12",
        "Only the programme's staff hold its keys",
        ("broker.seal.opening:OpeningKey",),
        "Who reaches the provider's zone: the provider.",
    ),
    Rule("NNEDV-13", "A subpoena is no court order; retain little", (), _SHARING_ITSELF),
)
"""All of them, in domain.md's order."""
