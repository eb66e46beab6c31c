"""A stock FHIR server, and what it makes of everything that we send (`make fhir-check`)."""
