"""The command line. Data goes to stdout, everything else to stderr; exit statuses stand in `exit_codes.py`."""
