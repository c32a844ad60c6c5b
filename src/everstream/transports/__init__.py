"""The rooms that know an HTTP library, one folder for each."""
