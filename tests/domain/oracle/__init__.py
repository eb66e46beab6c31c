"""A second opinion on the decision: domain.md compiled to Cedar, asked the same questions as `broker.domain`.

Written from domain.md §2-§5, §7 and docs/decisions/0020-0024, never from the evaluator: it reads the pack's TOML and
the consent documents as they were signed, and shares no code with what it judges.
"""
