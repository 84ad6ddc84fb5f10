"""Benches of the models: figures taken without the platform's own energy meter."""
