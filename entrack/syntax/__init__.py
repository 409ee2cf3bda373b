"""Syntax: text in, a `Program` of frozen values out, or diagnostics. The only folder that meets Lark."""
