"""Mail that comes back, as servers and mailboxes write it: reports of Postfix, Exchange and another, automatic replies.

All are made up, in the form of the real ones. `{to}` is the address that a notice left from.
"""

from typing import Final

POSTFIX_FAILED: Final = """\
Return-Path: <>
Received: by mail.provider.example (Postfix) id 4XyZ1234; Tue,  3 Mar 2026 22:14:07 -0800 (PST)
Date: Tue,  3 Mar 2026 22:14:07 -0800 (PST)
From: MAILER-DAEMON@mail.provider.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4XyZ0001.1772604847/mail.provider.example"
Message-Id: <4XyZ1234@mail.provider.example>

This is a MIME-encapsulated message.

--4XyZ0001.1772604847/mail.provider.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.provider.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<desk@provider.example>: host mx.provider.example[192.0.2.7] said: 550 5.1.1
    <desk@provider.example>: Recipient address rejected: User unknown in
    virtual mailbox table (in reply to RCPT TO command)

--4XyZ0001.1772604847/mail.provider.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.provider.example
X-Postfix-Queue-ID: 4XyZ0001
X-Postfix-Sender: rfc822; {to}
Arrival-Date: Tue,  3 Mar 2026 22:14:05 -0800 (PST)

Final-Recipient: rfc822; desk@provider.example
Original-Recipient: rfc822;desk@provider.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.provider.example
Diagnostic-Code: smtp; 550 5.1.1 <desk@provider.example>: Recipient address
    rejected: User unknown in virtual mailbox table

--4XyZ0001.1772604847/mail.provider.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

Return-Path: <{to}>
From: notices@neutral.example
To: desk@provider.example
Subject: Something is waiting
Message-ID: <00000000-0000-4000-8000-000000000000@neutral.example>
Auto-Submitted: auto-generated

Something is waiting. Reference K7QF-2MXD.

--4XyZ0001.1772604847/mail.provider.example--
"""

POSTFIX_DELAYED: Final = (
    POSTFIX_FAILED.replace("Undelivered Mail Returned to Sender", "Delayed Mail (still being retried)")
    .replace("Action: failed\nStatus: 5.1.1", "Action: delayed\nStatus: 4.4.1")
    .replace(
        "Diagnostic-Code: smtp; 550 5.1.1",
        "Will-Retry-Until: Sun,  8 Mar 2026 22:14:05 -0800 (PST)\nDiagnostic-Code: X-Postfix;",
    )
)

EXCHANGE_FAILED: Final = """\
From: <postmaster@provider.example>
To: <{to}>
Date: Wed, 4 Mar 2026 06:14:09 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="6b1c2a8e-1f5e-4cf5-9a52-5a9d0f5e7a11"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
Message-ID: <9d2c41d6-1c54-4d0e-9a0f-4f1d@EX01.provider.example>
In-Reply-To: <00000000-0000-4000-8000-000000000000@neutral.example>
References: <00000000-0000-4000-8000-000000000000@neutral.example>
Subject: Undeliverable: Something is waiting
Auto-Submitted: auto-replied
X-Auto-Response-Suppress: DR, OOF, AutoReply
MIME-Version: 1.0

--6b1c2a8e-1f5e-4cf5-9a52-5a9d0f5e7a11
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="e0d2bb7f-28a1-4a3f-8a52-2b6a2d0c4b7e"

--e0d2bb7f-28a1-4a3f-8a52-2b6a2d0c4b7e
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Delivery has failed to these recipients or groups:

desk@provider.example<mailto:desk@provider.example>
The recipient's mailbox is full and can't accept messages now.

--e0d2bb7f-28a1-4a3f-8a52-2b6a2d0c4b7e
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

<html><head><meta http-equiv=3D"Content-Type" content=3D"text/html"></head>
<body><p><b>Delivery has failed to these recipients or groups:</b></p></body></html>

--e0d2bb7f-28a1-4a3f-8a52-2b6a2d0c4b7e--

--6b1c2a8e-1f5e-4cf5-9a52-5a9d0f5e7a11
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.provider.example
Received-From-MTA: dns;mail.neutral.example
Arrival-Date: Wed, 4 Mar 2026 06:14:08 +0000

Final-Recipient: rfc822;desk@provider.example
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp;554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException
X-Display-Name: Desk

--6b1c2a8e-1f5e-4cf5-9a52-5a9d0f5e7a11
Content-Type: text/rfc822-headers

From: <notices@neutral.example>
To: <desk@provider.example>
Subject: Something is waiting
Message-ID: <00000000-0000-4000-8000-000000000000@neutral.example>

--6b1c2a8e-1f5e-4cf5-9a52-5a9d0f5e7a11--
"""

GENERIC_FAILED: Final = """\
From: "Mail Delivery Subsystem" <mailer-daemon@elsewhere.example>
To: {to}
Subject: Delivery Status Notification (Failure)
Content-Type: Multipart/Report; Report-Type="delivery-status"; boundary=x
MIME-Version: 1.0

--x

No such domain.

--x
content-type: MESSAGE/DELIVERY-STATUS

reporting-mta: dns; elsewhere.example

final-recipient: rfc822; desk@provider.example
action:   Failed (for good)
status: 5.4.4 (unable to route)
--x--
"""

RELAYED: Final = GENERIC_FAILED.replace("Failed (for good)", "relayed").replace("5.4.4", "2.0.0")
"""It has been passed on to a server that sends no reports."""

READ_RECEIPT: Final = """\
From: desk@provider.example
To: {to}
Subject: Read: Something is waiting
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary=x

--x
Content-Type: text/plain

Your message was read on Wednesday, 4 March 2026.

--x
Content-Type: message/disposition-notification

Final-Recipient: rfc822; desk@provider.example
Original-Message-ID: <00000000-0000-4000-8000-000000000000@neutral.example>
Disposition: manual-action/MDN-sent-automatically; displayed

--x--
"""

OUT_OF_OFFICE: Final = """\
From: Desk <desk@provider.example>
To: <{to}>
Subject: Automatic reply: Something is waiting
Date: Wed, 4 Mar 2026 06:14:09 +0000
In-Reply-To: <00000000-0000-4000-8000-000000000000@neutral.example>
X-Auto-Response-Suppress: All
auto-submitted: auto-generated
MIME-Version: 1.0
Content-Type: text/plain; charset="utf-8"

I am out of the office until Monday. Yes, we accept. Action: failed
Status: 5.1.1
"""

VACATION: Final = """\
From: desk@provider.example
To: {to}
Subject: Away from my mail
Precedence: bulk
MIME-Version: 1.0
Content-Type: text/plain

Away until Monday.
"""

TICKET: Final = """\
From: desk@provider.example
To: {to}
Subject: [Ticket 4711] Something is waiting
Auto-Submitted: auto-replied; owner-email="desk@provider.example"
Content-Type: text/plain

We have got your request and accepted it.
"""

A_PERSON: Final = """\
From: Robin <robin@provider.example>
To: {to}
Subject: Re: Something is waiting
MIME-Version: 1.0
Auto-Submitted: no
Content-Type: text/plain

Yes, we accept.
"""

A_BOUNCE_SENT_ON: Final = (
    "From: robin@provider.example\nTo: {to}\nSubject: Fwd: what is this\nMIME-Version: 1.0\n"
    'Content-Type: multipart/mixed; boundary="fwd"\n\n--fwd\nContent-Type: text/plain\n\nIs this for me?\n--fwd\n'
    "Content-Type: message/rfc822\n\n" + POSTFIX_FAILED + "\n--fwd--\n"
)


def mail(sample: str, to: str = "returns+x@neutral.example") -> bytes:
    """A sample as it travels."""
    return sample.replace("{to}", to).replace("\n", "\r\n").encode()
