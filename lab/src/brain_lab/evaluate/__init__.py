"""How good the judgement is: scores of many runs, and a report that people can read.

Pure but for the runner: a list of `RunResult` in, numbers and a page out. Who simulates a scenario and asks the product
is a callable that is passed in; nothing here knows the simulator.
"""
