"""Numerics of physical geodesy on plain arrays; no files, no clock, no containers."""
