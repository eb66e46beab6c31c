"""The consent record's rules in JSON Schema's words, for whoever validates without this package.

The model's own rules in `consent_record.py` are the same ones; a test holds the two together.
"""

from typing import Final

from pydantic import JsonValue

CROSS_RULES: Final[list[JsonValue]] = [
    {
        "if": {"properties": {"status": {"const": "revoked"}}},
        "then": {"required": ["revocation"]},
        "description": "revoked needs a revocation block",
    },
    {
        "if": {
            "properties": {
                "decision": {"const": "permit"},
                "regimes": {"contains": {"enum": ["VAWA", "FVPSA", "VOCA"]}},
            }
        },
        "then": {"properties": {"recipients": {"items": {"properties": {"kind": {"const": "ORG"}}}}}},
        "description": "VAWA/FVPSA/VOCA permit: named organisations only",
    },
    {
        "if": {
            "properties": {
                "subject": {
                    "properties": {"kind": {"const": "UNEMANCIPATED_MINOR"}},
                    "not": {"properties": {"mayConsentAlone": {"const": True}}, "required": ["mayConsentAlone"]},
                }
            }
        },
        "then": {
            "properties": {
                "grantors": {
                    "allOf": [
                        {"contains": {"properties": {"capacity": {"const": "SELF"}}}},
                        {"contains": {"properties": {"capacity": {"enum": ["PARENT", "LEGAL_GUARDIAN"]}}}},
                    ]
                }
            }
        },
        "description": "unemancipated minor: self AND parent/guardian unless mayConsentAlone",
    },
    {
        "if": {
            "properties": {
                "subject": {
                    "properties": {"kind": {"const": "ADULT_WITH_COURT_GUARDIAN"}},
                    "not": {"properties": {"mayConsentAlone": {"const": True}}, "required": ["mayConsentAlone"]},
                }
            }
        },
        "then": {
            "properties": {
                "grantors": {"contains": {"properties": {"capacity": {"const": "COURT_APPOINTED_GUARDIAN"}}}}
            }
        },
        "description": "adult under court guardianship: guardian must grant unless mayConsentAlone",
    },
    {
        "if": {
            "properties": {
                "decision": {"const": "permit"},
                "regimes": {"contains": {"enum": ["VAWA", "FVPSA", "VOCA", "PART2", "HIPAA-AUTH"]}},
            }
        },
        "then": {
            "properties": {
                "grantors": {"items": {"properties": {"form": {"enum": ["WRITTEN_WET", "WRITTEN_ELECTRONIC"]}}}}
            }
        },
        "description": "written regimes: no oral permit",
    },
    {
        "properties": {
            "grantors": {
                "items": {
                    "allOf": [
                        {"properties": {"abuserCheck": {"not": {"const": "SUSPECTED_ABUSER"}}}},
                        {
                            "if": {"properties": {"capacity": {"not": {"const": "SELF"}}}},
                            "then": {"properties": {"abuserCheck": {"const": "CONFIRMED_NOT_ABUSER"}}},
                        },
                    ]
                }
            }
        },
        "description": "no grantor may be the (suspected) abuser; proxy grantors must be positively checked",
    },
]
