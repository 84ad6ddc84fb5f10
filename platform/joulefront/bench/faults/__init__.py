"""Faults on purpose: what a study has lost when it was killed, damaged or cut off."""
