"""The one identity of every page, in both zones: headers, style, frame and languages; nothing that knows a referral."""
