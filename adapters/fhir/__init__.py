"""Referrals as FHIR R4 resources of Gravity's SDOH Clinical Care guide (domain.md §9.2), and back."""
