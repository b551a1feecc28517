"""For all tests: Ctrl-C means what it means on a terminal, also where the suite runs in a shell's background.

A shell starts background jobs with SIGINT ignored, children inherit that, and no test of an interruption could pass.
"""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
