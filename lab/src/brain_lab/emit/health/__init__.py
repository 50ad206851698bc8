"""Payloads of a hospital: HL7 v2 messages and FHIR resources about people who do not exist."""
