"""Verification: a sample of the stored values, computed again and compared with what is stored."""
