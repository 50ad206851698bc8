"""The judgement of one incident: window, evidence, findings, causes, words."""
