"""One run of a simulated platform into a folder, in the formats that people find in production.

The code behind `brain lab run --out`; `brain_lab.live` lets the same run go on in real time. What was broken is written
apart from everything that the product reads.
"""
