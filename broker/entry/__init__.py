"""How people come in at pages, in any zone: sessions as rows, one-time links, passkeys, an organisation's own sign-in.

It knows no referral and no zone. Whoever uses it says where the rows are kept, which roles there are, and how the pages
are reached; what a role may see is the pages' own matter.
"""
