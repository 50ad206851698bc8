"""The lab: plays the stack and its faults, knows the ground truth, and scores the judgement against it.

It meets the other components the way a user's stack does, over Prometheus, the lake, webhooks and gRPC,
and imports none of them.
"""
