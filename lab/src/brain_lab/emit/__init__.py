"""What comes out of the simulated world, in the formats of the real one.

Metrics are written from a recording directly. All else goes through the records of `records.py`, which `brain_lab.tell`
makes of a recording; their writers do not know the simulator, and will serve real clusters, too. Where to find what:

- `logs/lines.py`: `usual_lines` and `fault_lines` make a process' log with the voice of a program of
  `logs/programs/registry.py`; `logs/{json_lines,otlp,forward}.py` write it.
- `traces/calls.py`: `spans_of` turns simulated calls into spans; `traces/growth.py` grows such calls from a graph and
  latencies; `traces/otlp.py` writes them.
- `events/reasons.py`: `occurrences` makes Kubernetes events; `events/core.py` writes them.
- `cloud/calls.py` makes AWS calls, `cloud/prices.py` rows of the bill; `cloud/cloudtrail.py`, `cost_explorer.py`,
  `focus.py`, `budgets.py` and `changes/` write them.
- `health/`: HL7 v2 and FHIR payloads.
- `otlp/client.py` sends logs and traces live.
- `folder.py` writes everything at once.
"""
