"""The auditor's pages at the desk: what went where, why, and whether the log that says so still holds.

They ask the questions of `broker.store` and use the words of `broker.telling`, as the commands do. Whatever is read of
a referral is an entry of the trail, in the same transaction, and each page says so.
"""
