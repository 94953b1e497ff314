"""Tables in, results out: pure functions that touch no file and draw no figure."""
