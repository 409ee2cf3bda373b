"""Checking: a program in, what it means (`Resolved`) and everything that is wrong with it out. No weight is read."""
