"""What came back is told apart by its form: reports, automatic replies, people; and whatever was sent, cheaply."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.mail.returned_mail import Kind, ReturnedMail, read_returned
from broker import limits
from tests.adapters import reports
from tests.adapters.reports import mail


@pytest.mark.parametrize(
    ("sample", "kind", "status"),
    [
        (reports.POSTFIX_FAILED, Kind.BOUNCED, "5.1.1"),
        (reports.EXCHANGE_FAILED, Kind.BOUNCED, "5.2.2"),
        (reports.GENERIC_FAILED, Kind.BOUNCED, "5.4.4"),
        (reports.POSTFIX_DELAYED, Kind.DELAYED, "4.4.1"),
        (reports.RELAYED, Kind.REPORTED, None),
        (reports.READ_RECEIPT, Kind.REPORTED, None),
        (reports.OUT_OF_OFFICE, Kind.AUTOMATIC_REPLY, None),
        (reports.VACATION, Kind.AUTOMATIC_REPLY, None),
        (reports.TICKET, Kind.AUTOMATIC_REPLY, None),
        (reports.A_PERSON, Kind.OTHER, None),
        (reports.A_BOUNCE_SENT_ON, Kind.OTHER, None),
    ],
)
def test_what_came_back_is_told_apart(sample: str, kind: Kind, status: str | None) -> None:
    """With the line ends of the network, and with those of a file."""
    assert read_returned(mail(sample)) == ReturnedMail(kind, status)
    assert read_returned(mail(sample).replace(b"\r\n", b"\n")) == ReturnedMail(kind, status)


def test_of_several_recipients_one_failure_is_enough() -> None:
    """A list behind the address may have more than one."""
    sample = reports.POSTFIX_DELAYED.replace(
        "\n--4XyZ0001.1772604847/mail.provider.example\nContent-Description: Undelivered",
        "\nFinal-Recipient: rfc822; other@provider.example\nAction: failed\nStatus: 5.7.1\n"
        "\n--4XyZ0001.1772604847/mail.provider.example\nContent-Description: Undelivered",
    )
    assert read_returned(mail(sample)) == ReturnedMail(Kind.BOUNCED, "5.7.1")


_HEADERS = st.sampled_from(
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; x=y",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
        "X-Auto-Response-Suppress: OOF",
    ]
)
_TYPES = st.sampled_from(
    ["text/plain", "text/html", "multipart/mixed; boundary=x", "multipart/alternative; boundary=x", "message/rfc822"]
)
_SAID = st.sampled_from(
    ["Action: failed", "Status: 5.1.1", "--x", "--x--", "", "Content-Type: message/delivery-status", "Yes, accepted"]
)


@settings(max_examples=300, deadline=None)
@given(marker=_HEADERS, kind=_TYPES, body=st.lists(_SAID | st.text(max_size=40), max_size=30))
def test_an_automatic_reply_is_never_taken_for_a_bounce(marker: str, kind: str, body: list[str]) -> None:
    """Whatever it quotes: a report says so at its top."""
    raw = "\r\n".join(["From: a@b.example", marker, f"Content-Type: {kind}", "", *body])
    assert read_returned(raw.encode("utf-8", "surrogatepass")).kind in (Kind.AUTOMATIC_REPLY, Kind.UNREADABLE)


_PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=x\r\n",
        b"Content-Type: multipart/report; boundary*=\x00'\x00'%ff; report-type*0=delivery\r\n",
        b"Content-Type: message/delivery-status\r\n",
        b"Content-Type: message/rfc822; x*=\xff''%80\r\n",
        b"Content-Type: =?utf-8?q?multipart/report?=; boundary\r\n",
        b"Action: failed\r\n",
        b"Action\r\n : \xff\xfe\r\n",
        b"Status: 5.1.1\r\n",
        b"Auto-Submitted: \x80\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"--x\r\n",
        b"--x--\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b":\r\n",
        b" \r\n",
        b"From \r\n",
        b"\x00",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES | st.binary(max_size=30), max_size=40).map(b"".join))
def test_reading_never_raises(raw: bytes) -> None:
    """Nor does it say more than it can know: a status stands in a report alone."""
    found = read_returned(raw)
    assert found.status is None or found.kind in (Kind.BOUNCED, Kind.DELAYED)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_report_never_raises(data: st.DataObject) -> None:
    """A piece cut out, doubled or overwritten anywhere in a real one."""
    raw = mail(data.draw(st.sampled_from([reports.POSTFIX_FAILED, reports.EXCHANGE_FAILED, reports.READ_RECEIPT])))
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 300)))
    middle = data.draw(st.sampled_from([b"", raw[start:end] * 2, b"\xff" * 5]))
    assert isinstance(read_returned(raw[:start] + middle + raw[end:]), ReturnedMail)


def _nested(depth: int) -> bytes:
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(depth))
    return head.encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"x" * (limits.returned_mail_bytes_max + 1),
        b"\n" * (limits.returned_mail_lines_max + 1),
        b"\r" * (limits.returned_mail_lines_max + 1),
        _nested(limits.returned_mail_nesting_max + 1),
        b"Content-Type: message/rfc822\r\n\r\n" * 1000,
    ],
    ids=["size", "lines", "old line ends", "parts in parts", "mails in mails"],
)
def test_a_bomb_is_not_even_parsed(raw: bytes) -> None:
    """Reading ends within 100 ms (reliability.md S12)."""
    began = time.process_time()
    assert read_returned(raw) == ReturnedMail(Kind.UNREADABLE)
    assert time.process_time() - began < 0.1


def test_the_worst_that_is_parsed_takes_a_fraction_of_a_second() -> None:
    """As deep and as long as the limits allow, at once. The best of five, because others work on this machine."""
    deep = _nested(limits.returned_mail_nesting_max - 1)
    room = limits.returned_mail_lines_max - deep.count(b"\n") * 2 - 4
    raw = deep + b"--b\n" * room
    took = []
    for _ in range(5):
        began = time.process_time()
        assert read_returned(raw).kind is not Kind.UNREADABLE
        took.append(time.process_time() - began)
    assert min(took) < 0.3
