"""What would leave, told line by line: never what is sealed, only its code, its size class and who could open it."""

import json
from collections.abc import Iterator, Sequence

from broker.agency.planning import Plan, Share, Withheld
from broker.agency.records import Record
from broker.domain.reasons import WORDS
from broker.schemas.catalogue import short_name
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.refusal import ADVICE, RefusalCode
from broker.schemas.sealed import GROUP_BYTES_CLASSES


def shown_record(record: Record, without: Sequence[str] = ()) -> Iterator[str]:
    """A record's attributes and the data in the clear; properties of `without` are left for other lines."""
    headers = {name.removeprefix("ce_"): (content or b"").decode() for name, content in record.headers}
    yield f"{short_name(headers.get('type', '(whole event)'))} on {record.topic}"
    for name, text in headers.items():
        if name not in ("type", "content-type", "wh-signature"):
            yield f"  {name:<12} {text}"
    yield "  in the clear:"
    content = {name: part for name, part in json.loads(record.value or b"{}").items() if name not in without}
    yield from (f"    {line}" for line in json.dumps(content, indent=2, ensure_ascii=False).splitlines())


def shown_plan(plan: Plan) -> Iterator[str]:
    """For each sealed group its label, size class and recipients; what stays here; what each recipient does not get."""
    if plan.texts:
        yield "  sealed:"
    for group, text in sorted(plan.texts.items()):
        recipients = [share.recipient for share in plan.shares if group in share.groups]
        yield f"    {_labelled(group)}  {_size_class(text)} bytes, for {', '.join(recipients) or 'nobody yet'}"
    if plan.left_out:
        yield "  stays here, because no provider that could be asked may have it:"
        yield from _reasons(plan.left_out)
    for share in plan.shares:
        yield from _shown_share(share)
    if plan.texts and not any(share.groups for share in plan.shares):
        yield "  Nobody is sealed to yet: once a provider is chosen, a running client wraps the keys for it (--follow)."


def told(code: RefusalCode, field: str | None = None) -> str:
    """A refusal in words."""
    place = f" at {field}" if field else ""
    return f"refused: {code.value}{place}: {ADVICE[code].meaning}\n  → {ADVICE[code].remedy}"


def _shown_share(share: Share) -> Iterator[str]:
    if share.reason is not None:
        yield f"  {share.recipient} would get nothing: {share.reason.value}: {WORDS[share.reason]}"
        return
    yield f"  withheld from {share.recipient}{':' if share.withheld else ': nothing'}"
    yield from _reasons(share.withheld)


def _reasons(withheld: Withheld) -> Iterator[str]:
    for group, reason in sorted(withheld.items()):
        yield f"    {_labelled(group)}  {reason.value}: {WORDS[reason]}"


def _labelled(group: FieldGroup) -> str:
    return f"{group:<5} {GROUPS[group].label:<38}"


def _size_class(text: bytes) -> int:
    return next(size for size in GROUP_BYTES_CLASSES if len(text) < size)
