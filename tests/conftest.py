"""What all tests share."""

import signal

# Started in a shell's background, a process ignores Ctrl-C, and so do its children; the tests of stopping must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
