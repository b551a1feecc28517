"""Approval: a person's word on what the gate approved, on the command line."""
