"""What FHIR servers are told and what is read from them."""
