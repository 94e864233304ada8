"""Simulates and judges anti-poverty insurance."""
