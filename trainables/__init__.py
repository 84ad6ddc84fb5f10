"""The models that joulefront ships, and the cohorts they learn from: not part of the platform.

A trainable is a function `train(config, trial)` beside a dataclass `Config`. All of it imports
`joulefront.trial` and `joulefront.bench` only, and the platform imports nothing from here.
"""
