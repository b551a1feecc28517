"""Sanity: what no model may do, whatever a shop asks for, and whether its numbers follow from its outputs."""

from ecom_llm.promote.sanity.checks import sanity_checks, unjudged

__all__ = ["sanity_checks", "unjudged"]
