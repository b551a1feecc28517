"""Prompts -> texts: examples as token ids, the decoding that params ask for, and which of several texts is taken."""
